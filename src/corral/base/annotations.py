"""The words of `typing` and `collections.abc`, without loading them: for commands that end before they would be loaded.

Type checkers read the first branch; at run time the words of `typing` are empty classes, and a `NamedTuple`; those of
`collections.abc` are where every Python has them, without the rest of `collections`. A `Record` is what `msgspec.Struct` is
elsewhere: its fields are read as quickly, but it takes longer to make, and nobody hinders its change.
"""

__all__ = [
    "TYPE_CHECKING",
    "Any",
    "Callable",
    "ClassVar",
    "Container",
    "Final",
    "Iterable",
    "Iterator",
    "Mapping",
    "NamedTuple",
    "NoReturn",
    "Record",
    "Sequence",
    "TypeVar",
]

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from typing import Any, ClassVar, Final, NamedTuple, NoReturn, TypeVar

    from msgspec import Struct as Record
else:
    from _collections_abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
    from _operator import itemgetter

    class _Word:
        def __class_getitem__(cls, item):
            return cls

    class Any(_Word):
        """Anything."""

    class ClassVar(_Word):
        """An attribute of a class."""

    class Final(_Word):
        """What is assigned once."""

    class NoReturn(_Word):
        """What no function returns."""

    def TypeVar(name, *constraints, bound=None):  # noqa: N802 (typing's name)
        """A type that is told by how something is used."""
        return type(name, (_Word,), {})

    def _annotated(namespace):
        """The names that a class annotates. Since Python 3.14 a function has them (PEP 749); 1 asks it for values."""
        annotate = namespace.get("__annotate__") or namespace.get("__annotate_func__")
        return tuple(namespace.get("__annotations__") or (annotate(1) if annotate else ()))

    class _Fields(type):
        """Makes a class of tuples from annotations; the standard library's writes and compiles code for each."""

        def __new__(cls, name, bases, namespace):
            fields = _annotated(namespace) if bases else ()
            namespace["_field_defaults"] = {field: namespace[field] for field in fields if field in namespace}
            namespace.update((field, property(itemgetter(i))) for i, field in enumerate(fields))
            return super().__new__(cls, name, bases, {"__slots__": (), "_fields": fields, **namespace})

    def _values(cls, values, named):
        """A value for each field of a class, as given or by default. Raises TypeError."""
        fields = cls._fields
        if not named and len(values) == len(fields):
            return values
        if len(values) > len(fields):
            raise TypeError(f"{cls.__name__} has {len(fields)} fields, not {len(values)}")
        given = {**cls._field_defaults, **dict(zip(fields, values, strict=False)), **named}
        if given.keys() != set(fields) or not named.keys().isdisjoint(fields[: len(values)]):
            raise TypeError(f"{cls.__name__} needs {', '.join(fields)}, each once")
        return [given[field] for field in fields]

    class NamedTuple(tuple, metaclass=_Fields):
        """The base of tuples whose fields have names."""

        def __new__(cls, *values, **named):  # noqa: D102
            return tuple.__new__(cls, _values(cls, values, named))

        @classmethod
        def _make(cls, values):
            return cls(*values)

        def _replace(self, **changed):
            return type(self)(**{**self._asdict(), **changed})

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._asdict().items())})"

    class _Slots(type):
        """Makes a class with a slot for each annotation."""

        def __new__(cls, name, bases, namespace, *, frozen=False):
            fields = _annotated(namespace) if bases else ()
            defaults = {field: namespace.pop(field) for field in fields if field in namespace}
            facts = {"__slots__": fields, "_fields": fields, "_field_defaults": defaults}
            return super().__new__(cls, name, bases, {**namespace, **facts})

    class Record(metaclass=_Slots):
        """The base of records whose fields have names."""

        def __init__(self, *values, **named):
            for field, value in zip(self._fields, _values(type(self), values, named), strict=True):
                setattr(self, field, value)

        def __eq__(self, other):
            if type(other) is not type(self):
                return NotImplemented
            return self is other or all(getattr(self, field) == getattr(other, field) for field in self._fields)

        def __hash__(self):
            return hash(tuple(getattr(self, field) for field in self._fields))

        def __repr__(self):
            return f"{type(self).__name__}({', '.join(f'{field}={getattr(self, field)!r}' for field in self._fields)})"
