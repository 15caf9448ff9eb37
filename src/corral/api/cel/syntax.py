"""The tree of a CEL expression. `at` is where a node stands in the source, as compile errors point to it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Node:
    """Any expression."""

    at: int


@dataclass(slots=True, eq=False)
class Literal(Node):
    """A constant: null, bool, int, Uint, float, str or bytes."""

    value: Any


@dataclass(slots=True, eq=False)
class Ident(Node):
    """A name; with a dot before it, it is not looked for in what comprehensions bind."""

    name: str


@dataclass(slots=True, eq=False)
class Select(Node):
    """`operand.name`; `test`: has(operand.name); `optional`: operand.?name."""

    operand: Node
    name: str
    test: bool = False
    optional: bool = False


@dataclass(slots=True, eq=False)
class Call(Node):
    """A function (operators too, as `_+_`) of arguments; `target`: the value before the dot of `target.f(…)`."""

    function: str
    args: list[Node]
    target: Node | None = None


@dataclass(slots=True, eq=False)
class ListLiteral(Node):
    """`[a, ?b]`: `optional` says which items may be missing."""

    items: list[Node]
    optional: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class MapLiteral(Node):
    """`{k: v, ?k: v}`."""

    entries: list[tuple[Node, Node]]
    optional: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class StructLiteral(Node):
    """`Name{field: value}`."""

    name: str
    fields: list[tuple[str, Node]]
    optional: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Macro(Node):
    """A comprehension: `over.name(variables…, bodies…)`; `over` is the value before the dot.

    names: all, exists, exists_one, filter, map, transformList, transformMap, transformMapEntry, optMap, optFlatMap, bind.
    `bodies`: the predicate or transformation; map and the transforms may have a filter before it.
    """

    name: str
    over: Node
    variables: list[str]
    bodies: list[Node]
