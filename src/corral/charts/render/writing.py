"""Python source as the compiler writes it: functions of lines, and which node of the template each line stands for."""

from corral.charts.render.nodes import Node

#: How far a function may be indented: the interpreter takes no more than 20 blocks within each other.
MAX_INDENT = 14
#: How much a function may hold (texts, values, branches) before what follows goes into another one.
MAX_SIZE = 2000


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

    __slots__ = ("lines", "loops", "pad", "registers", "size")

    def __init__(self, head: str) -> None:
        self.lines = [head]
        self.pad = " "
        self.registers = 0
        #: How many ranges the place that is written is in, as far as they are in this function.
        self.loops = 0
        self.size = 0

    def add(self, line: str) -> None:
        """Add a statement; it may go on in other lines."""
        self.lines.append(self.pad + line)
        self.size += 1

    def join(self, at: int) -> None:
        """Put the only statement of a block, if it is a simple one, into the line of its head, whose number is `at`."""
        lines = self.lines
        if len(lines) == at + 2 and lines[at].endswith(":") and not lines[-1].lstrip(" ").startswith(("if ", "for ")):
            lines[at] += lines.pop().lstrip(" ")

    def register(self) -> str:
        """The name of a place for a value."""
        self.registers += 1
        return f"r{self.registers}"


class Source:
    """The functions of a template that are written, as texts to be compiled one by one.

    Every call that can fail begins a line, so that the line of a traceback tells at which node of the template it was. Which
    node it is is written down only where it is asked for (`marked`): when something did fail.
    """

    def __init__(self, *, marked: bool) -> None:
        self.texts: list[str] = []
        #: For each text, by number of line.
        self.marks: list[dict[int, Mark]] = []
        self.marked = marked
        self._given: list[Mark] = []

    def line(
        self, base: int, fault: Node | None = None, call: Node | None = None, name: str = "", *, continues: bool = False
    ) -> str:
        """What stands before a call that can fail; it begins a line. The arguments are those of its mark."""
        if not self.marked:
            return "\\\n"
        self._given.append(Mark(base, fault, call, name, continues=continues))
        return f"\\\0{len(self._given) - 1}\n"

    def finish(self, function: Function) -> None:
        """Take a function that is complete."""
        text = "\n".join(function.lines)
        if self.marked:
            lines = [line.partition("\0") for line in text.split("\n")]
            self.marks.append({i: self._given[int(number)] for i, (_, _, number) in enumerate(lines, 2) if number})
            text = "\n".join(line for line, _, _ in lines)
        self.texts.append(text)
