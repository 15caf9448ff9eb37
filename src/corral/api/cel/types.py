"""Types of CEL expressions, and how one is assignable to another.

https://github.com/google/cel-spec/blob/master/doc/langdef.md#values. A type prints as cel-go prints it in compile errors.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class Type:
    """A type: its name and its parameters, such as `list` of `int`."""

    __slots__ = ("args", "name", "size")

    def __init__(self, name: str, *args: "Type") -> None:
        self.name, self.args = name, args
        #: How many types it is made of; kept small by the checker, since a few nested maps could make it huge.
        self.size: int = 1 + sum(arg.size for arg in args)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and self.name == other.name and self.args == other.args

    def __hash__(self) -> int:
        return hash((self.name, self.args))

    def __str__(self) -> str:
        if not self.args:
            return _SHOWN.get(self.name, self.name)
        return f"{self.name}({', '.join(map(str, self.args))})"

    __repr__ = __str__


class ObjectType(Type):
    """An object with fields; two are the same when their names are.

    `names` leads from what an expression writes (`foo__dash__bar`) to the key in the value (`foo-bar`). Where `null_is_absent`,
    a field that is null is not there, as in custom resources.
    """

    __slots__ = ("fields", "names", "null_is_absent")

    def __init__(
        self,
        name: str,
        fields: Mapping[str, Type],
        names: Mapping[str, str] | None = None,
        *,
        null_is_absent: bool = False,
    ) -> None:
        super().__init__(name)
        self.fields, self.names, self.null_is_absent = fields, names or {}, null_is_absent


class LazyObjectType(ObjectType):
    """An object whose fields are asked for by name: `field(name)` gives a type, or None."""

    __slots__ = ("field",)

    def __init__(self, name: str, field: Callable[[str], Type | None]) -> None:
        super().__init__(name, {})
        self.field = field


_SHOWN = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration", "null_type": "null"}

DYN = Type("dyn")
BOOL, INT, UINT, DOUBLE, STRING, BYTES = (Type(name) for name in ("bool", "int", "uint", "double", "string", "bytes"))
NULL = Type("null_type")
TIMESTAMP, DURATION = Type("google.protobuf.Timestamp"), Type("google.protobuf.Duration")
#: What an expression with a fault has: assignable to anything, so that one fault is told once.
ERROR = Type("!error!")
BASIC = {str(type_): type_ for type_ in (DYN, BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION)}
BASIC["null_type"] = NULL


def list_of(item: Type) -> Type:
    """A list."""
    return Type("list", item)


def map_of(key: Type, value: Type) -> Type:
    """A map."""
    return Type("map", key, value)


def optional_of(value: Type) -> Type:
    """A value that may be missing."""
    return Type("optional_type", value)


def type_type(of: Type) -> Type:
    """The type of a type."""
    return Type("type", of)


class Variable(Type):
    """A type that is yet to be found out: a parameter of one use of an overload."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Substitution:
    """What type variables stand for, as found out so far."""

    def __init__(self) -> None:
        self.bound: dict[Type, Type] = {}
        self._order: list[Type] = []

    def find(self, type_: Type) -> Type:
        """The type a variable stands for, at the top level."""
        while isinstance(type_, Variable) and type_ in self.bound:
            type_ = self.bound[type_]
        return type_

    def apply(self, type_: Type, *, final: bool = False) -> Type:
        """The type with all variables replaced; `final`: those that nothing is known of are dyn."""
        type_ = self.find(type_)
        if isinstance(type_, Variable):
            return DYN if final else type_
        if type_.args:
            return Type(type_.name, *(self.apply(arg, final=final) for arg in type_.args))
        return type_

    def assignable(self, source: Type, target: Type) -> bool:
        """Whether `source` can stand where `target` is wanted; variables are bound on the way, also where the answer is no."""
        source, target = self.find(source), self.find(target)
        if source is target or source in (DYN, ERROR) or target in (DYN, ERROR):
            return True
        if isinstance(target, Variable):
            return self._bind(target, source)
        if isinstance(source, Variable):
            return self._bind(source, target)
        if source.name != target.name:
            return source == NULL and _nullable(target)
        if len(source.args) != len(target.args):
            return source.name == "type"
        return all(self.assignable(one, other) for one, other in zip(source.args, target.args, strict=True))

    def _bind(self, variable: Type, type_: Type) -> bool:
        if variable in self._parts(type_):
            return False
        self.bound[variable] = type_
        self._order.append(variable)
        return True

    def mark(self) -> int:
        """A place to go back to."""
        return len(self._order)

    def undo(self, mark: int) -> None:
        """Forget what was found out since `mark`."""
        while len(self._order) > mark:
            del self.bound[self._order.pop()]

    def _parts(self, type_: Type) -> Iterator[Type]:
        type_ = self.find(type_)
        yield type_
        for arg in type_.args:
            yield from self._parts(arg)

    def joined(self, one: Type, other: Type) -> Type | None:
        """The type both have, if there is one: the more general where one is assignable to the other."""
        mark = self.mark()
        if self.assignable(other, one):
            return DYN if self.find(other) == DYN else one
        self.undo(mark)
        if self.assignable(one, other):
            return other
        self.undo(mark)
        return None


def _nullable(target: Type) -> bool:
    """Whether null can stand for the type: objects, times, and opaque ones."""
    return target.name not in ("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type", "null_type")


def parse(text: str, variables: dict[str, Type] | None = None) -> Type:
    """A type as signatures write it: `map(string, A)`; one capital letter is a variable, kept in `variables`."""
    text = text.strip()
    if "(" in text:
        name, inner = text[:-1].split("(", 1)
        name = {"optional": "optional_type"}.get(name.strip(), name.strip())
        return Type(name, *(parse(part, variables) for part in split_top(inner)))
    if len(text) == 1 and text.isupper():
        if variables is None:
            raise ValueError(f"a type variable has no place in {text}")
        return variables.setdefault(text, Variable(text))
    return BASIC.get(text) or OPAQUE.get(text) or Type(text)


def split_top(text: str) -> list[str]:
    """The parts between the commas that no bracket holds."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts


#: Short names of the types of Kubernetes' libraries, as signatures write them.
OPAQUE = {
    "URL": Type("kubernetes.URL"),
    "IP": Type("net.IP"),
    "CIDR": Type("net.CIDR"),
    "Quantity": Type("kubernetes.Quantity"),
    "Semver": Type("kubernetes.Semver"),
    "Format": Type("kubernetes.NamedFormat"),
    "Image": Type("kubernetes.Image"),
    "Authorizer": Type("kubernetes.authorization.Authorizer"),
    "PathCheck": Type("kubernetes.authorization.PathCheck"),
    "GroupCheck": Type("kubernetes.authorization.GroupCheck"),
    "ResourceCheck": Type("kubernetes.authorization.ResourceCheck"),
    "Decision": Type("kubernetes.authorization.Decision"),
}

AUTHORIZER, RESOURCE_CHECK = OPAQUE["Authorizer"], OPAQUE["ResourceCheck"]


def instantiate(types: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same types with variables of their own."""
    fresh: dict[Type, Type] = {}

    def copy(type_: Type) -> Type:
        if isinstance(type_, Variable):
            return fresh.setdefault(type_, Variable(type_.name))
        return Type(type_.name, *map(copy, type_.args)) if type_.args else type_

    return tuple(copy(type_) for type_ in types)
