"""Kubernetes' list functions, and cel-go's sets.

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-list-library, https://pkg.go.dev/github.com/google/cel-go/ext#Sets
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from corral.api.cel.costs import items_traversed
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.libraries import standard
from corral.api.cel.operators import compare, contains
from corral.api.cel.values import Duration, Frame, Uint, equal

LIBRARY = Library()
_overload = LIBRARY.overload
_COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")


@_overload(*(f"list({name}).isSorted() -> bool" for name in _COMPARABLE), cost=items_traversed, frame=True)
def is_sorted(frame: Frame, items: list[Any]) -> bool:
    """Whether no item is less than the one before it."""
    for one, other in pairwise(items):
        left, right = compare(one, other, frame)
        if right < left:
            return False
    return True


def _extreme(frame: Frame, items: list[Any], name: str, better: Callable[[Any, Any], bool]) -> Any:
    if not items:
        raise EvaluationError(f"{name} called on empty list")
    best = items[0]
    for item in items[1:]:
        if better(*compare(item, best, frame)):
            best = item
    return best


@_overload(*(f"list({name}).min() -> {name}" for name in _COMPARABLE), cost=items_traversed, frame=True)
def least(frame: Frame, items: list[Any]) -> Any:
    """The least item."""
    return _extreme(frame, items, "min", lambda one, other: one < other)


@_overload(*(f"list({name}).max() -> {name}" for name in _COMPARABLE), cost=items_traversed, frame=True)
def greatest(frame: Frame, items: list[Any]) -> Any:
    """The greatest item."""
    return _extreme(frame, items, "max", lambda one, other: one > other)


def _summed(zero: Any, add: Callable[[Any, Any], Any]) -> Callable[[list[Any]], Any]:
    def total(items: list[Any]) -> Any:
        made = zero
        for item in items:
            if type(item) is not type(zero):
                raise EvaluationError("no such overload")
            made = add(made, item)
        return made

    return total


def _plus(name: str) -> Callable[[Any, Any], Any]:
    """The `+` of two values of a type."""
    return next(one.call for one in standard.LIBRARY.functions["_+_"] if one.kinds == (name, name))


def _sum_any(items: list[Any]) -> Any:
    """The sum of a list whose items' type only its values tell."""
    if not items:
        return 0
    total = _SUMS.get(type(items[0]))
    if total is None:
        raise EvaluationError("no such overload")
    return total(items)


_SUMS: dict[type, Callable[[list[Any]], Any]] = {
    int: _summed(0, _plus("int")),
    Uint: _summed(Uint(0), _plus("uint")),
    float: _summed(0.0, _plus("double")),
    Duration: _summed(Duration(0), _plus("google.protobuf.Duration")),
}
for _name, _type in (("int", int), ("uint", Uint), ("double", float), ("duration", Duration)):
    _empty = {"int": 0, "uint": Uint(0), "double": 0.0, "duration": Duration(0)}[_name]
    LIBRARY.add(
        f"list({_name}).sum() -> {_name}",
        lambda items, _empty=_empty: _sum_any(items) if items else _empty,
        cost=items_traversed,
    )


@_overload("list(A).indexOf(A) -> int", cost=items_traversed, frame=True)
def index_of(frame: Frame, items: list[Any], wanted: Any) -> int:
    """Where the item first is; -1: nowhere."""
    return next((i for i, item in enumerate(items) if equal(item, wanted, frame)), -1)


@_overload("list(A).lastIndexOf(A) -> int", cost=items_traversed, frame=True)
def last_index_of(frame: Frame, items: list[Any], wanted: Any) -> int:
    """Where the item last is."""
    return next((i for i in range(len(items) - 1, -1, -1) if equal(items[i], wanted, frame)), -1)


@_overload("sets.contains(list(A), list(A)) -> bool", frame=True)
def sets_contain(frame: Frame, one: list[Any], other: list[Any]) -> bool:
    """Whether every item of the second list is in the first."""
    return all(contains(item, one, frame) for item in other)


@_overload("sets.equivalent(list(A), list(A)) -> bool", frame=True)
def sets_equivalent(frame: Frame, one: list[Any], other: list[Any]) -> bool:
    """Whether both lists hold the same items."""
    return sets_contain(frame, one, other) and sets_contain(frame, other, one)


@_overload("sets.intersects(list(A), list(A)) -> bool", frame=True)
def sets_intersect(frame: Frame, one: list[Any], other: list[Any]) -> bool:
    """Whether some item is in both."""
    return any(contains(item, one, frame) for item in other)
