"""JSON texts: parsing, and what Go says of a text that is none.

orjson parses; where it cannot, or where the exact texts of numbers and repeated keys matter, the standard library does, and the
message comes from a scan with the states of Go's encoding/json.
"""

import json
import re
from typing import Any

import orjson

from corral.api.jsonvalues import MAX_DEPTH, TOO_DEEP, Decimal, Repeated
from corral.base.patterns import pattern

_INTEGER_DIGITS = 1000
END = "unexpected end of JSON input"
_SURROGATE = pattern(r"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class TextError(ValueError):
    """A text that is not JSON; the message is Go's."""


def parse(data: bytes) -> Any:
    """The value of a JSON text. Raises TextError."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        check(data)
        value = parse_exactly(data)  # e.g. bytes that are no UTF-8, which Go replaces
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        try:
            orjson.dumps(value)
        except orjson.JSONEncodeError:
            raise TextError(TOO_DEEP) from None
    return value


def parse_exactly(data: bytes) -> Any:
    """Like `parse`, with jsonvalues.Decimal for numbers with a point and jsonvalues.Repeated for objects with repeated keys."""
    check(data)
    text = data.decode("utf-8", "replace")
    if "\\ud" in text or "\\uD" in text:
        text = _SURROGATE.sub(_paired, text)
    try:
        return json.loads(text, parse_float=_decimal, parse_int=_integer, object_pairs_hook=_pairs)
    except RecursionError:
        raise TextError(TOO_DEEP) from None


def has_repeated_keys(data: bytes, value: Any) -> bool:
    """Whether parsing `data` to `value` lost a key: then the text has more quotation marks than the value needs."""
    return _quotes(data) != _quotes(orjson.dumps(value))


def check(data: bytes) -> None:
    """Raise TextError where Go would find a fault."""
    scan = _Scan(data)
    try:
        scan.value()
    except RecursionError:
        raise TextError(TOO_DEEP) from None
    scan.skip()
    if scan.at < len(data):
        scan.fault("after top-level value")


def _quotes(data: bytes) -> int:
    plain = data.replace(b"\\\\", b"") if b"\\" in data else data
    return plain.count(b'"') - plain.count(b'\\"')


def _paired(match: re.Match[str]) -> str:
    """Half a pair stands for no character: Go reads U+FFFD."""
    return match[1] or "\ufffd"


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    number.text = text
    return number


def _integer(text: str) -> int | Decimal:
    """Python converts no integers of thousands of digits; to Go they are no integers either."""
    return int(text) if len(text) <= _INTEGER_DIGITS else _decimal(text)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    repeated = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    marked = Repeated(made)
    marked.repeated = tuple(repeated)
    return marked


class _Scan:
    """A walk over a text that stops at the first fault."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def skip(self) -> None:
        match = _SPACE.match(self.data, self.at)
        assert match is not None
        self.at = match.end()

    def fault(self, context: str) -> None:
        """Raise for the byte here."""
        if self.at >= len(self.data):
            raise TextError(END)
        char = chr(self.data[self.at])
        shown = "\\'" if char == "'" else '"' if char == '"' else json.dumps(char, ensure_ascii=not char.isprintable())[1:-1]
        if shown.startswith("\\u00"):
            shown = "\\x" + shown[4:]
        raise TextError(f"invalid character '{shown}' {context}")

    def peek(self) -> bytes:
        self.skip()
        return self.data[self.at : self.at + 1]

    def value(self) -> None:
        match self.peek():
            case b"{":
                self.object()
            case b"[":
                self.array()
            case b'"':
                self.string()
            case b"t":
                self.literal(b"true")
            case b"f":
                self.literal(b"false")
            case b"n":
                self.literal(b"null")
            case char if char and char in b"-0123456789":
                self.number()
            case _:
                self.fault("looking for beginning of value")

    def object(self) -> None:
        self.at += 1
        if self.peek() == b"}":
            self.at += 1
            return
        while True:
            if self.peek() != b'"':
                self.fault("looking for beginning of object key string")
            self.string()
            if self.peek() != b":":
                self.fault("after object key")
            self.at += 1
            self.value()
            if self.peek() == b"}":
                self.at += 1
                return
            if self.peek() != b",":
                self.fault("after object key:value pair")
            self.at += 1

    def array(self) -> None:
        self.at += 1
        if self.peek() == b"]":
            self.at += 1
            return
        while True:
            self.value()
            if self.peek() == b"]":
                self.at += 1
                return
            if self.peek() != b",":
                self.fault("after array element")
            self.at += 1

    def string(self) -> None:
        match = _STRING.match(self.data, self.at)
        assert match is not None
        self.at = match.end()
        here = self.data[self.at : self.at + 1]
        if here == b'"':
            self.at += 1
        elif here == b"\\":
            self.at += 1
            if self.data[self.at : self.at + 1] != b"u":
                self.fault("in string escape code")
            self.at += 1
            while self.data[self.at : self.at + 1] in tuple(b"%c" % c for c in b"0123456789abcdefABCDEF"):
                self.at += 1
            self.fault("in \\u hexadecimal character escape")
        else:
            self.fault("in string literal")

    def number(self) -> None:
        match = _NUMBER.match(self.data, self.at)
        if match is None:
            self.at += 1  # a sign alone
            self.fault("in numeric literal")
            return
        self.at = match.end()
        digits = match.group()
        here = self.data[self.at : self.at + 1]
        if here == b"." and b"." not in digits and b"e" not in digits.lower():
            self.at += 1
            self.fault("after decimal point in numeric literal")
        if here in (b"e", b"E") and b"e" not in digits.lower():
            self.at += 1
            if self.data[self.at : self.at + 1] in (b"+", b"-"):
                self.at += 1
            self.fault("in exponent of numeric literal")

    def literal(self, word: bytes) -> None:
        for expected in word:
            if self.data[self.at : self.at + 1] != b"%c" % expected:
                self.fault(f"in literal {word.decode()} (expecting '{chr(expected)}')")
            self.at += 1
