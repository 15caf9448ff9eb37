"""CEL's own functions and operators: https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions.

Operators that `operators.py` plans are declared here for their types only.
"""

import math
import re
from typing import Any

from corral.api.cel import times
from corral.api.cel.costs import both_traversed, pattern_searched, text_matched, traversed
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.libraries.patterns import compiled
from corral.api.cel.types import Type
from corral.api.cel.values import (
    INT_MAX,
    INT_MIN,
    NONE,
    SECOND_NS,
    UINT_MAX,
    Duration,
    MapList,
    Optional,
    SetList,
    Timestamp,
    Uint,
    double_text,
    kind,
)

LIBRARY = Library()
_overload = LIBRARY.overload


def _planned(*_: Any) -> Any:
    raise AssertionError("operators are planned, not called")


for _signature in (
    *("_&&_(bool, bool) -> bool", "_||_(bool, bool) -> bool", "!_(bool) -> bool", "_?_:_(bool, A, A) -> A"),
    *("_==_(A, A) -> bool", "_!=_(A, A) -> bool", "@in(A, list(A)) -> bool", "@in(A, map(A, B)) -> bool"),
    *("_[_](list(A), int) -> A", "_[_](map(A, B), A) -> B"),
    *("_[_](optional(list(A)), int) -> optional(A)", "_[_](optional(map(A, B)), A) -> optional(B)"),
    *("_[?_](list(A), int) -> optional(A)", "_[?_](map(A, B), A) -> optional(B)"),
    *("_[?_](optional(list(A)), int) -> optional(A)", "_[?_](optional(map(A, B)), A) -> optional(B)"),
):
    LIBRARY.add(_signature, _planned)
for _sign in ("_<_", "_<=_", "_>_", "_>=_"):
    for _one in ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"):
        LIBRARY.add(f"{_sign}({_one}, {_one}) -> bool", _planned)
    for _one, _other in (("int", "uint"), ("int", "double"), ("uint", "double")):
        LIBRARY.add(f"{_sign}({_one}, {_other}) -> bool", _planned)
        LIBRARY.add(f"{_sign}({_other}, {_one}) -> bool", _planned)


def _int(value: int) -> int:
    if not INT_MIN <= value <= INT_MAX:
        raise EvaluationError("integer overflow")
    return value


def _uint(value: int) -> Uint:
    if not 0 <= value <= UINT_MAX:
        raise EvaluationError("unsigned integer overflow")
    return Uint(value)


@_overload("_+_(int, int) -> int")
def _add_int(one: int, other: int) -> int:
    return _int(one + other)


@_overload("_+_(uint, uint) -> uint")
def _add_uint(one: int, other: int) -> Uint:
    return _uint(one + other)


@_overload("_+_(double, double) -> double")
def _add_double(one: float, other: float) -> float:
    return one + other


@_overload("_+_(string, string) -> string", "_+_(bytes, bytes) -> bytes", cost=both_traversed)
def _add_text(one: Any, other: Any) -> Any:
    return one + other


@_overload("_+_(list(A), list(A)) -> list(A)", cost=both_traversed)
def _add_list(one: list[Any], other: list[Any]) -> list[Any]:
    if isinstance(one, MapList):
        by_key = {one.key_of(item): item for item in other}
        kept = [by_key.pop(one.key_of(item), item) for item in one]
        return MapList([*kept, *by_key.values()], one.keys)
    if isinstance(one, SetList):
        return SetList(dict.fromkeys([*one, *other]))
    return [*one, *other]


@_overload("_+_(duration, duration) -> duration")
def _add_duration(one: Duration, other: Duration) -> Duration:
    return Duration(one.ns + other.ns)


@_overload("_+_(timestamp, duration) -> timestamp", "_+_(duration, timestamp) -> timestamp")
def _add_time(one: Any, other: Any) -> Timestamp:
    return Timestamp(one.ns + other.ns)


@_overload("_-_(int, int) -> int")
def _subtract_int(one: int, other: int) -> int:
    return _int(one - other)


@_overload("_-_(uint, uint) -> uint")
def _subtract_uint(one: int, other: int) -> Uint:
    return _uint(int(one) - int(other))


@_overload("_-_(double, double) -> double")
def _subtract_double(one: float, other: float) -> float:
    return one - other


@_overload("_-_(duration, duration) -> duration", "_-_(timestamp, timestamp) -> duration")
def _subtract_times(one: Any, other: Any) -> Duration:
    return Duration(one.ns - other.ns)


@_overload("_-_(timestamp, duration) -> timestamp")
def _before(one: Timestamp, other: Duration) -> Timestamp:
    return Timestamp(one.ns - other.ns)


@_overload("_*_(int, int) -> int")
def _multiply_int(one: int, other: int) -> int:
    return _int(one * other)


@_overload("_*_(uint, uint) -> uint")
def _multiply_uint(one: int, other: int) -> Uint:
    return _uint(one * other)


@_overload("_*_(double, double) -> double")
def _multiply_double(one: float, other: float) -> float:
    return one * other


@_overload("_/_(int, int) -> int")
def _divide_int(one: int, other: int) -> int:
    if other == 0:
        raise EvaluationError("division by zero")
    quotient = abs(one) // abs(other)
    return _int(quotient if (one < 0) == (other < 0) else -quotient)


@_overload("_/_(uint, uint) -> uint")
def _divide_uint(one: int, other: int) -> Uint:
    if other == 0:
        raise EvaluationError("division by zero")
    return Uint(one // other)


@_overload("_/_(double, double) -> double")
def _divide_double(one: float, other: float) -> float:
    if other == 0:
        if one == 0 or math.isnan(one):
            return math.nan
        return math.copysign(math.inf, one) * math.copysign(1, other)
    return one / other


@_overload("_%_(int, int) -> int")
def _modulo_int(one: int, other: int) -> int:
    if other == 0:
        raise EvaluationError("modulus by zero")
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


@_overload("_%_(uint, uint) -> uint")
def _modulo_uint(one: int, other: int) -> Uint:
    if other == 0:
        raise EvaluationError("modulus by zero")
    return Uint(one % other)


@_overload("-_(int) -> int")
def _negate_int(value: int) -> int:
    return _int(-value)


@_overload("-_(double) -> double")
def _negate_double(value: float) -> float:
    return -value


@_overload(
    *("size(string) -> int", "size(bytes) -> int", "size(list(A)) -> int", "size(map(A, B)) -> int"),
    *("string.size() -> int", "bytes.size() -> int", "list(A).size() -> int", "map(A, B).size() -> int"),
)
def _size(value: Any) -> int:
    return len(value)


@_overload("string.contains(string) -> bool", cost=text_matched)
def _contains(text: str, part: str) -> bool:
    return part in text


@_overload("string.startsWith(string) -> bool", cost=traversed)
def _starts_with(text: str, part: str) -> bool:
    return text.startswith(part)


@_overload("string.endsWith(string) -> bool", cost=traversed)
def _ends_with(text: str, part: str) -> bool:
    return text.endswith(part)


@_overload("string.matches(string) -> bool", "matches(string, string) -> bool", cost=pattern_searched)
def _matches(text: str, pattern: str) -> bool:
    return compiled(pattern).search(text) is not None


@_overload("type(A) -> type(A)")
def _type(value: Any) -> Type:
    return Type(kind(value)) if not isinstance(value, Type) else Type("type")


@_overload("dyn(A) -> dyn")
def _dyn(value: Any) -> Any:
    return value


@_overload("bool(bool) -> bool", "bool(string) -> bool")
def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "TRUE", "True", "t", "T", "1"):
        return True
    if value in ("false", "FALSE", "False", "f", "F", "0"):
        return False
    raise EvaluationError(f'strconv.ParseBool: parsing "{value}": invalid syntax')


_INTEGER = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)


@_overload(*(f"int({name}) -> int" for name in ("int", "uint", "double", "string", "timestamp", "duration")))
def _to_int(value: Any) -> int:
    match value:
        case Timestamp():
            return value.ns // SECOND_NS
        case Duration():
            return value.ns
        case float():
            if math.isnan(value) or not INT_MIN < value < INT_MAX:
                raise EvaluationError("integer overflow")
            return int(value)
        case str():
            return _parsed(value, INT_MIN, INT_MAX, "ParseInt")
    return _int(int(value))


def _parsed(value: str, low: int, high: int, function: str) -> int:
    if not _INTEGER.fullmatch(value) or (low == 0 and value[0] in "+-"):
        raise EvaluationError(f'strconv.{function}: parsing "{value}": invalid syntax')
    number = int(value)
    if not low <= number <= high:
        raise EvaluationError(f'strconv.{function}: parsing "{value}": value out of range')
    return number


@_overload(*(f"uint({name}) -> uint" for name in ("int", "uint", "double", "string")))
def _to_uint(value: Any) -> Uint:
    if isinstance(value, str):
        return Uint(_parsed(value, 0, UINT_MAX, "ParseUint"))
    if isinstance(value, float) and (math.isnan(value) or not 0 <= value < UINT_MAX):
        raise EvaluationError("unsigned integer overflow")
    return _uint(int(value))


_DOUBLE = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity|nan)", re.ASCII | re.IGNORECASE)


@_overload(*(f"double({name}) -> double" for name in ("int", "uint", "double", "string")))
def _to_double(value: Any) -> float:
    if isinstance(value, str) and not _DOUBLE.fullmatch(value):
        raise EvaluationError(f'strconv.ParseFloat: parsing "{value}": invalid syntax')
    return float(value)


@_overload(
    *(f"string({name}) -> string" for name in ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration")),
    cost=lambda args, _result: traversed(args, None) if isinstance(args[0], str | bytes) else 1,
)
def _to_string(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return double_text(value)
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise EvaluationError("invalid UTF-8 in bytes, cannot convert to string") from None
        case Timestamp():
            return times.timestamp_text(value)
        case Duration():
            return times.duration_text(value)
    return str(int(value))


@_overload("bytes(bytes) -> bytes", "bytes(string) -> bytes", cost=traversed)
def _to_bytes(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else value


@_overload("duration(duration) -> duration", "duration(string) -> duration", "duration(int) -> duration")
def _to_duration(value: Any) -> Duration:
    if isinstance(value, str):
        return times.parse_duration(value)
    return value if isinstance(value, Duration) else Duration(value)


@_overload("timestamp(timestamp) -> timestamp", "timestamp(string) -> timestamp", "timestamp(int) -> timestamp")
def _to_timestamp(value: Any) -> Timestamp:
    if isinstance(value, str):
        return times.parse_timestamp(value)
    return value if isinstance(value, Timestamp) else Timestamp(value * SECOND_NS)


for _name in times.PARTS:
    for _zone in ("", "string"):
        LIBRARY.add(f"timestamp.{_name}({_zone}) -> int", times.part_of(_name))
for _name, _unit in times.UNITS.items():
    LIBRARY.add(f"duration.{_name}() -> int", times.unit_of(_unit))


@_overload("optional.of(A) -> optional(A)")
def _optional_of(value: Any) -> Optional:
    return Optional(value)


@_overload("optional.none() -> optional(A)")
def _optional_none() -> Optional:
    return NONE


@_overload("optional.ofNonZeroValue(A) -> optional(A)")
def _of_non_zero(value: Any) -> Optional:
    is_zero = value is None or value in (False, 0, 0.0, "", b"", [], {}) or getattr(value, "ns", 1) == 0
    return NONE if is_zero else Optional(value)


@_overload("optional(A).value() -> A")
def _value(value: Optional) -> Any:
    if not value.present:
        raise EvaluationError("optional.none() dereference")
    return value.value


@_overload("optional(A).hasValue() -> bool")
def _has_value(value: Optional) -> bool:
    return value.present


@_overload("optional(A).or(optional(A)) -> optional(A)")
def _or(value: Optional, other: Optional) -> Optional:
    return value if value.present else other


@_overload("optional(A).orValue(A) -> A")
def _or_value(value: Optional, other: Any) -> Any:
    return value.value if value.present else other
