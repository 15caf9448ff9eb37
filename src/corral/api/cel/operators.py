"""The operators that need more than the values of their operands: logic, comparison, indexing, `in`, and the conditional.

Arithmetic is in `libraries/standard.py`.
"""

import operator
from collections.abc import Callable
from typing import Any

from corral.api.cel.errors import CostError, EvaluationError
from corral.api.cel.values import NONE, Duration, Frame, Optional, Timestamp, Uint, charge, equal

Step = Callable[[Frame], Any]
_SAME_ORDER = frozenset((int, str, bytes, float, bool, Uint))
_NUMBERS = frozenset((int, float, Uint))


class Missing:
    """Stands in the frame for a variable that was given no value."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def no_overload() -> EvaluationError:
    """Operands of types that the operator does not know."""
    return EvaluationError("no such overload")


def optional(value: Any) -> Optional:
    """The value, which must be an optional one."""
    if not isinstance(value, Optional):
        raise no_overload()
    return value


def map_key(value: Any) -> Any:
    """The value, which must be one that can be a key."""
    if isinstance(value, float):
        if not value.is_integer():
            raise EvaluationError("unsupported key type: double")
        return int(value)
    if not isinstance(value, str | int):
        raise EvaluationError("unsupported key type")
    return value


def _logic(left: Step, right: Step, decisive: bool) -> Step:
    """&& and ||: an operand that decides hides the other one's error, whichever comes first."""

    def run(frame: Frame) -> bool:
        fault: EvaluationError | None = None
        try:
            value = left(frame)
        except CostError:
            raise
        except EvaluationError as error:
            fault, value = error, None
        if value is decisive:
            return bool(decisive)
        other = right(frame)
        if other is decisive:
            return bool(decisive)
        if fault is not None:
            raise fault
        if type(value) is not bool or type(other) is not bool:
            raise no_overload()
        return not decisive

    return run


def _and(left: Step, right: Step) -> Step:
    return _logic(left, right, False)


def _or(left: Step, right: Step) -> Step:
    return _logic(left, right, True)


def _not(operand: Step) -> Step:
    def run(frame: Frame) -> bool:
        frame[0] -= 1
        value = operand(frame)
        if value is True:
            return False
        if value is False:
            return True
        raise no_overload()

    return run


def _conditional(condition: Step, yes: Step, no: Step) -> Step:
    def run(frame: Frame) -> Any:
        value = condition(frame)
        if value is True:
            return yes(frame)
        if value is False:
            return no(frame)
        raise no_overload()

    return run


def _equals(left: Step, right: Step) -> Step:
    def run(frame: Frame) -> bool:
        return equal(left(frame), right(frame), frame)

    return run


def _differs(left: Step, right: Step) -> Step:
    def run(frame: Frame) -> bool:
        return not equal(left(frame), right(frame), frame)

    return run


def compare(one: Any, other: Any, frame: Frame) -> tuple[Any, Any]:
    """Two values as a pair that Python orders as CEL orders them."""
    kind, of_other = type(one), type(other)
    if kind is of_other and kind in _SAME_ORDER:
        if kind is str or kind is bytes:
            # One is paid already.
            frame[0] -= min(len(one), len(other)) // 10
        return one, other
    if kind in _NUMBERS and of_other in _NUMBERS:
        return one, other
    if kind is of_other and kind in (Timestamp, Duration):
        return one.ns, other.ns
    raise no_overload()


def _ordered(holds: Callable[[Any, Any], bool]) -> Callable[[Step, Step], Step]:
    def made(left: Step, right: Step) -> Step:
        def run(frame: Frame) -> bool:
            frame[0] -= 1
            one, other = left(frame), right(frame)
            if type(one) is int and type(other) is int:
                return holds(one, other)
            return holds(*compare(one, other, frame))

        return run

    return made


def index(value: Any, at: Any) -> Any:
    """`value[at]`."""
    if isinstance(value, list):
        if isinstance(at, float) and at.is_integer():
            at = int(at)
        if type(at) is bool or not isinstance(at, int):
            raise EvaluationError(f"unsupported index type '{type(at).__name__}' in list")
        if not 0 <= at < len(value):
            raise EvaluationError(f"index out of bounds: {at}")
        return value[at]
    if isinstance(value, dict):
        try:
            return value[at]
        except (KeyError, TypeError):
            raise EvaluationError(f"no such key: {_key_text(at)}") from None
    raise no_overload()


def _key_text(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _indexed(operand: Step, at: Step) -> Step:
    def run(frame: Frame) -> Any:
        frame[0] -= 1
        value, key = operand(frame), at(frame)
        if isinstance(value, Optional):
            return picked(value, key)
        return index(value, key)

    return run


def picked(value: Any, at: Any) -> Optional:
    """`value[?at]`: an item that may be missing."""
    if isinstance(value, Optional):
        if not value.present:
            return NONE
        value = value.value
    if isinstance(value, dict):
        return Optional(value[at]) if isinstance(at, str | int | float) and at in value else NONE
    if isinstance(value, list):
        if type(at) is bool or not isinstance(at, int):
            raise no_overload()
        return Optional(value[at]) if 0 <= at < len(value) else NONE
    raise no_overload()


def _optional_index(operand: Step, at: Step) -> Step:
    def run(frame: Frame) -> Any:
        frame[0] -= 1
        return picked(operand(frame), at(frame))

    return run


def contains(item: Any, holder: Any, frame: Frame) -> bool:
    """`item in holder`."""
    if isinstance(holder, dict):
        charge(frame, 1)
        return isinstance(item, str | int | float) and item in holder
    if isinstance(holder, list):
        charge(frame, len(holder))
        if type(item) is str:
            # Python's own search compares texts with texts only.
            return item in holder
        return any(equal(item, one, frame) for one in holder)
    raise no_overload()


def _in(item: Step, holder: Step) -> Step:
    def run(frame: Frame) -> bool:
        return contains(item(frame), holder(frame), frame)

    return run


#: What makes the step of each operator from the steps of its operands.
OPERATORS: dict[str, Callable[..., Step]] = {
    "_&&_": _and,
    "_||_": _or,
    "!_": _not,
    "_?_:_": _conditional,
    "_==_": _equals,
    "_!=_": _differs,
    "_<_": _ordered(operator.lt),
    "_<=_": _ordered(operator.le),
    "_>_": _ordered(operator.gt),
    "_>=_": _ordered(operator.ge),
    "_[_]": _indexed,
    "_[?_]": _optional_index,
    "@in": _in,
}
