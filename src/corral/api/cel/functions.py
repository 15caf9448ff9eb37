"""Functions as libraries declare them: overloads with a signature, what they do, and what a call costs.

A library is a module with a `LIBRARY`, filled by the decorator:

    @LIBRARY.overload("string.charAt(int) -> string", cost=nominal)
    def char_at(text, index): ...

`string.f(int)` is called as `text.f(1)`, `f(int)` as `f(1)`. A function gets plain values and raises EvaluationError. One with
`frame=True` gets the frame as its first argument, to charge for work as it does it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from corral.api.cel.types import DYN, Type, Variable, parse, split_top

Cost = Callable[[Sequence[Any], Any], float]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function; `args` begins with the target where `member` is true."""

    function: str
    args: tuple[Type, ...]
    result: Type
    member: bool
    call: Callable[..., Any]
    cost: Cost | None = None
    frame: bool = False

    @property
    def kinds(self) -> tuple[str | None, ...]:
        """The names of the arguments' types as values have them; None: any."""
        return tuple(None if isinstance(arg, Variable) or arg == DYN else arg.name for arg in self.args)


@dataclass(slots=True)
class Library:
    """Overloads by function."""

    functions: dict[str, list[Overload]] = field(default_factory=dict)

    def overload(self, *signatures: str, cost: Cost | None = None, frame: bool = False) -> Callable[[Function], Function]:
        """A decorator that declares a function under each signature."""

        def declare(call: Function) -> Function:
            for signature in signatures:
                self.add(signature, call, cost=cost, frame=frame)
            return call

        return declare

    def add(self, signature: str, call: Callable[..., Any], *, cost: Cost | None = None, frame: bool = False) -> None:
        """Declare one overload."""
        head, _, result = signature.rpartition("->")
        head = head.strip()
        opening = _opening(head)
        name, args = head[:opening], split_top(head[opening + 1 : -1])
        variables: dict[str, Type] = {}
        target, _, function = _split_target(name)
        types = [parse(arg, variables) for arg in ([target] if target else []) + args]
        made = Overload(function, tuple(types), parse(result, variables), bool(target), call, cost, frame)
        self.functions.setdefault(function, []).append(made)


def _opening(head: str) -> int:
    """Where the last group of brackets begins."""
    depth = 0
    for i in range(len(head) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(head[i], 0)
        if depth == 0:
            return i
    raise ValueError(f"no arguments in {head}")


def _split_target(name: str) -> tuple[str, str, str]:
    """`list(A).sum` to its target and its function; namespaces such as `math.` are part of the function."""
    target, dot, function = name.rpartition(".")
    if not dot or target in NAMESPACES:
        return "", "", name
    return target, dot, function


#: First words of functions that have a dot in their name.
NAMESPACES = frozenset(("math", "sets", "strings", "optional", "cel", "ip", "format", "jsonpatch", "lists", "regex"))


def joined(libraries: Iterable[Library]) -> dict[str, list[Overload]]:
    """All functions of several libraries."""
    functions: dict[str, list[Overload]] = {}
    for library in libraries:
        for name, overloads in library.functions.items():
            functions.setdefault(name, []).extend(overloads)
    return functions
