"""Regular expressions as Go's regexp package runs them, on RE2 itself."""

from collections.abc import Iterator
from functools import lru_cache

import re2

from corral.base.annotations import Any
from corral.charts.render.errors import FunctionError
from corral.charts.render.gotypes import decoded, encoded

#: A greater number is the name of a group, as Go has it.
_MAX_DIGITS = 8
_REASONS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "unexpected )": "unexpected )",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid repetition size": "invalid repeat count",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid escape sequence": "invalid escape sequence",
    "invalid character class range": "invalid character class range",
    "trailing \\": "trailing backslash at end of expression",
}

#: What one call may find.
MAX_MATCHES = 250_000


class Regex:
    """A compiled expression over the bytes of a text."""

    def __init__(self, pattern: str) -> None:
        options = re2.Options()
        options.log_errors = False
        try:
            self._regex: Any = re2.compile(pattern.encode("utf-8", "surrogateescape"), options)
        except re2.error as error:
            raise ValueError(_reason(error.args[0])) from None

    def matches(self, data: bytes) -> bool:
        """Whether the expression is found somewhere."""
        return self._regex.search(data) is not None

    def _all(self, data: bytes, count: int) -> Iterator[Any]:
        """The matches one after another; an empty one right behind another does not count."""
        at, end, before, matches = 0, len(data), -1, 0
        while count and at <= end:
            found = self._regex.search(data, at)
            if found is None:
                return
            start, stop = found.span()
            accepted = True
            if stop == start:
                accepted = start != before
                at = stop + _width(data, stop)
            else:
                at = stop
            before = stop
            if accepted:
                matches += 1
                if matches > MAX_MATCHES:
                    raise FunctionError(f"the expression is found more than {MAX_MATCHES} times")
                yield found
                count -= 1

    def find_all(self, data: bytes, count: int) -> list[bytes]:
        """The first matches, all with a negative count."""
        return [found[0] for found in self._all(data, count)]

    def replace(self, data: bytes, replacement: bytes) -> bytes:
        """All matches replaced, $1 and ${name} expanded."""
        if b"$" not in replacement:
            return self.replace_literal(data, replacement)
        names = self._regex.groupindex
        made, at = [], 0
        for found in self._all(data, -1):
            made += [data[at : found.start()], _expand(found, replacement, names)]
            at = found.end()
        return b"".join(made) + data[at:]

    def replace_literal(self, data: bytes, replacement: bytes) -> bytes:
        """All matches replaced by the same text."""
        made, at = [], 0
        for found in self._all(data, -1):
            made += [data[at : found.start()], replacement]
            at = found.end()
        return b"".join(made) + data[at:]

    def split(self, data: bytes, count: int) -> list[bytes]:
        """What is between the matches."""
        if count == 0:
            return []
        if self._regex.pattern and not data:
            return [b""]
        made: list[bytes] = []
        at = end = 0
        for found in self._all(data, count):
            if count > 0 and len(made) == count - 1:
                break
            end = found.start()
            if found.end() != 0:
                made.append(data[at:end])
            at = found.end()
        if end != len(data):
            made.append(data[at:])
        return made


def _width(data: bytes, at: int) -> int:
    """How many bytes the character at a place has."""
    first = data[at] if at < len(data) else 0
    size = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    return size if all(0x80 <= byte < 0xC0 for byte in data[at + 1 : at + size]) and len(data[at : at + size]) == size else 1


def _expand(found: Any, replacement: bytes, names: Any) -> bytes:
    """The replacement with the groups that it names; a dollar that names none is a dollar."""
    made: list[bytes] = []
    before, dollar, rest = replacement.partition(b"$")
    while dollar:
        made.append(before)
        if rest[:1] == b"$":
            made.append(b"$")
            rest = rest[1:]
        else:
            name, rest = _name(rest)
            made.append(_group(found, name, names) if name else b"$")
        before, dollar, rest = rest.partition(b"$")
    return b"".join((*made, before))


def _name(text: bytes) -> tuple[str, bytes]:
    """The name that a text begins with, and what is behind it; no name and the text where it begins with none."""
    is_braced = text[:1] == b"{"
    shown = decoded(text[1:] if is_braced else text)
    length = next((i for i, char in enumerate(shown) if not (char.isalpha() or char.isdecimal() or char == "_")), len(shown))
    behind = shown[length:]
    if not length or (is_braced and behind[:1] != "}"):
        return "", text
    return shown[:length], encoded(behind[1:] if is_braced else behind)


def _group(found: Any, name: str, names: Any) -> bytes:
    """What a group matched: one of a number, which has no leading zero, or of a name."""
    if name.isascii() and name.isdigit() and (name == "0" or name[0] != "0") and len(name) <= _MAX_DIGITS:
        number = int(name)
        matched = found[number] if number <= len(found.groups()) else None
    else:
        matched = found[names[encoded(name)]] if encoded(name) in names else None
    return matched or b""


def _reason(message: Any) -> str:
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    reason, _, argument = text.partition(": ")
    return f"error parsing regexp: {_REASONS.get(reason, reason)}: `{argument}`"


@lru_cache(512)
def compiled(pattern: str) -> Regex:
    """An expression, compiled once. Raises ValueError in Go's words."""
    return Regex(pattern)
