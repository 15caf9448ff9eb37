"""Quantities: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-quantity-library."""

from dataclasses import dataclass

from corral.api import quantity as quantities
from corral.api.cel.costs import traversed
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.types import OPAQUE
from corral.api.cel.values import INT_MAX, INT_MIN, Opaque

LIBRARY = Library()
_overload = LIBRARY.overload


@dataclass(frozen=True, slots=True)
class Quantity(Opaque):
    """An amount."""

    cel_type = OPAQUE["Quantity"]
    amount: quantities.Quantity


def parse(text: str) -> Quantity:
    """The amount that a text says. Raises EvaluationError."""
    try:
        return Quantity(quantities.parse(text))
    except quantities.QuantityError as error:
        raise EvaluationError(str(error)) from None


@_overload("quantity(string) -> Quantity", cost=traversed)
def quantity(text: str) -> Quantity:
    """The amount that a text says."""
    return parse(text)


@_overload("isQuantity(string) -> bool", cost=traversed)
def is_quantity(text: str) -> bool:
    """Whether it says one."""
    try:
        parse(text)
    except EvaluationError:
        return False
    return True


@_overload("Quantity.sign() -> int")
def _sign(value: Quantity) -> int:
    return (value.amount.nanos > 0) - (value.amount.nanos < 0)


def _whole(value: Quantity) -> int | None:
    number, rest = divmod(value.amount.nanos, quantities.NANO)
    return number if rest == 0 and INT_MIN <= number <= INT_MAX else None


@_overload("Quantity.isInteger() -> bool")
def _is_integer(value: Quantity) -> bool:
    return _whole(value) is not None


@_overload("Quantity.asInteger() -> int")
def _as_integer(value: Quantity) -> int:
    number = _whole(value)
    if number is None:
        raise EvaluationError("cannot convert value to integer")
    return number


@_overload("Quantity.asApproximateFloat() -> double")
def _as_float(value: Quantity) -> float:
    return float(value.amount)


@_overload("Quantity.isGreaterThan(Quantity) -> bool")
def _is_greater(value: Quantity, other: Quantity) -> bool:
    return value.amount > other.amount


@_overload("Quantity.isLessThan(Quantity) -> bool")
def _is_less(value: Quantity, other: Quantity) -> bool:
    return value.amount < other.amount


@_overload("Quantity.compareTo(Quantity) -> int")
def _compare(value: Quantity, other: Quantity) -> int:
    return (value.amount > other.amount) - (value.amount < other.amount)


@_overload("Quantity.add(Quantity) -> Quantity")
def _add(value: Quantity, other: Quantity) -> Quantity:
    return Quantity(value.amount + other.amount)


@_overload("Quantity.add(int) -> Quantity")
def _add_int(value: Quantity, other: int) -> Quantity:
    return Quantity(value.amount + quantities.of_value(other))


@_overload("Quantity.sub(Quantity) -> Quantity")
def _subtract(value: Quantity, other: Quantity) -> Quantity:
    return Quantity(value.amount - other.amount)


@_overload("Quantity.sub(int) -> Quantity")
def _subtract_int(value: Quantity, other: int) -> Quantity:
    return Quantity(value.amount - quantities.of_value(other))
