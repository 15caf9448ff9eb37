"""`.a.b.c` of a value: functions that take one field after the other, the way it mostly goes and the way it goes else.

Go knows two kinds of nil: no value at all, and an interface without one (a missing key, a null in a list). Only errors
and `.a.b` of a missing `.a` show the difference. Both are None here; the compiler knows which by where a value is from
(`interface`).
"""

from corral.base.annotations import Any, Callable, Final
from corral.charts.render import access
from corral.charts.render.access import FieldError
from corral.charts.render.arguments import checked
from corral.charts.render.errors import ExecError, FunctionError
from corral.charts.render.functions import Function, wrong_number
from corral.charts.render.gofmt import printed
from corral.charts.render.gotypes import Values
from corral.charts.render.objects import Files, Metadata
from corral.charts.render.strconv import quote

#: The names of fields, whether nil would be an interface at the beginning, and what is made of the value: what an action prints
#: (`PRINTED`), what can be an argument of this type, or nothing ("").
Path = tuple[tuple[str, ...], bool, str]
PRINTED: Final = "printed"
_MISSING = (KeyError, TypeError, AttributeError)
_MAPS = (dict, Values)
#: What a file is called like, or a method that hides a key.
_UNUSUAL = frozenset(Files.methods) | frozenset(access.VALUES_METHODS)


class CallFaultError(Exception):
    """A method failed; the text says that, too."""


def taking(path: Path, *, strict: bool) -> Callable[[Any], Any]:
    """What takes the fields of a value; `strict`: keys must be there."""
    names, interface, what = path
    take = _taking(names, interface, strict)
    if what == PRINTED:

        def text(value: Any) -> str:
            found = take(value)
            return found if found.__class__ is str else printed(found)

        return text
    if not what:
        return take

    def check(value: Any) -> Any:
        found = take(value)
        if found.__class__ is str and what == "string":
            return found
        return checked(found, what, interface=interface or value is not None)  # fields of no value at all are none

    return check


def _taking(names: tuple[str, ...], interface: bool, strict: bool) -> Callable[[Any], Any]:
    def slow(value: Any) -> Any:
        return field(value, names, interface, strict=strict)

    if not _UNUSUAL.isdisjoint(names):
        return slow
    first, *rest = names
    if not rest:

        def one(value: Any) -> Any:
            try:
                return value[first]
            except _MISSING:
                return field(value, names, interface, strict=strict)

        return one
    second = rest[0]
    if first == "Chart" and len(rest) == 1 and second in Metadata.fields:

        def attribute(value: Any) -> Any:
            try:
                return getattr(value[first], second)  # nothing but Chart has attributes of such names
            except _MISSING:
                return field(value, names, interface, strict=strict)

        return attribute
    if len(rest) == 1:

        def two(value: Any) -> Any:
            try:
                return value[first][second]
            except _MISSING:
                return field(value, names, interface, strict=strict)

        return two

    def many(value: Any) -> Any:
        found = value
        try:
            for name in names:
                found = found[name]
        except _MISSING:
            return field(value, names, interface, strict=strict)
        return found

    return many


def field(value: Any, names: tuple[str, ...], interface: bool, *, strict: bool) -> Any:
    """`.a.b.c` of a value, where it is not all keys that are there."""
    if value is None and not interface:
        return no_data(names[0], strict=strict)
    container: Any = None
    for name in names:
        if value.__class__ in _MAPS and name in value and name not in access.VALUES_METHODS:
            container, value = value, value[name]
            continue
        static_type = "interface {}" if container is None and interface else access.static_type(value, container)
        found = access.get(value, name, strict=strict, static_type=static_type)
        container, value = value, _called(found, name) if found.__class__ is Function else found
    return value


def no_data(name: str, *, strict: bool) -> None:
    """A field of no value at all is no value at all, unless keys must be there."""
    if strict:
        raise FieldError(f"nil data; no entry for key {quote(name)}")


def _called(function: Function, name: str) -> Any:
    """What a method gives without arguments."""
    if wrong := wrong_number(function, name, 0, piped=False):
        raise FieldError(wrong)
    try:
        return function.call()
    except (FunctionError, ExecError) as error:
        raise CallFaultError(f"error calling {name}: {error}") from None
