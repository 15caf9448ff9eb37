"""How go-yaml writes a text: plain, in quotes or as a block, by what is in it and what it would be read as."""

from corral.api.plainquotes import UnusualError
from corral.api.plainscalars import word
from corral.base.memo import Memo
from corral.base.patterns import pattern

_WORD_LIST = (
    "y Y yes Yes YES true True TRUE on On ON n N no No NO false False FALSE off Off OFF ~ null Null NULL .nan .NaN .NAN "
    ".inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF"
)
_WORDS = frozenset(_WORD_LIST.split()) | {""}
#: What may be in a string that is surely plain, beside what may be in a name of Python.
_LETTERS = str.maketrans("/.+-", "____")
_SURELY_SHORT = 60
#: What a number or a date is written with.
_NUMERIC = "0123456789abcdefABCDEFxXoO_.+-:TtZ ,"
_BASE_60 = pattern(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE = pattern(
    r"(?a)(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(Z|[+-]\d\d:\d\d)?)?",
)
_FRACTION = pattern(r"\.[0-9]+([eE][+-]?[0-9]+)?")
#: Integers from it on are numbers to the original only as floats.
_INTEGERS = 2**64
_NEVER_FIRST = frozenset("#,[]{}&*!|>'\"%@`")


def _surely_plain(text: str) -> bool:
    if len(text) > _SURELY_SHORT or not text.isascii() or text[:1] in ".+-" or text in _WORDS:
        return False
    return text.translate(_LETTERS).isidentifier()


#: Whether there is no indicator in a text, nothing that could be another type, and it is too short to be folded.
IS_SURELY_PLAIN = Memo(4096, _surely_plain)


def resolves_to_text(value: str) -> bool:
    """Whether go-yaml reads a plain scalar as a string."""
    first = value[0]
    if first in "yYnNtTfFoO~.+-" and value in _WORDS:
        return False
    if first in "+-0123456789":
        if value.isascii() and value.isdigit():
            return False
        if value.strip(_NUMERIC):
            return True  # there is something in it that is in no number
        if ":" not in value:
            whole, _, fraction = value.partition(".")
            if "." in fraction:
                return True  # a version
            if whole.isdigit() and fraction.isdigit():
                return False
        return not _is_number(value) and not (":" in value and _BASE_60.fullmatch(value)) and not _is_date(value)
    if first == "." and value[1:2].isdigit():
        return not _FRACTION.fullmatch(value)
    return True


def _is_number(value: str) -> bool:
    try:
        number = word(value)
    except UnusualError:
        return not value.strip("0123456789")
    if isinstance(number, int) and abs(number) >= _INTEGERS:
        return value.replace("_", "").lstrip("+-")[1:2] not in ("x", "X", "b", "B", "o", "O")
    return not isinstance(number, str)


def _is_date(value: str) -> bool:
    if value[4:5] != "-":
        return False
    match = _DATE.fullmatch(value)
    if match is None:
        return False
    _, month, day, separator, hour, minute, second, zone = match.groups()
    if not 1 <= int(month) <= 12 or not 1 <= int(day) <= _days(int(match[1]), int(month)):
        return False
    if separator is None:
        return True
    if (separator == " ") == (zone is not None):
        return False
    return int(hour) < 24 and int(minute) < 60 and int(second) < 60


def _days(year: int, month: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def styles(value: str) -> tuple[bool, bool, bool]:
    """Whether a scalar may be plain (in a block), single-quoted, and a block scalar."""
    if IS_SURELY_PLAIN[value]:
        return True, True, True
    special = unprintable(value)
    breaks = "\n" in value or "\u2028" in value or "\u2029" in value
    space_break = " \n" in value
    plain = not breaks and value[0] != " " and value[-1] != " " and not _indicated(value)
    single = "\n " not in value and not space_break and not special
    block = value[-1] != " " and not space_break and not special
    return plain and not special, single, block


def _indicated(value: str) -> bool:
    """Whether something in a scalar would mean something else where it stands plain in a block."""
    if value.startswith(("---", "...")) or value[0] in _NEVER_FIRST:
        return True
    if value[0] in "?:-" and (len(value) == 1 or value[1] in " \t\n\r"):
        return True
    at = value.find(":", 1)
    while at >= 0:
        if at + 1 == len(value) or value[at + 1] in " \t\n\r\x85\u2028\u2029":
            return True
        at = value.find(":", at + 1)
    return " #" in value or "\t#" in value


def unprintable(text: str) -> bool:
    """Whether there is something in a text that must be escaped; the ends of lines need not be."""
    if text.isascii():
        return not text.replace("\n", "").isprintable()
    if text.isprintable() and max(text) < "\ud800":
        return False
    return not all(char == "\n" or _is_printable(char) for char in set(text))


def _is_printable(char: str) -> bool:
    return "\x20" <= char <= "\x7e" or "\xa0" <= char <= "\ud7ff" or ("\ue000" <= char <= "\ufffd" and char != "\ufeff")
