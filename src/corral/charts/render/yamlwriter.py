"""YAML as sigs.k8s.io/yaml over go-yaml v2.4 writes it: what `toYaml` gives, byte for byte.

The way of the original is value → JSON → YAML, so that what JSON cannot hold is an error, keys are strings, and whole floats
are integers. Then go-yaml's emitter: keys in natural order, no indentation of lists in maps, lines folded beyond 80 columns.
"""

from corral.base.annotations import Any
from corral.base.memo import Memo
from corral.base.patterns import pattern
from corral.charts.render import gojson
from corral.charts.render.gotypes import encoded
from corral.charts.render.strconv import format_float

_WIDTH = 80
_MAX_SIMPLE_KEY = 128
_WORD_LIST = (
    "y Y yes Yes YES true True TRUE on On ON n N no No NO false False FALSE off Off OFF ~ null Null NULL .nan .NaN .NAN "
    ".inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF"
)
_WORDS = frozenset(_WORD_LIST.split()) | {""}
#: What may be in a string that is surely plain, beside what may be in a name of Python.
_LETTERS = str.maketrans("/.+-", "____")
_SURELY_SHORT = 60
#: What else may be in keys that are in the natural order as they are in their own.
_MARKS = dict.fromkeys(map(ord, "./-"))
#: What a number or a date is written with.
_NUMERIC = "0123456789abcdefABCDEFxXoO_.+-:TtZ ,"
_PLAIN_FLOAT = pattern(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_PLAIN_INTEGER = pattern(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_BASE_60 = pattern(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE = pattern(
    r"(?a)(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:([Tt ])(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,]\d+)?(Z|[+-]\d\d:\d\d)?)?",
)
#: What the reader of the original refuses in a text, so that nothing comes out.
_UNREADABLE = pattern("[\x7f-\x84\x86-\x9f\ufffe\uffff]")
_FRACTION = pattern(r"\.[0-9]+([eE][+-]?[0-9]+)?")
_NOT_PRINTABLE = pattern("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_NEVER_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_ESCAPES = {
    **{0: "\\0", 7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 27: "\\e", 34: '\\"', 92: "\\\\"},
    **{0x85: "\\N", 0xA0: "\\_", 0x2028: "\\L", 0x2029: "\\P"},
}


class UnwritableError(ValueError):
    """A value that JSON or YAML cannot hold."""


def dump(value: Any) -> str:
    """A value as a document, with its last newline. Raises UnwritableError."""
    try:
        plain = gojson.plain(value)
    except gojson.UnwritableError as error:
        raise UnwritableError(str(error)) from None
    writer = _Writer()
    writer.node(plain, -1, in_map=False, column=0)
    made = "".join(writer.made)
    if gojson.is_odd(made) or gojson.is_odd(writer.escaped):
        return dump(gojson.readable(plain))
    if _is_unreadable(made) or ("\\" in made and _is_unreadable(writer.escaped)):
        raise UnwritableError("yaml: control characters are not allowed")
    return made


def _is_unreadable(text: str) -> bool:
    return (not text.isascii() or "\x7f" in text) and _UNREADABLE.search(text) is not None


class _Writer:
    def __init__(self) -> None:
        self.made: list[str] = []
        #: The texts that were written with escapes, to be searched for what is unreadable.
        self.escaped = ""

    def node(self, value: Any, indent: int, *, in_map: bool, column: int) -> None:
        """A node that follows what was written in this line up to `column`; ends its line."""
        if isinstance(value, dict) and value:
            self._map(value, indent + 2 if indent >= 0 else 0)
        elif isinstance(value, list) and value:
            self._list(value, indent if in_map else indent + 2 if indent >= 0 else 0)
        else:
            self.made.append(self.scalar(value, indent + 2 if indent >= 0 else 2, column))
            self.made.append("\n")

    def _map(self, value: dict[str, Any], indent: int) -> None:
        made = self.made
        pad = " " * indent
        first = True
        for key in sorted_keys(value):
            item = value[key]
            if not first:
                made.append(pad)
            first = False
            name = key if _IS_SURELY_PLAIN[key] and key not in _WORDS else self.scalar(key, indent, 0, is_key=True)
            if "\n" in key or (len(key) > _MAX_SIMPLE_KEY // 4 and len(encoded(key)) > _MAX_SIMPLE_KEY):
                self._long_key(key, item, indent)
                continue
            made.append(name)
            if isinstance(item, dict | list) and item:
                made.append(":\n")
                inner = indent + 2 if isinstance(item, dict) else indent
                made.append(" " * inner)
                self.node(item, indent, in_map=True, column=0)
            elif item.__class__ is str and _IS_SURELY_PLAIN[item] and item not in _WORDS:
                made.append(f": {item}\n")
            else:
                made.append(": ")
                self.node(item, indent, in_map=True, column=indent + len(name) + 2)

    def _long_key(self, key: str, item: Any, indent: int) -> None:
        self.made.append("? ")
        self.node(key, indent, in_map=False, column=indent + 2)
        self.made.append(" " * indent + ": ")
        self.node(item, indent, in_map=False, column=indent + 2)

    def _list(self, value: list[Any], indent: int) -> None:
        made = self.made
        pad = " " * indent
        first = True
        for item in value:
            made.append("- " if first else pad + "- ")
            first = False
            self.node(item, indent, in_map=False, column=indent + 2)

    def scalar(self, value: Any, indent: int, column: int, *, is_key: bool = False) -> str:
        """A scalar; lines that it folds into are indented by `indent`."""
        if value.__class__ is not str:
            return _other(value)
        if not value:
            return '""'
        plain, single, block = _styles(value)
        if "\n" in value and not is_key:
            if block:
                return _literal(value, indent)
        elif resolves_to_text(value):
            if plain:
                return value if is_key or column + len(value) <= _WIDTH else _fold(value, indent, column)
            if single:
                return self._single(value, indent, column, is_key)
        elif "\n" in value and single:
            pass
        return self._double(value, indent, column, is_key)

    def _single(self, value: str, indent: int, column: int, is_key: bool) -> str:
        value = value.replace("'", "''")
        if is_key or column + len(value) + 1 <= _WIDTH:
            return f"'{value}'"
        return "'" + _fold(value, indent, column + 1, inside=True) + "'"

    def _double(self, value: str, indent: int, column: int, is_key: bool) -> str:
        self.escaped += value
        made = ['"']
        column += 1
        spaces = False
        last = len(value) - 1
        for i, char in enumerate(value):
            if char == " ":
                if not is_key and not spaces and column > _WIDTH and 0 < i < last:
                    made.append("\n" + " " * indent + ("\\" if value[i + 1] == " " else ""))
                    column = indent + (1 if value[i + 1] == " " else 0)
                else:
                    made.append(char)
                    column += 1
                spaces = True
                continue
            spaces = False
            text = _escape(char) if char in '"\\\n' or _unprintable(char) else char
            made.append(text)
            column += len(text)
        made.append('"')
        return "".join(made)


def _unprintable(text: str) -> bool:
    if text.isascii():
        return not text.replace("\n", "").isprintable()
    return _NOT_PRINTABLE.search(text) is not None


def _surely_plain(text: str) -> bool:
    return len(text) <= _SURELY_SHORT and text.isascii() and text[:1] not in ".+-" and text.translate(_LETTERS).isidentifier()


#: Whether there is no indicator in a text, nothing that could be another type but a word, and it is too short to be folded.
_IS_SURELY_PLAIN = Memo(4096, _surely_plain)


def _other(value: Any) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e21:
            whole = int(value)
            if -(2**63) <= whole < 2**64:
                return str(whole)
        return format_float(value)
    return "{}" if isinstance(value, dict) else "[]"


def _escape(char: str) -> str:
    code = ord(char)
    found = _ESCAPES.get(code)
    if found:
        return found
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _literal(value: str, indent: int) -> str:
    hint = "2" if value[0] in " \n\r\x85\u2028\u2029" else ""
    if value[-1] != "\n":
        chomp = "-"
    elif len(value) == 1 or value[-2] == "\n":
        chomp = "+"
    else:
        chomp = ""
    pad = " " * indent
    lines = value.split("\n")
    if lines[-1] == "":
        lines.pop()
    return f"|{hint}{chomp}\n" + "\n".join(pad + line if line else "" for line in lines)


def _fold(value: str, indent: int, column: int, *, inside: bool = False) -> str:
    """A plain or single-quoted scalar with its lines broken at single spaces beyond the width."""
    made: list[str] = []
    spaces = False
    last = len(value) - 1
    for i, char in enumerate(value):
        if char != " ":
            made.append(char)
            column += 1
            spaces = False
            continue
        ends = i < last and value[i + 1] != " "
        if not spaces and column > _WIDTH and ends and (not inside or i > 0):
            made.append("\n" + " " * indent)
            column = indent
        else:
            made.append(char)
            column += 1
        spaces = True
    return "".join(made)


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
        plain = value.replace("_", "")
        if _PLAIN_INTEGER.fullmatch(plain) and len(plain) < 19:
            return False
        if _PLAIN_FLOAT.fullmatch(plain) or (_PLAIN_INTEGER.fullmatch(plain) and abs(_number(plain)) < 2**64):
            return False
        return not _BASE_60.fullmatch(value) and not _is_date(value)
    if first == ".":
        return not _FRACTION.fullmatch(value)
    return True


def _number(text: str) -> int:
    digits = text.lstrip("+-").lower()
    if len(digits) > 1 and digits[0] == "0" and digits[1] not in "xbo":
        return int(digits, 8)
    return int(digits, 0)


def _is_date(value: str) -> bool:
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


def _styles(value: str) -> tuple[bool, bool, bool]:
    """Whether a scalar may be plain (in a block), single-quoted, and a block scalar."""
    if _IS_SURELY_PLAIN[value]:
        return True, True, True
    special = _unprintable(value)
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


def sorted_keys(value: dict[str, Any]) -> list[str]:
    """The keys of a map in go-yaml's natural order: digits by their number, letters behind all else."""
    keys = list(value)
    if len(keys) < 2:
        return keys
    if all(key.isascii() and (key.isalpha() or key.translate(_MARKS).isalpha()) for key in keys):
        return sorted(keys)
    from functools import cmp_to_key

    return sorted(keys, key=cmp_to_key(_compare))


def _compare(one: str, two: str) -> int:
    return -1 if _before(one, two) else 1 if one != two else 0


def _before(one: str, two: str) -> bool:
    for i, (a, b) in enumerate(zip(one, two, strict=False)):
        if a == b:
            continue
        a_letter, b_letter = a.isalpha(), b.isalpha()
        if a_letter and b_letter:
            return a < b
        if a_letter or b_letter:
            return b_letter
        start = 0
        if a == "0" or b == "0":
            j = i - 1
            while j >= 0 and one[j].isdecimal():
                if one[j] != "0":
                    start = 1
                    break
                j -= 1
        a_number, a_end = _digits(one, i, start)
        b_number, b_end = _digits(two, i, start)
        if a_number != b_number:
            return a_number < b_number
        if a_end != b_end:
            return a_end < b_end
        return a < b
    return len(one) < len(two)


def _digits(text: str, at: int, number: int) -> tuple[int, int]:
    while at < len(text) and text[at].isdecimal():
        number = number * 10 + ord(text[at]) - 48
        at += 1
    return number, at
