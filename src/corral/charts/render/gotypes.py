"""Go's types, as far as templates can see them, as Python values.

| Go | Python |
|---|---|
| nil | None |
| bool, string, int, float64, complex128 | bool, str, int, float, complex |
| int64, uint8, time.Duration … | the subclasses of int below |
| map[string]interface {}, []interface {} | dict, list |
| chartutil.Values, map[string]string, []string … | the subclasses of dict and list below |
| []byte | bytes |
| structs and pointers to them | `Struct` |

Strings that are not UTF-8 hold their odd bytes as surrogate escapes.
"""

from corral.base.annotations import Any, Callable, ClassVar, Iterator


class Sized(int):
    """An integer of a type that is not `int`."""

    __slots__ = ()
    go_type: ClassVar[str] = ""
    kind: ClassVar[str] = ""


class Int64(Sized):
    """int64: what Sprig's arithmetic and --set give."""

    __slots__ = ()
    go_type = kind = "int64"


class Int32(Sized):
    """int32, or rune."""

    __slots__ = ()
    go_type = kind = "int32"


class Uint8(Sized):
    """uint8, or byte."""

    __slots__ = ()
    go_type = kind = "uint8"


class Uint32(Sized):
    """uint32."""

    __slots__ = ()
    go_type = kind = "uint32"


class Uint64(Sized):
    """uint64: parts of a version."""

    __slots__ = ()
    go_type = kind = "uint64"


class Values(dict[str, Any]):
    """chartutil.Values.

    In Go the values of a subchart are of this type for its own templates, and a plain map for its parent's. They are one
    object here, whose type is that of the chart that is rendered.
    """

    go_type: str = "chartutil.Values"

    def is_plain(self) -> bool:
        """Whether it is a map[string]interface {} at the moment."""
        return self.go_type is not Values.go_type

    def become(self, *, plain: bool) -> None:
        """Be a map[string]interface {} from now on, or values again."""
        self.go_type = NAMES[dict] if plain else Values.go_type


class StringMap(dict[str, str]):
    """map[string]string; a key that is missing is the empty string."""

    __slots__ = ()
    go_type = "map[string]string"


class NilStringMap(StringMap):
    """A map[string]string that is nil: empty, and null in JSON."""

    __slots__ = ()


class NilMap(dict[str, Any]):
    """A map[string]interface {} that is nil: empty, and null in JSON."""

    __slots__ = ()
    go_type = "map[string]interface {}"


class Strings(list[str]):
    """[]string."""

    __slots__ = ()
    go_type = "[]string"
    element = "string"


class NilStrings(Strings):
    """A []string that is nil: empty, and null in JSON."""

    __slots__ = ()


class NilSlice(list[Any]):
    """A []interface {} that is nil: empty, and null in JSON."""

    __slots__ = ()
    go_type = "[]interface {}"
    element = "interface {}"


class Ints(list[int]):
    """[]int: what `until` gives."""

    __slots__ = ()
    go_type = "[]int"
    element = "int"


class Slices(list[Any]):
    """[][]interface {}: what `chunk` gives."""

    __slots__ = ()
    go_type = "[][]interface {}"
    element = "[]interface {}"


class Struct:
    """A Go struct, or a pointer to one: subclasses say which fields and methods templates may reach.

    `fields` maps the Go name of a field to (attribute, JSON name, omitempty); `methods` names the methods, each with
    the types of its parameters.
    """

    __slots__ = ()
    go_type: ClassVar[str] = ""
    pointer: ClassVar[bool] = True
    #: Whether Go can compare it: a struct with slices or maps in it cannot be.
    comparable: ClassVar[bool] = True
    fields: ClassVar[dict[str, tuple[str, str, bool]]] = {}  # noqa: RUF012
    methods: ClassVar[dict[str, tuple[str, tuple[str, ...]]]] = {}  # noqa: RUF012

    def shown(self) -> str | None:
        """What its String method gives; None without one."""
        return None

    def printed(self) -> str | None:
        """What an action prints of it, which takes the address of a struct: that can have more methods."""
        return self.shown()

    def items(self) -> Iterator[tuple[str, Any, str, bool]]:
        """(Go name, value, JSON name, omitempty) of each field, as it is printed."""
        return self.members()

    def members(self) -> Iterator[tuple[str, Any, str, bool]]:
        """The same with the fields of embedded structs among them, as JSON has them."""
        for go_name, (attribute, json_name, omitempty) in self.fields.items():
            yield go_name, getattr(self, attribute), json_name, omitempty


NAMES: dict[type, str] = {
    type(None): "<nil>",
    bool: "bool",
    int: "int",
    float: "float64",
    complex: "complex128",
    str: "string",
    dict: "map[string]interface {}",
    list: "[]interface {}",
    bytes: "[]uint8",
}

_KINDS: dict[type, str] = {
    type(None): "invalid",
    bool: "bool",
    int: "int",
    float: "float64",
    complex: "complex128",
    str: "string",
    bytes: "slice",
}

INT64_MAX = 2**63 - 1


def type_name(value: Any) -> str:
    """The name of a value's type as `%T` prints it."""
    name = NAMES.get(value.__class__)
    return name if name is not None else str(value.go_type)


def kind(value: Any) -> str:
    """The name of a value's reflect.Kind."""
    name = _KINDS.get(value.__class__)
    if name is not None:
        return name
    if isinstance(value, dict):
        return "map"
    if isinstance(value, list):
        return "slice"
    if isinstance(value, Sized):
        return value.kind
    if isinstance(value, Struct):
        return "ptr" if value.pointer else "struct"
    return "func"


def element_type(value: dict[str, Any] | list[Any] | bytes) -> str:
    """The type of a map's values or a slice's elements."""
    if isinstance(value, bytes):
        return "uint8"
    if isinstance(value, dict):
        return type_name(value).partition("]")[2] if not isinstance(value, Values) else "interface {}"
    return getattr(value, "element", "interface {}")


def int64(number: int) -> Int64:
    """A number that may have run over, in 64 bits."""
    return Int64((number + 2**63) % 2**64 - 2**63)


def encoded(text: str) -> bytes:
    """A string's bytes."""
    return text.encode("utf-8", "surrogateescape")


def decoded(data: bytes) -> str:
    """The string that bytes are."""
    return data.decode("utf-8", "surrogateescape")


Call = Callable[..., Any]
