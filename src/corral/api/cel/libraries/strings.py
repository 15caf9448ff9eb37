"""Strings: cel-go's extension, version 2. https://pkg.go.dev/github.com/google/cel-go/ext#Strings"""

import math
import re
from collections.abc import Callable
from typing import Any

from corral.api.cel import times
from corral.api.cel.costs import PER_CHARACTER, items_traversed, result_made, traversed, twice_traversed
from corral.api.cel.errors import CostError, EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.types import Type
from corral.api.cel.values import Duration, Frame, Timestamp, charge, kind

LIBRARY = Library()
_overload = LIBRARY.overload
_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_LOWER = {code: code + 32 for code in range(65, 91)}
_UPPER = {code: code - 32 for code in range(97, 123)}


@_overload("string.charAt(int) -> string")
def char_at(text: str, at: int) -> str:
    """The character at a place; none right behind the last."""
    if not 0 <= at <= len(text):
        raise EvaluationError(f"index out of range: {at}")
    return text[at : at + 1]


@_overload("string.indexOf(string) -> int", "string.indexOf(string, int) -> int", cost=items_traversed)
def index_of(text: str, part: str, at: int = 0) -> int:
    """Where `part` first is, from a place on; -1: nowhere."""
    if at and not 0 <= at < len(text):
        raise EvaluationError(f"index out of range: {at}")
    return text.find(part, at)


@_overload("string.lastIndexOf(string) -> int", cost=items_traversed)
def last_index_of(text: str, part: str) -> int:
    """Where `part` last is."""
    return text.rfind(part) if part else len(text)


@_overload("string.lastIndexOf(string, int) -> int", cost=items_traversed)
def last_index_before(text: str, part: str, at: int) -> int:
    """Where `part` last begins, at a place or before it."""
    if not 0 <= at < len(text):
        raise EvaluationError(f"index out of range: {at}")
    return text.rfind(part, 0, at + len(part)) if part else at


@_overload("string.lowerAscii() -> string", cost=traversed)
def lower_ascii(text: str) -> str:
    """ASCII letters in lower case."""
    return text.translate(_LOWER)


@_overload("string.upperAscii() -> string", cost=traversed)
def upper_ascii(text: str) -> str:
    """ASCII letters in upper case."""
    return text.translate(_UPPER)


@_overload("string.replace(string, string) -> string", cost=twice_traversed, frame=True)
def replace(frame: Frame, text: str, old: str, new: str) -> str:
    """Every `old` as `new`."""
    return replace_some(frame, text, old, new, -1)


@_overload("string.replace(string, string, int) -> string", cost=twice_traversed, frame=True)
def replace_some(frame: Frame, text: str, old: str, new: str, most: int) -> str:
    """The first `most` of them; -1: all."""
    count = text.count(old) if most < 0 else min(most, text.count(old))
    _make_room(frame, len(text) + count * len(new))
    return text.replace(old, new, most)


def _make_room(frame: Frame, size: int) -> None:
    """Stop before a text is made that costs more than is left."""
    if size * PER_CHARACTER > frame[0]:
        raise CostError


@_overload("string.split(string) -> list(string)", "string.split(string, int) -> list(string)", cost=twice_traversed)
def split(text: str, separator: str, most: int = -1) -> list[str]:
    """The parts; at most so many, the last with all that is left."""
    if most == 0:
        return []
    if not separator:
        parts = list(text)
        return parts if most < 0 or len(parts) <= most else [*parts[: most - 1], "".join(parts[most - 1 :])]
    return text.split(separator, most - 1 if most > 0 else -1)


@_overload("string.substring(int) -> string", cost=traversed)
def substring_from(text: str, start: int) -> str:
    """The text from a place on."""
    return substring(text, start, len(text))


@_overload("string.substring(int, int) -> string", cost=traversed)
def substring(text: str, start: int, end: int) -> str:
    """The text between two places."""
    if not 0 <= start <= len(text):
        raise EvaluationError(f"index out of range: {start}")
    if not 0 <= end <= len(text):
        raise EvaluationError(f"index out of range: {end}")
    if start > end:
        raise EvaluationError(f"invalid substring range. start: {start}, end: {end}")
    return text[start:end]


@_overload("string.trim() -> string", cost=traversed)
def trim(text: str) -> str:
    """Without the spaces around it (Unicode's White_Space, without Python's separators of records)."""
    return text.strip(_SPACES)


@_overload("list(string).join() -> string", "list(string).join(string) -> string", cost=result_made, frame=True)
def join(frame: Frame, texts: list[str], separator: str = "") -> str:
    """The texts with the separator between."""
    if not all(isinstance(text, str) for text in texts):
        raise EvaluationError("no such overload")
    _make_room(frame, sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


_QUOTED = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'}


@_overload("strings.quote(string) -> string", cost=traversed)
def quote(text: str) -> str:
    """The text as a literal."""
    return '"' + "".join(_QUOTED.get(char, char) for char in text) + '"'


_CLAUSE = re.compile(r"%(?:(%)|(?:\.([0-9]+))?([a-zA-Z]))?")


@_overload("string.format(list(A)) -> string", frame=True)
def format_(frame: Frame, template: str, args: list[Any]) -> str:
    """The template with its clauses (%s %d %f %e %b %x %X %o) filled in."""
    made, at, used = [], 0, 0
    for match in _CLAUSE.finditer(template):
        made.append(template[at : match.start()])
        at = match.end()
        if match[1]:
            made.append("%")
            continue
        if match[3] is None:
            raise EvaluationError(
                "error during formatting: unexpected end of string"
                if at == len(template)
                else "could not parse formatting clause: unrecognized formatting clause"
            )
        if used >= len(args):
            raise EvaluationError(f"error during formatting: index {used} out of range")
        clause = _CLAUSES.get(match[3])
        if clause is None:
            raise EvaluationError(f'could not parse formatting clause: unrecognized formatting clause "{match[3]}"')
        precision = int(match[2]) if match[2] else 6
        if precision > 1000:
            raise EvaluationError("could not parse formatting clause: precision is too large")
        text = clause(frame, args[used], precision)
        charge(frame, len(text) * PER_CHARACTER)
        made.append(text)
        used += 1
    made.append(template[at:])
    charge(frame, len(template) * PER_CHARACTER)
    return "".join(made)


def _as_text(frame: Frame, value: Any, _precision: int) -> str:
    charge(frame, 1)
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case float():
            return shown_double(value)
        case int():
            return str(int(value))
        case bytes():
            return value.decode(errors="replace")
        case Timestamp():
            return times.timestamp_text(value)
        case Duration():
            return times.duration_text(value)
        case Type():
            return value.name
        case list():
            return "[" + ", ".join(_as_item(frame, item) for item in value) + "]"
        case dict():
            pairs = sorted((_as_item(frame, key), _as_item(frame, item)) for key, item in value.items())
            return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
    raise EvaluationError(
        "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, "
        f"durations, and timestamps, was given {kind(value)}"
    )


def _as_item(frame: Frame, value: Any) -> str:
    text = _as_text(frame, value, 0)
    charge(frame, len(text) * PER_CHARACTER)
    return text


def shown_double(value: float) -> str:
    """A double as %s has it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = repr(value)
    return (
        text.removesuffix(".0")
        if "e" not in text
        else f"{value:f}".rstrip("0").rstrip(".")
        if abs(value) < 1
        else f"{value:.0f}"
    )


def _number(value: Any, what: str, *kinds: type) -> Any:
    if type(value) is bool or not isinstance(value, kinds):
        raise EvaluationError(f"error during formatting: {what}, was given {kind(value)}")
    return value


def _decimal(frame: Frame, value: Any, precision: int) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return _as_text(frame, value, precision)
    return str(int(_number(value, "decimal clause can only be used on integers", int)))


def _fixed(_frame: Frame, value: Any, precision: int) -> str:
    number = _number(value, "fixed-point clause can only be used on doubles", float, int)
    return f"{float(number):.{precision}f}" if math.isfinite(number) else shown_double(float(number))


def _scientific(_frame: Frame, value: Any, precision: int) -> str:
    number = _number(value, "scientific clause can only be used on doubles", float, int)
    return f"{float(number):.{precision}e}" if math.isfinite(number) else shown_double(float(number))


def _binary(_frame: Frame, value: Any, _precision: int) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{int(_number(value, 'only integers and bools can be formatted as binary', int)):b}"


def _octal(_frame: Frame, value: Any, _precision: int) -> str:
    return f"{int(_number(value, 'octal clause can only be used on integers', int)):o}"


def _hex(upper: bool) -> Callable[[Frame, Any, int], str]:
    def shown(_frame: Frame, value: Any, _precision: int) -> str:
        if isinstance(value, str | bytes):
            text = (value.encode() if isinstance(value, str) else value).hex()
        else:
            text = f"{int(_number(value, 'only integers, byte buffers, and strings can be formatted as hex', int)):x}"
        return text.upper() if upper else text

    return shown


_CLAUSES: dict[str, Callable[[Frame, Any, int], str]] = {
    "s": _as_text,
    "d": _decimal,
    "f": _fixed,
    "e": _scientific,
    "b": _binary,
    "o": _octal,
    "x": _hex(False),
    "X": _hex(True),
}
