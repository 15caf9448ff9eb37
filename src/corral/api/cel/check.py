"""The types of an expression: `check` finds what each node is and which overloads each call may mean.

After https://github.com/google/cel-spec/blob/master/doc/langdef.md#gradual-type-checking, with cel-go's words for faults.
Literals of lists and maps hold one type (the reference's HomogeneousAggregateLiterals).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from corral.api.cel import types as t
from corral.api.cel.functions import Overload
from corral.api.cel.syntax import Call, Ident, ListLiteral, Literal, Macro, MapLiteral, Node, Select, StructLiteral
from corral.api.cel.types import BOOL, DYN, ERROR, INT, LazyObjectType, ObjectType, Substitution, Type, Variable
from corral.api.cel.values import kind

#: Names of types, which are values of an expression: `type(x) == int`.
_TYPE_NAMES = {
    name: Type(name) for name in ("int", "uint", "double", "bool", "string", "bytes", "null_type", "type", "dyn")
} | {
    "list": t.list_of(DYN),
    "map": t.map_of(DYN, DYN),
    "optional_type": t.optional_of(DYN),
    **{type_.name: type_ for type_ in (t.TIMESTAMP, t.DURATION, *t.OPAQUE.values())},
}
#: A type that is made of more than so many is dyn.
_MAX_TYPE_SIZE = 500


@dataclass(slots=True)
class Scope:
    """What an expression may speak of: variables, functions, and structs it may make."""

    variables: Mapping[str, Type]
    functions: Mapping[str, list[Overload]]
    structs: Callable[[str], ObjectType | None] = lambda _name: None


@dataclass(slots=True)
class Checked:
    """What was found out: a type for each node, overloads for each call, names of types, and faults."""

    scope: Scope
    types: dict[Node, Type] = field(default_factory=dict)
    overloads: dict[Node, list[Overload]] = field(default_factory=dict)
    constants: dict[Node, Type] = field(default_factory=dict)
    structs: dict[Node, ObjectType] = field(default_factory=dict)
    #: Selections that are variables with a dot in their names: `authorizer.requestResource`.
    dotted: dict[Node, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    faults: list[tuple[int, str]] = field(default_factory=list)


def check(root: Node, scope: Scope) -> Checked:
    """Check a whole expression; the tree is changed where a dotted name turns out to be a function's."""
    checker = _Checker(scope)
    checker.type_of(root)
    found = checker.found
    found.types = {node: checker.substitution.apply(type_, final=True) for node, type_ in found.types.items()}
    return found


class _Checker:
    def __init__(self, scope: Scope) -> None:
        self.found = Checked(scope)
        self.substitution = Substitution()
        self._locals: list[dict[str, Type]] = []

    def type_of(self, node: Node) -> Type:
        """The type of a node, its parts checked before."""
        made = self._type_of(node)
        if made.size > _MAX_TYPE_SIZE:
            made = DYN
        self.found.types[node] = made
        return made

    def _type_of(self, node: Node) -> Type:
        match node:
            case Literal():
                return t.BASIC.get(kind(node.value)) or DYN
            case Ident():
                return self._ident(node)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case Macro():
                return self._macro(node)
            case ListLiteral():
                return t.list_of(self._items(node.items, node.optional))
            case MapLiteral():
                keys = self._items([key for key, _ in node.entries], set())
                return t.map_of(keys, self._items([value for _, value in node.entries], node.optional))
            case StructLiteral():
                return self._struct(node)
        raise AssertionError(type(node))

    def _fault(self, node: Node, why: str) -> Type:
        self.found.faults.append((node.at, why))
        return ERROR

    def _undeclared(self, node: Node, name: str) -> Type:
        return self._fault(node, f"undeclared reference to '{name}' (in container '')")

    def _variable(self, name: str) -> Type | None:
        for scope in reversed(self._locals):
            if name in scope:
                return scope[name]
        return None

    def _ident(self, node: Ident) -> Type:
        local = self._variable(node.name)
        if local is not None:
            return local
        declared = self.found.scope.variables.get(node.name)
        if declared is not None:
            self.found.used.add(node.name)
            return declared
        return self._constant(node, node.name) or self._undeclared(node, node.name)

    def _constant(self, node: Node, name: str) -> Type | None:
        named = _TYPE_NAMES.get(name) or self.found.scope.structs(name)
        if named is None:
            return None
        self.found.constants[node] = named
        return t.type_type(named)

    def _qualified(self, node: Node) -> str:
        """`a.b.c` where `a` is no variable; else nothing."""
        if isinstance(node, Ident):
            taken = self._variable(node.name) or node.name in self.found.scope.variables
            return "" if taken else node.name
        if isinstance(node, Select) and not node.test and not node.optional:
            before = self._qualified(node.operand)
            return f"{before}.{node.name}" if before else ""
        return ""

    def _dotted(self, node: Select) -> Type | None:
        """The type of a variable whose name has a dot."""
        if not isinstance(node.operand, Ident) or node.test or node.optional or self._variable(node.operand.name):
            return None
        name = f"{node.operand.name}.{node.name}"
        declared = self.found.scope.variables.get(name)
        if declared is not None:
            self.found.used.add(name)
            self.found.dotted[node] = name
        return declared

    def _select(self, node: Select) -> Type:
        dotted = self._dotted(node)
        if dotted is not None:
            return dotted
        name = self._qualified(node)
        if name:
            constant = self._constant(node, name)
            if constant is not None:
                return constant
        operand = self.substitution.find(self.type_of(node.operand))
        is_optional = operand.name == "optional_type"
        inner = self.substitution.find(operand.args[0]) if is_optional else operand
        made = self._field(node, inner)
        if node.test:
            return BOOL
        if made is ERROR or not (node.optional or is_optional):
            return made
        return made if made.name == "optional_type" else t.optional_of(made)

    def _field(self, node: Select, operand: Type) -> Type:
        if isinstance(operand, LazyObjectType):
            return operand.field(node.name) or self._fault(node, f"undefined field '{node.name}'")
        if isinstance(operand, ObjectType):
            return operand.fields.get(node.name) or self._fault(node, f"undefined field '{node.name}'")
        if operand.name == "map":
            return operand.args[1]
        if operand in (DYN, ERROR) or isinstance(operand, Variable):
            return DYN if operand is not ERROR else ERROR
        return self._fault(node, f"type '{self._shown(operand)}' does not support field selection")

    def _shown(self, type_: Type) -> str:
        return str(self.substitution.apply(type_))

    def _call(self, node: Call) -> Type:
        functions = self.found.scope.functions
        if node.target is not None:
            name = self._qualified(node.target)
            if name and f"{name}.{node.function}" in functions:
                node.function, node.target = f"{name}.{node.function}", None
        overloads = functions.get(node.function)
        if overloads is None:
            for part in ([node.target] if node.target is not None else []) + node.args:
                self.type_of(part)
            return self._undeclared(node, node.function)
        parts = ([node.target] if node.target is not None else []) + node.args
        return self.resolve(node, overloads, [self.type_of(part) for part in parts], member=node.target is not None)

    def resolve(self, node: Call, overloads: list[Overload], args: list[Type], *, member: bool) -> Type:
        """The type of a call, by the overloads that its arguments fit."""
        if any(self.substitution.find(arg) is ERROR for arg in args):
            return ERROR
        fitting, result = [], None
        for overload in overloads:
            if overload.member != member or len(overload.args) != len(args):
                continue
            *wanted, made = t.instantiate((*overload.args, overload.result))
            mark = self.substitution.mark()
            if all(self.substitution.assignable(arg, one) for arg, one in zip(args, wanted, strict=True)):
                fitting.append(overload)
                if result is None or self.substitution.apply(result) == self.substitution.apply(made):
                    result = self.substitution.apply(made)
                else:
                    result = DYN
            else:
                self.substitution.undo(mark)
        if result is None:
            return self._no_overload(node, node.function, args, member=member)
        self.found.overloads[node] = fitting
        return result

    def _no_overload(self, node: Node, function: str, args: list[Type], *, member: bool = False) -> Type:
        shown = [self._shown(arg) for arg in args]
        given = f"{shown[0]}.({', '.join(shown[1:])})" if member else f"({', '.join(shown)})"
        return self._fault(node, f"found no matching overload for '{function}' applied to '{given}'")

    def _items(self, items: list[Node], optional: set[int]) -> Type:
        """The type that all items have."""
        common: Type | None = None
        for i, item in enumerate(items):
            found = self.substitution.find(self.type_of(item))
            if i in optional:
                if found.name == "optional_type":
                    found = found.args[0]
                elif found not in (DYN, ERROR):
                    wanted = f"optional_type({self._shown(found)})"
                    self._fault(item, f"expected type '{wanted}' but found '{self._shown(found)}'")
            joined = found if common is None else self.substitution.joined(common, found)
            if joined is None:
                self._fault(item, f"expected type '{self._shown(common or DYN)}' but found '{self._shown(found)}'")
            else:
                common = joined
        return Variable("_") if common is None else common

    def _struct(self, node: StructLiteral) -> Type:
        made = self.found.scope.structs(node.name)
        if made is None:
            for _, value in node.fields:
                self.type_of(value)
            return self._undeclared(node, node.name)
        self.found.structs[node] = made
        for i, (name, value) in enumerate(node.fields):
            given = self.type_of(value)
            wanted = made.field(name) if isinstance(made, LazyObjectType) else made.fields.get(name)
            if wanted is None:
                self._fault(value, f"undefined field '{name}'")
                continue
            if i in node.optional:
                wanted = t.optional_of(wanted)
            if not self.substitution.assignable(given, wanted):
                shown = f"'{self._shown(wanted)}' but provided value is '{self._shown(given)}'"
                self._fault(value, f"expected type of field '{name}' is {shown}")
        return made

    def _macro(self, node: Macro) -> Type:
        over = self.substitution.find(self.type_of(node.over))
        if node.name in ("optMap", "optFlatMap"):
            return self._opt_map(node, over)
        if node.name == "bind":
            self._locals.append({node.variables[0]: over})
            made = self.type_of(node.bodies[0])
            self._locals.pop()
            return made
        key, value = DYN, DYN
        if over.name == "list":
            key, value = INT, over.args[0]
        elif over.name == "map":
            key, value = over.args
        elif over not in (DYN, ERROR) and not isinstance(over, Variable):
            why = "cannot be range of a comprehension (must be list, map, or dynamic)"
            self._fault(node.over, f"expression of type '{self._shown(over)}' {why}")
            key, value = ERROR, ERROR
        first = value if over.name == "list" else key
        bound = dict(zip(node.variables, (key, value) if len(node.variables) == 2 else (first,), strict=True))
        self._locals.append(bound)
        bodies = [self.type_of(body) for body in node.bodies]
        self._locals.pop()
        return self._made(node, bodies, first if over is not ERROR else DYN, key)

    def _made(self, node: Macro, bodies: list[Type], item: Type, key: Type) -> Type:
        """What a comprehension gives, after its predicate is found to be one."""
        name, last = node.name, bodies[-1]
        result = {"all": BOOL, "exists": BOOL, "exists_one": BOOL, "filter": t.list_of(item)}.get(name)
        if name in ("map", "transformList"):
            result = t.list_of(last)
        elif name == "transformMap":
            result = t.map_of(key, last)
        elif name == "transformMapEntry":
            result = self.substitution.find(last)
            if result.name != "map" and result not in (DYN, ERROR):
                return self._no_overload(node, "cel.@mapInsert", [t.map_of(DYN, DYN), last])
        if result is None:
            raise AssertionError(name)
        predicate = bodies[0] if len(bodies) == 2 or name in ("all", "exists", "exists_one", "filter") else BOOL
        if not self.substitution.assignable(predicate, BOOL):
            sign = {"all": "_&&_", "exists": "_||_"}.get(name)
            accumulated = INT if name == "exists_one" else result
            args = [BOOL, predicate] if sign else [predicate, accumulated, accumulated]
            return self._no_overload(node, sign or "_?_:_", args)
        return result

    def _opt_map(self, node: Macro, over: Type) -> Type:
        inner = over.args[0] if over.name == "optional_type" else DYN
        if over.name != "optional_type" and over not in (DYN, ERROR):
            return self._no_overload(node, "hasValue", [over], member=True)
        self._locals.append({node.variables[0]: inner})
        made = self.substitution.find(self.type_of(node.bodies[0]))
        self._locals.pop()
        if node.name == "optMap":
            return t.optional_of(made)
        if made.name != "optional_type" and made not in (DYN, ERROR):
            return self._no_overload(node, "_?_:_", [BOOL, made, t.optional_of(DYN)])
        return made
