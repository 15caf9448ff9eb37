"""Templates that can be executed: a text is parsed once wherever it stands, and each template in it is compiled when it is
first executed; both can be kept elsewhere (`Kept`).

    unit = unit_of(name, text)            # parses, unless the text is known
    unit.programs(name)[0].execute(run, dot, out)
"""

from collections.abc import Callable
from functools import cache
from types import CodeType

from corral.base.annotations import TYPE_CHECKING, Any
from corral.charts.render import functions
from corral.charts.render.errors import ExecError, FunctionError
from corral.charts.render.paths import CallFaultError, Path, taking
from corral.charts.render.runtime import FAULTS, NAMES
from corral.charts.render.strconv import quote

if TYPE_CHECKING:
    from corral.charts.render.compiler import Code
    from corral.charts.render.nodes import Tree
    from corral.charts.render.parser import Actions

#: So many texts are known at a time.
MAX_UNITS = 2048
#: What a template is once it is compiled: the code of its functions, `t` last, the functions of templates that they call, and
#: the paths of fields that they take.
Compiled = tuple[tuple[CodeType, ...], tuple[str, ...], tuple[Path, ...]]
#: What a text is: for each template in it its name (None: the text's own), whether it is empty, and its code, if there is any.
Kept = list[tuple[str | None, bool, Compiled | None]]


class Unit:
    """The templates of one text."""

    __slots__ = ("_codes", "_functions", "_trees", "changed", "parts", "text", "used")

    def __init__(self, text: str, parts: Kept, trees: "list[Tree] | None" = None) -> None:
        self.text = text
        self.parts = parts
        self._trees = trees
        self._codes: dict[int, Code] = {}
        self._functions: dict[int, Callable[..., None]] = {}
        #: Whether something was compiled that was not there before.
        self.changed = trees is not None
        #: Whether it is a chart's own and was asked for.
        self.used = False

    def programs(self, name: str) -> "list[Program]":
        """The templates, where the text is that of the template `name`."""
        return [Program(self, i, name if own is None else own, name, empty) for i, (own, empty, _) in enumerate(self.parts)]

    def defines(self, name: str) -> bool:
        """Whether a template of this name is defined in the text."""
        return any(own == name for own, _, _ in self.parts)

    def function(self, index: int) -> Callable[..., None]:
        """What executes a template."""
        made = self._functions.get(index)
        if made is None:
            made = self._functions[index] = self._made(index)
        return made

    def _made(self, index: int) -> Callable[..., None]:
        own, empty, compiled = self.parts[index]
        if compiled is None:
            compiled = _compiled(self.code(index))
            self.parts[index] = own, empty, compiled
            self.changed = True
        codes, called, paths = compiled
        names = dict(NAMES)
        for name in called:
            names[f"f_{name}"] = _function(name, names)
        for i, (path, interface) in enumerate(paths):
            names[f"p{i}"] = taking(path, interface)
        for code in codes:
            exec(code, names)
        made: Callable[..., None] = names["t"]
        return made

    def _no_name(self) -> str:
        """A name that no template in the text has."""
        return "-" * (1 + max(len(own or "") for own, _, _ in self.parts))

    def code(self, index: int) -> "Code":
        """A template in Python; the same each time, so that lines can be looked up in it."""
        found = self._codes.get(index)
        if found is None:
            from corral.charts.render.compiler import compile_tree

            if self._trees is None:
                from corral.charts.render.parser import parse

                self._trees = list(parse(self._no_name(), self.text, _actions()).values())
            found = self._codes[index] = compile_tree(self._trees[index])
        return found


def _compiled(code: "Code") -> Compiled:
    return (
        tuple(
            compile(text, f"template {i}", "exec", dont_inherit=True, optimize=0) for i, text in enumerate(code.source.texts)
        ),
        code.functions,
        code.paths,
    )


def _function(name: str, names: dict[str, Any]) -> Callable[..., Any]:
    """A function of templates, or, until its module is loaded, what loads it."""
    if functions.is_loaded(name):
        return functions.find(name).call

    def load(*args: Any) -> Any:
        found = names[f"f_{name}"] = functions.find(name).call
        return found(*args)

    return load


class Program:
    """One template under the names that errors tell: its own, and that of the file that it is in."""

    __slots__ = ("_code", "_index", "_unit", "empty", "file", "name")

    def __init__(self, unit: Unit, index: int, name: str, file: str, empty: bool) -> None:
        self._unit = unit
        self._index = index
        self.name = name
        self.file = file
        #: Whether there is nothing but space in it: such a definition replaces none that is there.
        self.empty = empty
        self._code: Callable[..., None] | None = None

    def execute(self, run: Any, dot: Any, out: list[str], depth: int = 0) -> None:
        """Execute it. Raises ExecError."""
        code = self._code
        if code is None:
            code = self._code = self._unit.function(self._index)
        try:
            code(run, dot, out, depth)
        except FAULTS as error:
            raise self._told(error) from None

    def _told(self, error: Exception) -> Exception:
        """What is told of a failure: the line of Python where it was, is the node of the template."""
        marks = self._unit.code(self._index).source.marks
        trace = error.__traceback__
        assert trace is not None
        mark = None
        while mark is None or mark.continues:
            trace = trace.tb_next
            assert trace is not None
            mark = marks[int(trace.tb_frame.f_code.co_filename.rpartition(" ")[2])][trace.tb_lineno]
        if isinstance(error, CallFaultError):
            node, message = mark.call, str(error)
        elif not isinstance(error, FunctionError | ExecError):
            node, message = mark.fault, str(error)
        elif mark.name:
            node, message = mark.call, f"error calling {mark.name}: {error}"
        else:
            return error  # of a template that was executed here
        assert node is not None
        line, column = place(self._unit.text, mark.base + node.pos)
        context = f"executing {quote(self.name)} at <{node}>"
        return ExecError(f"template: {self.file}:{line}:{column}: {context}: {message}", self.file, line, column)


def place(text: str, pos: int) -> tuple[int, int]:
    """Line, from 1, and column, from 0 and in bytes, of a position in characters."""
    before = text[:pos]
    line_start = before.rfind("\n") + 1
    return before.count("\n") + 1, len(before[line_start:].encode("utf-8", "surrogateescape"))


_UNITS: dict[str, Unit] = {}


@cache
def _actions() -> "Actions":
    from corral.charts.render.parser import Actions

    return Actions(functions.HOMES)


def unit_of(name: str, text: str, *, lasting: bool = True) -> Unit:
    """The templates of the text of the template `name`; one that is not `lasting` is not kept elsewhere. Raises ParseError."""
    unit = _UNITS.get(text)
    if unit is not None and not unit.defines(name):
        unit.used |= lasting
        return unit
    from corral.charts.render.parser import parse

    trees = parse(name, text, _actions())
    made = Unit(
        text, [(None if tree.name == name else tree.name, tree.empty, None) for tree in trees.values()], list(trees.values())
    )
    made.used = lasting
    if unit is None and not trees[name].contended:
        keep(made)  # under another name it is the same
    return made


def keep(unit: Unit) -> None:
    """Know a unit from now on."""
    if len(_UNITS) >= MAX_UNITS:
        del _UNITS[next(iter(_UNITS))]
    _UNITS[unit.text] = unit


def used() -> list[Unit]:
    """Those of charts that were asked for."""
    return [unit for unit in _UNITS.values() if unit.used]


def forget() -> None:
    """Know none: for measurements."""
    _UNITS.clear()
    _actions.cache_clear()
