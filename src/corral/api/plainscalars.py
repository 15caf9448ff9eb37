"""What stands on one line of YAML, as people mostly write it: words, numbers, text in quotes, short lists and mappings.

The smaller half of `plainyaml`: what is not, or not surely, what the library would read alike raises `UnusualError`.
"""

from corral.base.annotations import Any
from corral.base.memo import Memo
from corral.base.patterns import pattern

#: So deep may lists and mappings nest on a line.
MAX_FLOW_DEPTH = 20
_NUMBER = pattern(
    r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
)
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
}
#: What a plain scalar may not begin with here.
_SPECIAL = frozenset("-?:,[]{}#&*!|>'\"%@`=<.+0123456789")
#: What is surely part of a word between commas and brackets, if that does not begin with it; a colon is, too, in its middle.
_NO_WORD_CHARACTERS = dict.fromkeys([*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B), *b"_./-:@$=+~"])
#: What a number can be written with, infinity included.
_NUMERIC = "0123456789abcdefABCDEFxXoOinINF_.+-"
#: Integers of so many digits are exact everywhere; so are floats with so many before and behind the point.
_SAFE_DIGITS = 18
_SAFE_WHOLE_DIGITS, _SAFE_FRACTION_DIGITS = 15, 14
INDICATORS = frozenset(",[]{}#&*!|>'\"%@`?:")
_ESCAPES = {
    **{"0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b", " ": " ", '"': '"'},
    **{"/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"},
}
_CODES = {"x": 2, "u": 4, "U": 8}


class UnusualError(Exception):
    """The text is not, or not surely, in the part of YAML that is read here."""


def scalar(text: str) -> Any:
    """The value of what stands on one line."""
    return flow(text) if text[0] in "[{" else SCALARS[text]


def _scalar(text: str) -> Any:
    first = text[0]
    if first in "\"'":
        value, end = quoted(text)
        if not is_comment(text[end:]):
            raise UnusualError
        return value
    if first in INDICATORS or text == "=" or text.startswith("<<"):
        raise UnusualError
    if " #" in text:
        text = text[: text.index(" #")].rstrip(" ")
    if ": " in text or text[-1] == ":":
        raise UnusualError
    if text in WORDS:
        return WORDS[text]
    if first not in _SPECIAL:
        return text
    if text.isascii() and text.isdigit() and len(text) <= _SAFE_DIGITS and (first != "0" or len(text) == 1):
        return int(text)
    return _text(text) if text.strip(_NUMERIC) or text.count(".") > 1 else _number(text)


#: The value of a scalar. Raises UnusualError.
SCALARS = Memo(4096, _scalar)


def is_comment(text: str) -> bool:
    """Whether what stands behind a value is nothing, or a comment."""
    return not text or (text[0] == " " and text.lstrip(" ")[:1] == "#")


def _text(text: str) -> str:
    """What begins as a number could, and is none."""
    if text[0] == "-" and (len(text) == 1 or text[1] in " ,[]{}"):
        raise UnusualError
    return text


def _number(text: str) -> Any:
    whole, point, fraction = text.removeprefix("-").partition(".")
    if whole.isdigit() and (whole[0] != "0" or len(whole) == 1):
        if not point and len(whole) <= _SAFE_DIGITS:
            return int(text)
        if fraction.isdigit() and len(whole) <= _SAFE_WHOLE_DIGITS and len(fraction) <= _SAFE_FRACTION_DIGITS:
            number = float(text)
            return int(number) if number.is_integer() else number
    if whole[0:1] == "0" and not point and len(whole) <= _SAFE_DIGITS and not whole.strip("01234567"):
        return int(text, 8)
    if text[1:].lower() in ("inf", "nan", ".inf", ".nan") or _NUMBER.fullmatch(text.replace("_", "")):
        raise UnusualError
    return _text(text)


def quoted(text: str, at: int = 0) -> tuple[str, int]:
    """The text in the quotes that begin at `at`, and where they have ended. Raises UnusualError."""
    mark = text[at]
    end = text.find(mark, at + 1)
    if mark == "'":
        while end >= 0 and text[end + 1 : end + 2] == "'":
            end = text.find("'", end + 2)
        if end < 0:
            raise UnusualError
        return text[at + 1 : end].replace("''", "'"), end + 1
    escape = text.find("\\", at + 1)
    if end >= 0 and not 0 <= escape < end:
        return text[at + 1 : end], end + 1
    return _escaped(text, at + 1)


def _escaped(text: str, at: int) -> tuple[str, int]:
    made = []
    while True:
        end, escape = text.find('"', at), text.find("\\", at)
        if end < 0:
            raise UnusualError
        if not 0 <= escape < end:
            made.append(text[at:end])
            return "".join(made), end + 1
        made.append(text[at:escape])
        char = text[escape + 1 : escape + 2]
        at = escape + 2
        if char in _CODES:
            digits = text[at : at + _CODES[char]]
            at += len(digits)
            made.append(_character(digits, _CODES[char]))
        elif char in _ESCAPES:
            made.append(_ESCAPES[char])
        else:
            raise UnusualError


def _character(digits: str, length: int) -> str:
    if len(digits) != length or digits.strip("0123456789abcdefABCDEF"):
        raise UnusualError
    code = int(digits, 16)
    if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        raise UnusualError
    return chr(code)


def flow(text: str) -> Any:
    """The value of what begins with a bracket, and ends on the same line."""
    if text == "{}":
        return {}
    if text == "[]":
        return []
    value, end = _list(text, 1, 0) if text[0] == "[" else _mapping(text, 1, 0)
    if not is_comment(text[end:]):
        raise UnusualError
    return value


def _next(text: str, at: int) -> tuple[str, int]:
    """The next character that is no blank, and where it is; "" at the end."""
    while text[at : at + 1] == " ":
        at += 1
    return text[at : at + 1], at


def _after(text: str, at: int, end: str) -> tuple[str, int]:
    """The same behind an item: the comma between it and the next one is passed."""
    char, at = _next(text, at)
    if char == ",":
        return _next(text, at + 1)
    if char != end:
        raise UnusualError
    return char, at


def _list(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    made: list[Any] = []
    char, at = _next(text, at)
    while char != "]":
        value, at = _item(text, at, depth)
        made.append(value)
        char, at = _after(text, at, "]")
    return made, at + 1


def _mapping(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    made: dict[str, Any] = {}
    char, at = _next(text, at)
    while char != "}":
        if char and char in "\"'":
            key, at = quoted(text, at)
        else:
            key, _, _ = text[at:].partition(":")
            at += len(key)
            if not PLAIN_KEYS[key]:
                raise UnusualError
        if text[at : at + 2] != ": ":
            raise UnusualError
        char, at = _next(text, at + 2)
        made[key] = None
        if char not in (",", "}"):
            made[key], at = _item(text, at, depth)
        char, at = _after(text, at, "}")
    return made, at + 1


def _item(text: str, at: int, depth: int) -> tuple[Any, int]:
    """A value within brackets. With anything unusual in it, a word could be part of more than was split off."""
    char = text[at : at + 1]
    if char and char in "[{":
        if depth > MAX_FLOW_DEPTH:
            raise UnusualError
        return (_list if char == "[" else _mapping)(text, at + 1, depth + 1)
    if char and char in "\"'":
        return quoted(text, at)
    end = at
    while text[end : end + 1] not in ",[]{}":
        end += 1
    word = text[at:end].rstrip(" ")
    if not word or word.translate(_NO_WORD_CHARACTERS).strip(" "):
        raise UnusualError
    return SCALARS[word], end


def _needs_no_quotes(key: str) -> bool:
    if key in WORDS or key.startswith(("---", "...")):
        raise UnusualError
    return key.translate(_LETTERS).isidentifier() and key[0] not in "./-"


#: What a plain key may hold beside what a name of Python may.
_LETTERS = str.maketrans("./-", "___")
#: Whether a key needs no quotes. Raises UnusualError for one that is not what it looks like.
PLAIN_KEYS = Memo(4096, _needs_no_quotes)
