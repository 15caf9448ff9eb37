"""Values of CEL in Python: what they are, how they compare and print.

null is None; bool, int (64 bits), double (float), string, bytes, list and map are Python's own; uint is Uint. Times are
Timestamp and Duration, missing values Optional. JSON-shaped values are therefore CEL values as they are; only fields whose
schema gives them a format are made into something else (`schemas.py`).
"""

import math
from collections.abc import Iterable
from typing import Any

from corral.api.cel.errors import CostError, EvaluationError
from corral.api.cel.types import Type

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
SECOND_NS = 1_000_000_000
#: The first and the last second that a timestamp can be: years 1 to 9999.
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799

Frame = list[Any]


class Uint(int):
    """An unsigned number of 64 bits."""

    __slots__ = ()


class Duration:
    """A length of time in nanoseconds, of 64 bits."""

    __slots__ = ("ns",)

    def __init__(self, ns: int) -> None:
        if not INT_MIN <= ns <= INT_MAX:
            raise EvaluationError("integer overflow")
        self.ns = ns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self.ns == other.ns

    def __hash__(self) -> int:
        return hash(self.ns)


class Timestamp:
    """A moment: nanoseconds since 1970."""

    __slots__ = ("ns",)

    def __init__(self, ns: int) -> None:
        if not _FIRST_S * SECOND_NS <= ns < (_LAST_S + 1) * SECOND_NS:
            raise EvaluationError("timestamp overflow")
        self.ns = ns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timestamp) and self.ns == other.ns

    def __hash__(self) -> int:
        return hash(self.ns)


class Optional:
    """A value that may be missing; `NONE` is the missing one."""

    __slots__ = ("present", "value")

    def __init__(self, value: Any, *, present: bool = True) -> None:
        self.value, self.present = value, present


NONE = Optional(None, present=False)


class Struct(dict[str, Any]):
    """An object that an expression made (`Object.spec{…}`), and the name of its type."""

    __slots__ = ("type_name",)

    def __init__(self, type_name: str) -> None:
        super().__init__()
        self.type_name = type_name


class SetList(list[Any]):
    """A list with x-kubernetes-list-type: set. Equal in any order; `+` is the union."""

    __slots__ = ()


class MapList(list[Any]):
    """A list with x-kubernetes-list-type: map. Equal in any order; `+` merges by key."""

    __slots__ = ("keys",)

    def __init__(self, items: Iterable[Any], keys: tuple[str, ...]) -> None:
        super().__init__(items)
        self.keys = keys

    def key_of(self, item: Any) -> Any:
        """What tells an item from the others."""
        return tuple(item.get(key) for key in self.keys) if isinstance(item, dict) else None


class Opaque:
    """A value of a library's type: compared and printed by the library. Subclasses have a `cel_type`."""

    __slots__ = ()
    cel_type: Type


_KINDS: dict[type, str] = {
    type(None): "null_type",
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    SetList: "list",
    MapList: "list",
    dict: "map",
    Struct: "map",
    Duration: "google.protobuf.Duration",
    Timestamp: "google.protobuf.Timestamp",
    Optional: "optional_type",
}


def kind(value: Any) -> str:
    """The name of a value's type, without parameters."""
    found = _KINDS.get(type(value))
    if found is not None:
        return found
    if isinstance(value, Opaque):
        return value.cel_type.name
    if isinstance(value, Type):
        return "type"
    for class_ in (dict, list, str, float, int):
        if isinstance(value, class_):
            return _KINDS[class_]
    return type(value).__name__


def charge(frame: Frame, cost: float) -> None:
    """Take `cost` from what the evaluation may still spend. Raises CostError."""
    frame[0] -= cost
    if frame[0] < 0:
        raise CostError


_SCALARS = frozenset((str, int, bool, float, Uint, bytes, type(None), Duration, Timestamp))
_NUMBERS = frozenset((int, float, Uint))


def equal(one: Any, other: Any, frame: Frame) -> bool:
    """Whether two values are equal as CEL has it: numbers of all types compare, else types differ and so do values.

    What is walked through is charged to the frame.
    """
    kind_, of_other = type(one), type(other)
    if kind_ in _SCALARS or of_other in _SCALARS:
        if kind_ is of_other or (kind_ in _NUMBERS and of_other in _NUMBERS):
            charge(frame, 1 + min(len(one), len(other)) // 10 if kind_ is str or kind_ is bytes else 0.1)
            return bool(one == other)
        return False
    if isinstance(one, list) and isinstance(other, list):
        charge(frame, 1 + len(one) * 0.2)
        return len(one) == len(other) and _equal_lists(one, other, frame)
    if isinstance(one, dict) and isinstance(other, dict):
        charge(frame, 1 + len(one) * 0.2)
        return len(one) == len(other) and all(key in other and equal(value, other[key], frame) for key, value in one.items())
    if kind_ is Optional and of_other is Optional:
        return one.present == other.present and (not one.present or equal(one.value, other.value, frame))
    return bool(one == other)


def _equal_lists(one: list[Any], other: list[Any], frame: Frame) -> bool:
    for first, second in ((one, other), (other, one)):
        if isinstance(first, SetList):
            return all(any(equal(item, value, frame) for value in second) for item in first)
        if isinstance(first, MapList):
            by_key = {first.key_of(item): item for item in second}
            return all(first.key_of(item) in by_key and equal(item, by_key[first.key_of(item)], frame) for item in first)
    return all(equal(item, value, frame) for item, value in zip(one, other, strict=True))


def double_text(value: float) -> str:
    """A double as Go prints it with %g of its shortest form."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    mantissa, _, exponent = f"{value!r}".partition("e")
    power = math.floor(math.log10(abs(value))) if not exponent else int(exponent)
    if -4 <= power < 21:
        return f"{value:.0f}" if value.is_integer() else _plain(value)
    digits = f"{mantissa}" if exponent else f"{value / 10**power:.17g}"
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{digits}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _plain(value: float) -> str:
    text = repr(value)
    if "e" not in text:
        return text
    mantissa, _, exponent = text.partition("e")
    places = len(mantissa.partition(".")[2]) - int(exponent)
    return f"{value:.{max(places, 0)}f}"
