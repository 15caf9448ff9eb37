"""What an expression can cost at most and at least, before there is a value: `estimate`.

After cel-go's checker, so that the same rules are refused as too costly. A cost is a range; sizes of values come from the sizes
of variables (`sizes.py`), from literals, and from what functions make of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from corral.api.cel.check import Checked
from corral.api.cel.sizes import Sizes
from corral.api.cel.syntax import Call, Ident, ListLiteral, Literal, Macro, MapLiteral, Node, Select, StructLiteral

#: More than anything: costs and sizes are of 64 bits.
UNBOUNDED = 2**64 - 1
_PER_CHARACTER, _PER_PATTERN_CHARACTER = 0.1, 0.25
_SCALARS = frozenset(("bool", "int", "uint", "double", "google.protobuf.Duration", "google.protobuf.Timestamp", "type"))


class Range(NamedTuple):
    """A cost or a size."""

    least: int
    most: int

    def plus(self, other: "Range") -> "Range":
        """Both together."""
        return Range(min(self.least + other.least, UNBOUNDED), min(self.most + other.most, UNBOUNDED))

    def times(self, other: "Range") -> "Range":
        """One for each of the other."""
        return Range(min(self.least * other.least, UNBOUNDED), min(self.most * other.most, UNBOUNDED))

    def by(self, factor: float) -> "Range":
        """So many for each unit, rounded up."""
        return Range(_scaled(self.least, factor), _scaled(self.most, factor))

    def union(self, other: "Range") -> "Range":
        """Either of them."""
        return Range(min(self.least, other.least), max(self.most, other.most))


def _scaled(number: int, factor: float) -> int:
    if number * factor >= UNBOUNDED:
        return UNBOUNDED
    return -int(-number * factor // 1)


_UNKNOWN, _NOTHING, _ONE = Range(0, UNBOUNDED), Range(0, 0), Range(1, 1)
_LIST, _MAP, _STRUCT = Range(10, 10), Range(30, 30), Range(40, 40)


@dataclass(slots=True)
class _Known:
    """What is known of a value: its size, the sizes of what it holds, and where in the variables it is from."""

    size: Range | None = None
    keys: Range | None = None
    items: Range | None = None
    origin: Sizes | None = None


#: The cost of a call beside that of its arguments, and the size of what it gives, for the sizes of all arguments.
_Rule = Callable[[Sequence[Range]], tuple[Range, Range | None]]


def estimate(root: Node, checked: Checked, variables: Mapping[str, Sizes]) -> Range:
    """The cost of an expression, for variables of these sizes."""
    return _Estimator(checked, variables).cost(root)


class _Estimator:
    def __init__(self, checked: Checked, variables: Mapping[str, Sizes]) -> None:
        self._checked, self._variables = checked, variables
        self._locals: list[dict[str, _Known]] = []
        self._known: dict[Node, _Known] = {}

    def cost(self, node: Node) -> Range:
        """The cost of a node with all that is in it; what is known of its value is kept."""
        if node in self._checked.constants:
            return _ONE
        match node:
            case Literal():
                return self._literal(node)
            case Ident():
                self._known[node] = self._ident(node.name)
                return _ONE
            case Select():
                return self._select(node)
            case ListLiteral():
                return self._list(node)
            case MapLiteral():
                return self._map(node)
            case StructLiteral():
                return self._sum([value for _, value in node.fields]).plus(_STRUCT)
            case Macro():
                return self._macro(node)
            case Call():
                return self._call(node)
        raise AssertionError(type(node))

    def _sum(self, nodes: Sequence[Node]) -> Range:
        total = _NOTHING
        for node in nodes:
            total = total.plus(self.cost(node))
        return total

    def _literal(self, node: Literal) -> Range:
        value = node.value
        size = len(value) if isinstance(value, str | bytes) else 1
        self._known[node] = _Known(Range(size, size))
        return _NOTHING

    def _ident(self, name: str) -> _Known:
        for scope in reversed(self._locals):
            if name in scope:
                return scope[name]
        return _Known(origin=self._variables.get(name))

    def _select(self, node: Select) -> Range:
        cost = self.cost(node.operand)
        if node.test:
            return cost
        origin = self._of(node.operand).origin
        inner = None
        if origin is not None:
            inner = origin.fields.get(node.name) or (origin.items if origin.keys is not None else None)
        self._known[node] = _Known(origin=inner)
        kind = self._checked.types[node.operand].name
        return cost if kind in ("dyn", *_SCALARS) else cost.plus(_ONE)

    def _of(self, node: Node) -> _Known:
        return self._known.get(node) or _Known()

    def _size(self, node: Node) -> Range:
        known = self._of(node)
        if known.size is not None:
            return known.size
        if known.origin is not None:
            return Range(0, known.origin.most)
        return _ONE if self._checked.types[node].name in _SCALARS else _UNKNOWN

    def _list(self, node: ListLiteral) -> Range:
        cost, items = self._sum(node.items), [self._size(item) for item in node.items]
        count = len(node.items)
        self._known[node] = _Known(Range(count, count), _ONE, _all(items))
        return cost.plus(_LIST)

    def _map(self, node: MapLiteral) -> Range:
        keys, values = [key for key, _ in node.entries], [value for _, value in node.entries]
        cost = self._sum(keys).plus(self._sum(values))
        count = len(keys)
        sizes = _all([self._size(key) for key in keys]), _all([self._size(value) for value in values])
        self._known[node] = _Known(Range(count, count), *sizes)
        return cost.plus(_MAP)

    def _call(self, node: Call) -> Range:
        parts = ([node.target] if node.target is not None else []) + node.args
        costs = [self.cost(part) for part in parts]
        match node.function:
            case "_&&_" | "_||_":
                return Range(costs[0].least, costs[0].plus(costs[1]).most)
            case "_?_:_":
                self._known[node] = _Known(self._size(parts[1]).union(self._size(parts[2])))
                return costs[0].plus(costs[1].union(costs[2]))
            case "dyn":
                self._known[node] = self._of(parts[0])
        total = _NOTHING
        for cost in costs:
            total = total.plus(cost)
        own, size = self._own(node, parts)
        if node.function in ("_[_]", "_[?_]"):
            known = self._of(parts[0])
            self._known[node] = _Known(known.items, origin=known.origin.items if known.origin is not None else None)
        elif size is not None:
            self._known[node] = _Known(size)
        return total.plus(own)

    def _own(self, node: Call, parts: list[Node]) -> tuple[Range, Range | None]:
        sizes = [self._size(part) for part in parts]
        if node.function in ("isSorted", "sum", "min", "max", "indexOf", "lastIndexOf") and node.target is not None:
            return self._over_items(node.target, sizes[0]), None
        if node.function == "join" and node.target is not None:
            return self._joined(node.target, sizes)
        rule = _RULES.get(node.function)
        if node.function == "@in" and self._checked.types[parts[1]].name == "map":
            return _ONE, None
        if node.function == "_+_":
            return self._added(node, sizes)
        if node.function in _COMPARISONS and not self._is_text(parts[0]) and node.function not in ("_==_", "_!=_"):
            return _ONE, None
        return rule(sizes) if rule is not None else (_ONE, None)

    def _is_text(self, node: Node) -> bool:
        return self._checked.types[node].name in ("string", "bytes", "dyn")

    def _added(self, node: Call, sizes: list[Range]) -> tuple[Range, Range | None]:
        kind = self._checked.types[node].name
        if kind not in ("string", "bytes", "list"):
            return _ONE, None
        total = sizes[0].plus(sizes[1])
        return (_ONE if kind == "list" else total.by(_PER_CHARACTER)), total

    def _over_items(self, target: Node, size: Range) -> Range:
        type_ = self._checked.types[target]
        if type_.name != "list":
            return size.by(_PER_CHARACTER)
        each = _ONE
        if type_.args[0].name in ("string", "bytes"):
            each = each.plus(self._items(target).by(_PER_CHARACTER))
        return size.times(each)

    def _items(self, node: Node) -> Range:
        """The sizes of a list's items, or of a map's values."""
        known = self._of(node)
        if known.items is not None:
            return known.items
        if known.origin is not None and known.origin.items is not None:
            return Range(0, known.origin.items.most)
        return _UNKNOWN

    def _joined(self, target: Node, sizes: list[Range]) -> tuple[Range, Range | None]:
        total = sizes[0].times(self._items(target))
        if len(sizes) > 1:
            total = total.plus(sizes[1].times(Range(max(sizes[0].least - 1, 0), max(sizes[0].most - 1, 0))))
        return total.by(_PER_CHARACTER), total

    def _macro(self, node: Macro) -> Range:
        over = self.cost(node.over)
        if node.name == "bind":
            return over.plus(self._within(node, {node.variables[0]: self._of(node.over)}, 0))
        if node.name in ("optMap", "optFlatMap"):
            return over.times(Range(1, 2)).plus(self._within(node, {node.variables[0]: _Known()}, 0)).plus(Range(2, 4))
        bound = self._bound(node)
        count = self._size(node.over)
        last = self._within(node, bound, -1)
        test = self._within(node, bound, 0) if len(node.bodies) == 2 else None
        fixed, each = _turn(node.name, last, test)
        if node.name not in ("all", "exists", "exists_one"):
            made = _Known(count, items=self._items(node.over) if node.name == "filter" else self._size(node.bodies[-1]))
            self._known[node] = made
        return over.plus(fixed).plus(count.times(each))

    def _within(self, node: Macro, bound: dict[str, _Known], body: int) -> Range:
        self._locals.append(bound)
        cost = self.cost(node.bodies[body])
        self._locals.pop()
        return cost

    def _bound(self, node: Macro) -> dict[str, _Known]:
        known, is_list = self._of(node.over), self._checked.types[node.over].name == "list"
        origin = known.origin
        key = _Known(known.keys, origin=None if origin is None else origin.keys)
        value = _Known(known.items, origin=None if origin is None else origin.items)
        if len(node.variables) == 2:
            return {node.variables[0]: _Known(_ONE) if is_list else key, node.variables[1]: value}
        return {node.variables[0]: value if is_list else key}


def _all(sizes: list[Range]) -> Range:
    if not sizes:
        return _NOTHING
    return Range(min(size.least for size in sizes), max(size.most for size in sizes))


def _turn(name: str, body: Range, test: Range | None) -> tuple[Range, Range]:
    """What a comprehension costs once, and for each item: the accumulator, its condition and the body."""
    match name:
        case "all":
            return _ONE, Range(3, min(3 + body.most, UNBOUNDED))
        case "exists":
            return _ONE, Range(4, min(4 + body.most, UNBOUNDED))
        case "exists_one":
            return Range(2, 2), body.plus(Range(1, 2))
        case "filter":
            return _LIST.plus(_ONE), body.plus(Range(1, 13))
        case "map" | "transformList":
            fixed, step = _LIST.plus(_ONE), body.plus(Range(12, 12))
        case _:
            fixed, step = _MAP.plus(_ONE), body.plus(Range(3, 3))
    return fixed, step if test is None else test.plus(step.union(_ONE))


def _traversed(sizes: Sequence[Range]) -> tuple[Range, Range | None]:
    return sizes[0].by(_PER_CHARACTER), sizes[0]


def _read(sizes: Sequence[Range]) -> tuple[Range, Range | None]:
    return sizes[0].by(_PER_CHARACTER), None


def _prefix(sizes: Sequence[Range]) -> tuple[Range, Range | None]:
    return sizes[-1].by(_PER_CHARACTER), None


def _split(sizes: Sequence[Range]) -> tuple[Range, Range | None]:
    return sizes[0].by(2 * _PER_CHARACTER), Range(0, sizes[0].most)


def _replaced(sizes: Sequence[Range]) -> tuple[Range, Range | None]:
    text, old, new = sizes[:3]
    if old.least == 0:
        most = text.most + min(text.most + 1, UNBOUNDED) * new.most
    elif new.most <= old.least:
        most = text.most
    else:
        most = -(-text.most // old.least) * new.most
    return text.by(2 * _PER_CHARACTER), Range(0, min(most, UNBOUNDED))


def _matched(sizes: Sequence[Range]) -> tuple[Range, Range | None]:
    text = sizes[0].plus(_ONE).by(_PER_CHARACTER)
    return text.times(sizes[1].by(_PER_PATTERN_CHARACTER)), Range(0, sizes[0].most)


def _contained(sizes: Sequence[Range]) -> tuple[Range, Range | None]:
    return sizes[0].by(_PER_CHARACTER).times(sizes[1].by(_PER_CHARACTER)), None


def _compared(sizes: Sequence[Range]) -> tuple[Range, Range | None]:
    most = min(sizes[0].most, sizes[1].most)
    return Range(1 if most else 0, most).by(_PER_CHARACTER), None


def _within_list(sizes: Sequence[Range]) -> tuple[Range, Range | None]:
    return sizes[1], None


def _fixed(cost: int) -> _Rule:
    return lambda _sizes: (Range(cost, cost), None)


_COMPARISONS = ("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_")
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_COMPARISONS, _compared),
    **dict.fromkeys(("lowerAscii", "upperAscii", "substring", "trim"), _traversed),
    **dict.fromkeys(("url", "isURL", "ip", "isIP", "cidr", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"), _read),
    **dict.fromkeys(("image", "isImage", "bytes", "strings.quote", "format"), _read),
    **dict.fromkeys(("startsWith", "endsWith"), _prefix),
    **dict.fromkeys(("matches", "find", "findAll"), _matched),
    "contains": _contained,
    "split": _split,
    "replace": _replaced,
    "@in": _within_list,
    "check": _fixed(350_000),
    "containsIP": _fixed(4),
    "containsCIDR": _fixed(7),
}
