"""Python source as the compiler writes it: functions of lines, and which node of the template each line stands for."""

from corral.base.annotations import Any
from corral.charts.render.nodes import Node

#: How far a function may be indented: the interpreter takes no more than 20 blocks within each other.
MAX_INDENT = 14
#: How many lines a function may have before what follows goes into another one.
MAX_LINES = 2000


class Mark:
    """Where what goes wrong in a line is told: at `fault`, or, if the function `name` fails, at `call`.

    Positions of nodes count from `base`. Without a `name`, an error of a template that was executed there passes as it is;
    a line that `continues` calls another function of the same template, which knows.
    """

    __slots__ = ("base", "call", "continues", "fault", "name")

    def __init__(
        self, base: int, fault: Node | None = None, call: Node | None = None, name: str = "", *, continues: bool = False
    ) -> None:
        self.base = base
        self.fault = fault
        self.call = call
        self.name = name
        self.continues = continues


class TooDeepError(Exception):
    """A template does not fit into one function."""


class Function:
    """One function while it is written."""

    __slots__ = ("lines", "loops", "marks", "pad", "registers")

    def __init__(self, head: str) -> None:
        self.lines = [head, " w = out.append"]
        self.marks: dict[int, Mark] = {}
        self.pad = " "
        self.registers = 0
        #: How many ranges the place that is written is in, as far as they are in this function.
        self.loops = 0

    def add(self, line: str, mark: Mark | None = None) -> int:
        """Add a line; its number."""
        lines = self.lines
        lines.append(self.pad + line)
        if mark is not None:
            self.marks[len(lines)] = mark
        return len(lines)

    def register(self) -> str:
        """The name of a place for a value."""
        self.registers += 1
        return f"r{self.registers}"


class Source:
    """The functions of a template that are written, as texts to be compiled one by one."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.marks: list[dict[int, Mark]] = []

    def finish(self, function: Function) -> None:
        """Take a function that is complete."""
        self.texts.append("\n".join(function.lines))
        self.marks.append(function.marks)


def spelled(value: Any) -> str:
    """A constant in Python."""
    text = repr(value)
    return text if value.__class__ is str else f"({text})"
