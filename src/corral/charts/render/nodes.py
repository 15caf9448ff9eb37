"""The nodes of a parsed template; each prints as Go prints it, which is what errors show as their context."""

from corral.base.annotations import Any
from corral.charts.render.strconv import quote


class Node:
    """Something at a position of a template's text (in characters)."""

    __slots__ = ("pos",)
    pos: int


class Text(Node):
    """Text between actions."""

    __slots__ = ("text",)

    def __init__(self, pos: int, text: str) -> None:
        self.pos = pos
        self.text = text


class Field(Node):
    """`.a.b`."""

    __slots__ = ("names",)

    def __init__(self, pos: int, names: list[str]) -> None:
        self.pos = pos
        self.names = names

    def __str__(self) -> str:
        return "." + ".".join(self.names)


#: The slot of a variable that is used in the pipeline that gives it its first value, or is assigned and was never declared.
UNDEFINED = -1


class Variable(Node):
    """`$x.a.b`; `slot` numbers the variables of a template, 0 is $ itself."""

    __slots__ = ("name", "names", "ranged", "slot")

    def __init__(self, pos: int, name: str, names: list[str], slot: int = UNDEFINED, ranged: bool = False) -> None:
        self.pos = pos
        self.name = name
        self.names = names
        self.slot = slot
        self.ranged = ranged

    def __str__(self) -> str:
        return ".".join((self.name, *self.names))


class Chain(Node):
    """A term and fields of it: `(…).a.b`, `now.Year`."""

    __slots__ = ("names", "node")

    def __init__(self, pos: int, node: Node, names: list[str]) -> None:
        self.pos = pos
        self.node = node
        self.names = names

    def __str__(self) -> str:
        return f"{_operand(self.node)}.{'.'.join(self.names)}"


class Identifier(Node):
    """The name of a function."""

    __slots__ = ("name",)

    def __init__(self, pos: int, name: str) -> None:
        self.pos = pos
        self.name = name

    def __str__(self) -> str:
        return self.name


class Dot(Node):
    """`.`."""

    __slots__ = ()

    def __init__(self, pos: int) -> None:
        self.pos = pos

    def __str__(self) -> str:
        return "."


class Nil(Node):
    """`nil`."""

    __slots__ = ()

    def __init__(self, pos: int) -> None:
        self.pos = pos

    def __str__(self) -> str:
        return "nil"


class Constant(Node):
    """A bool, a string or a number: its text and its value as an argument whose type is free."""

    __slots__ = ("number", "text", "value")

    def __init__(self, pos: int, text: str, value: Any, number: "dict[str, Any] | None" = None) -> None:
        self.pos = pos
        self.text = text
        self.value = value
        #: Of a number: its value as each type that can hold it ("int", "uint", "float", "complex").
        self.number = number

    def __str__(self) -> str:
        return self.text


class Command(Node):
    """An operand and its arguments."""

    __slots__ = ("args",)

    def __init__(self, pos: int, args: list[Node]) -> None:
        self.pos = pos
        self.args = args

    def __str__(self) -> str:
        return " ".join(map(_operand, self.args))


#: Functions that give lists and maps of strings, of numbers or of lists alone.
_TYPED = frozenset(
    (
        *("until", "untilStep", "keys", "sortAlpha", "toStrings", "split", "splitn", "splitList", "chunk"),
        *("regexFindAll", "mustRegexFindAll", "regexSplit", "mustRegexSplit"),
    )
)


class Pipe(Node):
    """Commands, and the variables that the value of the last one goes to."""

    __slots__ = ("assigns", "commands", "declared", "has_fields", "has_variables", "written")

    def __init__(self, pos: int) -> None:
        self.pos = pos
        self.declared: list[Variable] = []
        self.assigns = False
        self.commands: list[Command] = []
        #: Whether there can be fields and variables in it.
        self.has_fields = self.has_variables = True
        #: What it is in Python, as the compiler wrote it last.
        self.written: Any = None

    @property
    def has_anything(self) -> bool:
        """Whether the elements that a range over the value takes can be anything: then Go calls their type `interface {}`."""
        args = self.commands[-1].args
        if isinstance(args[0], Pipe):
            return len(args) > 1 or args[0].has_anything
        return not (isinstance(args[0], Identifier) and args[0].name in _TYPED)

    def __str__(self) -> str:
        head = ""
        if self.declared:
            head = ", ".join(map(str, self.declared)) + (" = " if self.assigns else " := ")
        return head + " | ".join(map(str, self.commands))


class Action(Node):
    """`{{ pipeline }}`."""

    __slots__ = ("base", "pipe")

    def __init__(self, pos: int, pipe: Pipe, base: int = 0) -> None:
        self.pos = pos
        self.pipe = pipe
        #: What to add to the positions in the pipeline: actions of the same text share one.
        self.base = base

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


class Branch(Node):
    """`{{ if }}`, `{{ with }}` or `{{ range }}`."""

    __slots__ = ("base", "body", "kind", "otherwise", "pipe")

    def __init__(self, base: int, kind: str, pipe: Pipe, body: list[Node], otherwise: list[Node] | None) -> None:
        self.pos = base + pipe.pos
        self.base = base
        self.kind = kind
        self.pipe = pipe
        self.body = body
        self.otherwise = otherwise

    def __str__(self) -> str:
        body = "".join(map(_shown, self.body))
        otherwise = "" if self.otherwise is None else "{{else}}" + "".join(map(_shown, self.otherwise))
        return f"{{{{{self.kind} {self.pipe}}}}}{body}{otherwise}{{{{end}}}}"


class Invocation(Node):
    """`{{ template "name" pipeline }}`."""

    __slots__ = ("name", "pipe")

    def __init__(self, pos: int, name: str, pipe: Pipe | None) -> None:
        self.pos = pos
        self.name = name
        self.pipe = pipe

    def __str__(self) -> str:
        pipe = "" if self.pipe is None else f" {self.pipe}"
        return f"{{{{template {quote(self.name)}{pipe}}}}}"


class Leave(Node):
    """`{{ break }}` or `{{ continue }}`."""

    __slots__ = ("kind",)

    def __init__(self, pos: int, kind: str) -> None:
        self.pos = pos
        self.kind = kind

    def __str__(self) -> str:
        return f"{{{{{self.kind}}}}}"


class Prepared:
    """An action as it was parsed apart from any template: "end", "else", or "action", "if", "with", "range" with a pipeline.

    The variables that it uses, and those that its pipeline declares, get their slots where it stands.
    """

    __slots__ = ("everywhere", "kind", "pipe", "slots", "text", "used")

    def __init__(self, kind: str, pipe: Pipe | None, used: list[Variable], text: str) -> None:
        self.kind = kind
        self.pipe = pipe
        self.used = used
        self.text = text
        #: Whether it is the same wherever it stands.
        self.everywhere = not used and (pipe is None or not pipe.declared)
        #: The slots of the used variables and of the declared ones, and whether a range gives them their values.
        self.slots: list[tuple[int, bool]] = []

    def place(self, slots: list[tuple[int, bool]]) -> None:
        """Give the variables their slots."""
        self.slots = slots
        variables = [*self.used, *(self.pipe.declared if self.pipe is not None else ())]
        for variable, (slot, ranged) in zip(variables, slots, strict=True):
            variable.slot = slot
            variable.ranged = ranged


def _operand(node: Node) -> str:
    return f"({node})" if isinstance(node, Pipe) else str(node)


def _shown(node: Node) -> str:
    return node.text if isinstance(node, Text) else str(node)


class Tree:
    """A template as it was parsed: its nodes, and how many variables it has."""

    __slots__ = ("body", "contended", "name", "slots")

    def __init__(self, name: str, body: list[Node], slots: int) -> None:
        self.name = name
        self.body = body
        self.slots = slots
        #: Whether the text has another template of this name, which is empty.
        self.contended = False

    @property
    def empty(self) -> bool:
        """Whether there is nothing but space in it: such a definition replaces none that is there."""
        return all(isinstance(node, Text) and not node.text.strip(" \t\r\n\v\f\x85\xa0") for node in self.body)
