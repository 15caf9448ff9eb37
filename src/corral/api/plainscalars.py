"""What a word of YAML stands for: text, a number, true, false or nothing; as a value and as a key.

The rules are those of `api.yamltext`; what they do not settle at a glance raises `UnusualError`, and the library reads it.
"""

from corral.api.plainquotes import UnusualError, is_comment, quoted
from corral.base.annotations import Any
from corral.base.memo import Memo

WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
}
#: What a word may not begin with.
INDICATORS = frozenset(",[]{}#&*!|>'\"%@`\t")
#: What it may begin with if no blank follows.
_BEFORE_BLANKS = frozenset("-?:")
_BEGIN_NUMBERS = frozenset("0123456789.+-")
#: What a number is written with.
_NUMERIC = "0123456789abcdefABCDEFxXoO_.+-"
_DIGITS, _HEX_DIGITS = "0123456789", "0123456789abcdef"
#: Whole floats below it are whole numbers.
_EXACT_FLOAT = 1e21
_MAX_NUMBER_LENGTH = 4000
_INFINITE = float("inf")
#: A key is on one line, and no longer.
MAX_KEY_LENGTH = 1000
#: The key of mappings whose items a mapping takes over.
MERGE = "<<"


def _scalar(text: str) -> Any:
    first = text[0]
    if first in "\"'":
        value, end = quoted(text)
        if not is_comment(text[end:]):
            raise UnusualError
        return value
    if " #" in text:
        text = text[: text.index(" #")].rstrip(" ")
    if not begins_word(text) or ": " in text or text[-1] == ":":
        raise UnusualError
    return word(text)


#: The value of what stands on a line behind a key or a dash: a word or a text in quotes. Raises UnusualError.
SCALARS = Memo(4096, _scalar)


def begins_word(text: str) -> bool:
    """Whether it is no sign of something else."""
    first = text[0]
    return first not in INDICATORS and (first not in _BEFORE_BLANKS or text[1:2] not in ("", " "))


def word(text: str) -> Any:
    """The value of a text without quotes. Raises UnusualError for a number of very many digits."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in _BEGIN_NUMBERS:
        return text
    if text[0] != "0" and text.isascii() and text.isdigit() and len(text) <= _MAX_NUMBER_LENGTH:
        return int(text)
    if text.strip(_NUMERIC) or text.startswith("._"):
        if text.lstrip("+-").lower() in (".inf", ".nan"):
            raise UnusualError
        return text  # something in it is in no number
    number = _number(text.replace("_", "").lower())
    return text if number is None else number


def _number(text: str) -> int | float | None:
    """A number, written in small letters; None for what is none."""
    if len(text) > _MAX_NUMBER_LENGTH:
        raise UnusualError
    digits = text[1:] if text[0] in "+-" else text
    whole = _integer(digits)
    if whole is not None:
        return -whole if text[0] == "-" else whole
    mantissa, exponential, exponent = digits.partition("e")
    if exponential and not _is_of(exponent[1:] if exponent[:1] in ("+", "-") else exponent, _DIGITS):
        return None
    before, point, behind = mantissa.partition(".")
    if not _is_of(before + behind, _DIGITS) or (not before and not point):
        return None
    number = float(text)
    if abs(number) == _INFINITE:
        return None
    return int(number) if number.is_integer() and abs(number) < _EXACT_FLOAT else number


def _integer(digits: str) -> int | None:
    kind = digits[:2]
    if kind == "0x":
        return int(digits, 16) if _is_of(digits[2:], _HEX_DIGITS) else None
    if kind == "0b":
        return int(digits, 2) if _is_of(digits[2:], "01") else None
    if kind == "0o":
        return int(digits, 8) if _is_of(digits[2:], "01234567") else None
    if not _is_of(digits, _DIGITS):
        return None
    if digits[0] != "0" or len(digits) == 1:
        return int(digits)
    return int(digits, 8) if _is_of(digits, "01234567") else None


def _is_of(text: str, characters: str) -> bool:
    return text != "" and not text.strip(characters)


def _key(head: str) -> str | None:
    text = head.rstrip(" ")
    if not text or text == MERGE or not begins_word(text) or " #" in text or len(text) > MAX_KEY_LENGTH:
        return None
    return key_of(word(text))


def key_of(value: Any) -> str:
    """A key by what it stands for: keys are text. Raises UnusualError for nothing."""
    if value.__class__ is str:
        return str(value)
    if value is None:
        raise UnusualError
    return "true" if value is True else "false" if value is False else str(value)


#: The key that stands before a colon; None for what is no word, and for the key of merges. Raises UnusualError.
KEYS = Memo(4096, _key)


def split_key(content: str) -> tuple[str | None, str] | None:
    """The key that a line begins with, None for that of merges, and what stands behind its colon; None without one."""
    if content[0] in "\"'":
        try:
            key, end = quoted(content)
        except UnusualError:
            return None
        rest = content[end:].lstrip(" ")
        if rest[:1] != ":" or rest[1:2] not in ("", " ") or end > MAX_KEY_LENGTH:
            return None
        return key, rest[1:].lstrip(" ")
    head, colon, text = content.partition(": ")
    if not colon:
        if content[-1] != ":":
            return None
        head = content[:-1]
    if head.rstrip(" ") == MERGE:
        return None, text.lstrip(" ")
    word_or_none = KEYS[head]
    return None if word_or_none is None else (word_or_none, text.lstrip(" "))
