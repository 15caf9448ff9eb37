"""The words of `typing`, without loading it: for commands that end before it would be loaded.

Type checkers read the first branch; at run time the words are empty classes, and `NamedTuple` is the standard library's.
"""

__all__ = ["TYPE_CHECKING", "Any", "ClassVar", "Final", "NamedTuple", "NoReturn", "TypeVar"]

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any, ClassVar, Final, NamedTuple, NoReturn, TypeVar
else:
    from collections import namedtuple

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

    class _Fields(type):
        def __new__(cls, name, bases, namespace):
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            fields = namespace.get("__annotations__", {})
            defaults = [namespace.pop(field) for field in fields if field in namespace]
            base = namedtuple(name, fields, defaults=defaults, module=namespace["__module__"])
            return type(name, (base,), {"__slots__": (), **namespace})

    class NamedTuple(metaclass=_Fields):
        """The base of tuples whose fields have names."""
