"""YAML read without the library: nearly all that people and programs write.

PyYAML takes longer to load than Helm to render a chart, and reads slowly. Here is the structure of blocks, mappings and lists
by their indentation; what stands in them is read by plainscalars.py, plainquotes.py, plainflow.py, plainblocks.py,
plainanchors.py and plainlines.py. Everything else (tags, directives, keys of several lines, most tabs, whatever is wrong)
raises `UnusualError`, and the library reads it. Where this module reads a text, it reads what `api.yamltext` would.
"""

from corral.api.plainquotes import UnfinishedError, UnusualError, is_comment, quoted
from corral.api.plainscalars import KEYS, SCALARS, begins_word, split_key
from corral.base.annotations import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from corral.api.plainanchors import Anchors

MAX_DEPTH = 100
#: What a value begins with that is no word, nor in quotes.
_SIGNS = frozenset("[{|>&*# ")
#: Characters that are not what they look like: ends of lines, marks of byte order, what YAML does not allow.
_UNREADABLE = (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF)
_EMPTY = ("[]", "{}")
_ITEM = ("-", "- ")


def parse(text: str) -> Any:
    """The value of the first document; whole numbers are ints. Raises UnusualError."""
    if text[:1] == "\ufeff":
        text = text[1:]
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    bare = text.replace("\n", "").replace("\t", "")
    if not bare.isprintable() and not set(bare).isdisjoint(map(chr, _UNREADABLE)):
        raise UnusualError
    raw = text.split("\n")
    if text.startswith(("---", "...")) or "\n---" in text or "\n..." in text:
        from corral.api.plainlines import first_document

        raw = first_document(raw)
    return _Reader(raw, has_tabs="\t" in text).document()


def value_of(data: bytes) -> Any:
    """The value of the first document, read here or by the library. Raises ValueError, with the words of the reference."""
    try:
        return parse(data.decode())
    except (UnusualError, UnicodeDecodeError):
        pass
    from corral.api import yamltext
    from corral.api.jsontext import TextError

    try:
        return yamltext.parse(data)[0]
    except TextError as error:
        raise ValueError(f"error converting YAML to JSON: {error}") from None


class _Reader:
    def __init__(self, raw: list[str], *, has_tabs: bool) -> None:
        self.raw = raw
        #: The number, the indent and the content of each line that has content; behind the last one is one indented by -1.
        self.numbers: list[int] = []
        self.indents: list[int] = []
        self.contents: list[str] = []
        numbers, indents, contents = self.numbers.append, self.indents.append, self.contents.append
        for number, line in enumerate(raw):
            content = line.lstrip(" ")
            if content and content[0] != "#":
                numbers(number)
                indents(len(line) - len(content))
                contents(content.rstrip(" ") if content[-1] == " " else content)
        if has_tabs:
            from corral.api.plainlines import without_tabs

            self.contents = [without_tabs(content) if "\t" in content else content for content in self.contents]
        self.numbers.append(len(raw))
        self.indents.append(-1)
        self.contents.append("")
        self.at = 0
        self._anchors: Anchors | None = None

    def document(self) -> Any:
        value = self.below(-1, 0, in_list=True)
        if self.indents[self.at] >= 0:
            raise UnusualError
        return value

    def below(self, indent: int, depth: int, *, in_list: bool) -> Any:
        """What stands in the next lines, if they are indented further than `indent`; a list in a mapping need not be."""
        here, content = self.indents[self.at], self.contents[self.at]
        if here <= indent:
            return self.items(here, depth + 1) if here == indent and not in_list and content[:2] in _ITEM else None
        if content[:2] in _ITEM:
            return self.items(here, depth + 1)
        if _begins_mapping(content):
            return self.mapping(here, depth + 1)
        self.at += 1
        return self.value(content, indent, depth, in_list=True)

    def mapping(self, indent: int, depth: int) -> dict[str, Any]:
        """The mapping that begins at this line."""
        if depth > MAX_DEPTH:
            raise UnusualError
        made: dict[str, Any] = {}
        merges: list[Any] = []
        indents, contents = self.indents, self.contents
        at = self.at
        while indents[at] == indent:
            content = contents[at]
            at += 1
            head, colon, text = content.partition(": ")
            key = KEYS[head] if colon else KEYS[head[:-1]] if head[-1] == ":" else None
            if key is None:
                split = split_key(content)
                if split is None:
                    raise UnusualError
                key, text = split
            elif colon and indents[at] <= indent:
                if text[0] not in _SIGNS:
                    try:
                        made[key] = SCALARS[text]
                        continue
                    except UnfinishedError:
                        pass
                elif text in _EMPTY:
                    made[key] = [] if text == "[]" else {}
                    continue
            self.at = at
            value = self.behind(text, indent, depth, in_list=False) if text else self.below(indent, depth, in_list=False)
            at = self.at
            if key is None:
                merges.append(value)
            else:
                made[key] = value
        self.at = at
        if indents[at] > indent:
            raise UnusualError
        if merges:
            from corral.api.plainanchors import merged

            return merged(made, merges)
        return made

    def items(self, indent: int, depth: int) -> list[Any]:
        """The list that begins at this line."""
        if depth > MAX_DEPTH:
            raise UnusualError
        made: list[Any] = []
        indents, contents = self.indents, self.contents
        at = self.at
        while indents[at] == indent and contents[at][:2] in _ITEM:
            content = contents[at]
            rest = content[2:].lstrip(" ")
            if rest and (rest[:2] in _ITEM or _begins_mapping(rest)):
                # What follows the dash is a node of its own, as if the dash were a space.
                inner = indent + len(content) - len(rest)
                self.at, indents[at], contents[at] = at, inner, rest
                made.append(self.items(inner, depth + 1) if rest[:2] in _ITEM else self.mapping(inner, depth + 1))
                at = self.at
                continue
            at += 1
            if rest and rest[0] not in _SIGNS and indents[at] <= indent:
                try:
                    made.append(SCALARS[rest])
                    continue
                except UnfinishedError:
                    pass
            self.at = at
            made.append(self.behind(rest, indent, depth, in_list=True))
            at = self.at
        self.at = at
        if indents[at] > indent:
            raise UnusualError
        return made

    def behind(self, text: str, indent: int, depth: int, *, in_list: bool) -> Any:
        """What stands behind a key or a dash, or below it."""
        text = text.lstrip(" ")
        if not text or text[0] == "#":
            return self.below(indent, depth, in_list=in_list)
        return self.value(text, indent, depth, in_list=in_list)

    def value(self, text: str, indent: int, depth: int, *, in_list: bool) -> Any:
        """What stands behind a key or a dash at `indent`, and goes on in the next lines or below them."""
        first = text[0]
        value: Any
        if first == "&":
            return self.anchored(text, indent, depth, in_list=in_list)
        if first == "*":
            value = self.known(_without_comment(text)[1:])
        elif first == "{" and text == "{}":
            value = {}
        elif first in "[{":
            value = [] if text == "[]" else self.spanning(text, indent, self.brackets)
        elif first in "|>":
            value = self.block(text, indent)
        elif first in "\"'":
            value = self.spanning(text, indent, quoted)
        else:
            return self.words(text, indent)
        if self.indents[self.at] > indent:
            raise UnusualError
        return value

    def words(self, text: str, indent: int) -> Any:
        """A text without quotes; it goes on in all lines that are indented further than `indent`."""
        contents, indents, numbers = self.contents, self.indents, self.numbers
        at = self.at
        if indents[at] <= indent:
            return SCALARS[text]
        if not begins_word(text):
            raise UnusualError
        made = [text]
        while indents[at] > indent:
            content = contents[at]
            if "\t" in content:
                raise UnusualError
            blank = numbers[at] - numbers[at - 1] - 1
            if blank and any(line.strip(" ") for line in self.raw[numbers[at] - blank : numbers[at]]):
                raise UnusualError  # a comment: the text has ended there
            made.append("\n" * blank or " ")
            made.append(content)
            at += 1
        self.at = at
        whole = "".join(made)
        if " #" in whole:
            kept = _without_comment(made[-1])
            whole = "".join(made[:-1]) + kept
        if " #" in whole or ": " in whole or ":\n" in whole or whole[-1] == ":":
            raise UnusualError
        return whole

    def spanning(self, text: str, indent: int, read: Callable[[str], tuple[Any, int]]) -> Any:
        """The value of quotes or brackets that begin in the line before this one, and end there or in a later one."""
        raw, numbers, indents, at = self.raw, self.numbers, self.indents, self.at
        first = numbers[at - 1] + 1
        if text[-1] == "\\" and raw[first - 1][-1] in " \t":
            raise UnusualError  # the blank that was behind it is what it escapes
        while indents[at] > indent:
            at += 1
        count = 0 if at == self.at else numbers[at] - first + 1
        while True:
            joined = "\n".join([text, *raw[first : first + count]]) if count else text
            try:
                value, end = read(joined)
                break
            except UnfinishedError:
                if first + count >= len(raw):
                    raise
                count = count * 4 or 3
        behind = joined.find("\n", end)
        if not is_comment(joined[end:] if behind < 0 else joined[end:behind]):
            raise UnusualError
        self.go_to(first + joined.count("\n", 0, end))
        return value

    def brackets(self, text: str) -> tuple[Any, int]:
        from corral.api.plainflow import Brackets

        return Brackets(text, self.known).value()

    def block(self, header: str, indent: int) -> str:
        from corral.api.plainblocks import block

        text, end = block(header, self.raw, self.numbers[self.at - 1] + 1, indent)
        self.go_to(end)
        return text

    def go_to(self, number: int) -> None:
        """Go to the first line with content from this one on."""
        numbers, at = self.numbers, self.at
        while numbers[at] < number:
            at += 1
        self.at = at

    @property
    def anchors(self) -> "Anchors":
        """What anchors have named so far."""
        if self._anchors is None:
            from corral.api.plainanchors import Anchors

            self._anchors = Anchors()
        return self._anchors

    def known(self, alias: str) -> Any:
        """What an alias stands for."""
        return self.anchors.known(alias)

    def anchored(self, text: str, indent: int, depth: int, *, in_list: bool) -> Any:
        """A value behind an anchor."""
        anchor, _, text = text[1:].partition(" ")
        text = text.lstrip(" ")
        start, aliased = self.numbers[self.at - 1], self.anchors.aliased
        if (text if text and text[0] != "#" else self.contents[self.at])[:1] in ("&", "*"):
            raise UnusualError  # neither a second anchor nor an alias may follow
        value = self.behind(text, indent, depth, in_list=in_list)
        self.anchors.name(anchor, value, self.raw[start : self.numbers[self.at]], self.anchors.aliased - aliased)
        return value


def _begins_mapping(content: str) -> bool:
    """Whether a line is a key, and perhaps its value."""
    head, colon, _ = content.partition(": ")
    if colon or content[-1] == ":":
        return KEYS[head if colon else head[:-1]] is not None or split_key(content) is not None
    return False


def _without_comment(text: str) -> str:
    at = text.find(" #")
    return text if at < 0 else text[:at].rstrip(" ")
