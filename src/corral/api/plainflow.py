"""Lists and mappings in brackets: JSON as YAML has it, words without quotes among it, over several lines if need be."""

from corral.api.plainquotes import UnfinishedError, UnusualError, quoted
from corral.api.plainscalars import INDICATORS, MAX_KEY_LENGTH, MERGE, key_of, word
from corral.base.annotations import Any, Callable

#: So deep may lists and mappings nest in brackets.
MAX_DEPTH = 20
#: What may end a word, or may not.
_STOPS = frozenset(",[]{}:#\n")
_MARKS = frozenset(",[]{}")
_BLANKS = frozenset(" \n\t")
_MARGIN = " \t"


class Brackets:
    """What begins with a bracket in a text; `known` gives what an alias stands for. Raises UnfinishedError, UnusualError."""

    def __init__(self, text: str, known: Callable[[str], Any]) -> None:
        self.text = text
        self.known = known

    def value(self) -> tuple[Any, int]:
        """The value of the list or mapping that the text begins with, and where it has ended."""
        return self._mapping(1, 0) if self.text[0] == "{" else self._list(1, 0)

    def _next(self, at: int) -> tuple[str, int]:
        """The next character that is neither a blank nor in a comment, and where it is."""
        text = self.text
        try:
            while True:
                char = text[at]
                if char == "#":
                    at = text.index("\n", at)
                elif char not in _BLANKS:
                    return char, at
                at += 1
        except (IndexError, ValueError):
            raise UnfinishedError from None

    def _after(self, at: int, end: str) -> tuple[str, int]:
        """The same behind an item: the comma between it and the next one is passed."""
        char, at = self._next(at)
        if char == ",":
            return self._next(at + 1)
        if char != end:
            raise UnusualError
        return char, at

    def _list(self, at: int, depth: int) -> tuple[list[Any], int]:
        made: list[Any] = []
        char, at = self._next(at)
        while char != "]":
            value, at = self._item(char, at, depth)
            made.append(value)
            char, at = self._after(at, "]")
        return made, at + 1

    def _mapping(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        made: dict[str, Any] = {}
        merges: list[Any] = []
        char, at = self._next(at)
        while char != "}":
            key, at, has_value = self._key(char, at)
            value = None
            if has_value:
                char, at = self._next(at)
                if char not in ",}":
                    value, at = self._item(char, at, depth)
            if key is None:
                merges.append(value)
            else:
                made[key] = value
            char, at = self._after(at, "}")
        if merges:
            from corral.api.plainanchors import merged

            made = merged(made, merges)
        return made, at + 1

    def _key(self, char: str, at: int) -> tuple[str | None, int, bool]:
        """A key, None for that of merges; where its value stands, and whether it has one."""
        start = at
        key: str | None
        if char in "\"'":
            key, at = quoted(self.text, at)
        else:
            text, at, is_text = self._word(at)
            key = text if is_text else None if text == MERGE else key_of(word(text))
        while self.text[at : at + 1] == " ":
            at += 1
        char = self.text[at : at + 1]
        if char == ":":
            if "\n" in self.text[start:at] or at - start > MAX_KEY_LENGTH:
                raise UnusualError
            return key, at + 1, True
        return key, at, False

    def _item(self, char: str, at: int, depth: int) -> tuple[Any, int]:
        if char in "[{":
            if depth > MAX_DEPTH:
                raise UnusualError
            return self._mapping(at + 1, depth + 1) if char == "{" else self._list(at + 1, depth + 1)
        if char in "\"'":
            return quoted(self.text, at)
        if char == "*":
            end = at + 1
            while self.text[end : end + 1] not in _BLANKS and self.text[end : end + 1] not in _MARKS and end < len(self.text):
                end += 1
            return self.known(self.text[at + 1 : end]), end
        text, at, is_text = self._word(at)
        return text if is_text else word(text), at

    def _word(self, at: int) -> tuple[str, int, bool]:
        """A text without quotes, where it has ended, and whether it is no word: one that ends with a colon is text."""
        text = self.text
        first, second = text[at], text[at + 1 : at + 2]
        if first in INDICATORS or first in "?:" or (first == "-" and second in _BLANKS):
            raise UnusualError
        lines: list[str] = []
        start = at
        while True:
            while at < len(text) and text[at] not in _STOPS:
                at += 1
            char, behind = text[at : at + 1], text[at + 1 : at + 2]
            if not char or (char == ":" and not behind):
                raise UnfinishedError
            if char == "\n":
                lines.append(text[start:at])
                at = start = at + 1
            elif char == ":" and (behind in _MARKS or behind == "?"):
                lines.append(text[start : at + 1])
                return _folded(lines), at + 1, True
            elif char in _MARKS or (char == ":" and behind in _BLANKS) or (char == "#" and text[at - 1] in _BLANKS):
                lines.append(text[start:at])
                return _folded(lines), at, False
            else:
                at += 1


def _folded(lines: list[str]) -> str:
    """The lines of a text as one: a line's end is a space, and those of blank lines are ends of lines. Raises UnusualError."""
    made = lines[0].rstrip(_MARGIN)
    blank = 0
    for line in lines[1:]:
        content = line.lstrip(" ")
        if content[:1] == "\t":
            raise UnusualError
        if content:
            made += ("\n" * blank or " ") + content.rstrip(_MARGIN)
            blank = 0
        else:
            blank += 1
    return made
