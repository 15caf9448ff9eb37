"""The closures that templates are made of, apart from calls and fields."""

from corral.base.annotations import Any
from corral.charts.render.frames import Code, Frame, NodeError, fail, told
from corral.charts.render.gofmt import plain
from corral.charts.render.gotypes import Uint8
from corral.charts.render.nodes import Node, Tree
from corral.charts.render.ordering import sorted_items


def shown(value: Any) -> str:
    """What an action prints of a value."""
    return "<no value>" if value is None else plain(value)


def after(final: Code | None, code: Code) -> Code:
    """`code` after what comes through the pipe, which may fail first."""
    if final is None:
        return code
    first = final

    def run(frame: Frame, dot: Any) -> Any:
        first(frame, dot)
        return code(frame, dot)

    return run


def fixed(value: Any) -> Code:
    """A value that is there already."""
    return lambda frame, dot: value


def variable(slot: int) -> Code:
    """A variable's value."""
    return lambda frame, dot: frame.variables[slot]


def dot(frame: Frame, value: Any) -> Any:
    """The dot itself."""
    return value


def writing(text: str) -> Code:
    """Write text."""
    return lambda frame, dot: frame.write(text)


def silent(code: Code, tree: Tree, base: int) -> Code:
    """Evaluate an action that declares or assigns."""

    def run(frame: Frame, dot: Any) -> None:
        try:
            code(frame, dot)
        except NodeError as error:
            raise told(error, tree, base) from None

    return run


def printing(text: str, code: Code, tree: Tree, base: int) -> Code:
    """Write text and what an action gives."""

    def run(frame: Frame, dot: Any) -> None:
        if text:
            frame.write(text)
        try:
            value = code(frame, dot)
        except NodeError as error:
            raise told(error, tree, base) from None
        frame.write(value if value.__class__ is str else shown(value))

    return run


def sequence(steps: list[Code]) -> Code:
    """One step after another."""
    if len(steps) == 1:
        return steps[0]

    def run(frame: Frame, dot: Any) -> None:
        for step in steps:
            step(frame, dot)

    return run


def leaving(steps: list[Code]) -> Code:
    """One step after another, until one of them is a break or a continue."""

    def run(frame: Frame, dot: Any) -> Any:
        for step in steps:
            how = step(frame, dot)
            if how is not None:
                return how
        return None

    return run


def entries(value: Any, node: Node) -> Any:
    """The keys and elements that a range walks."""
    if isinstance(value, list):
        return enumerate(value)
    if isinstance(value, dict):
        return sorted_items(value)
    if isinstance(value, bytes):
        return enumerate(map(Uint8, value))
    if isinstance(value, int) and not isinstance(value, bool):
        return ((i, i) for i in range(value))
    return fail(node, f"range can't iterate over {plain(value)}")
