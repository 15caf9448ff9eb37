"""Templates that can be executed: a text is parsed once wherever it stands, and each template in it is compiled when it is
first executed; both can be kept elsewhere (`Kept`).

    unit = unit_of(name, text)            # parses, unless the text is known
    unit.programs(name)[0].execute(run, dot, out)
"""

from corral.base.annotations import TYPE_CHECKING, Any, Callable
from corral.base.memo import Memo
from corral.charts.render import functions
from corral.charts.render.errors import ExecError, FunctionError
from corral.charts.render.paths import CallFaultError, Path, taking
from corral.charts.render.runtime import FAULTS, NAMES, limited
from corral.charts.render.strconv import quote

if TYPE_CHECKING:
    from types import CodeType

    from corral.charts.render.compiler import Code, Part
    from corral.charts.render.nodes import Tree
    from corral.charts.render.parser import Actions
    from corral.charts.render.writing import Mark

    #: For each function of a template, by number of line.
    Marks = list[dict[int, Mark]]

#: So many texts are known at a time.
MAX_UNITS = 2048
#: What tracebacks call the files of templates: this, their place, and the number of the function.
_FILE = "template"
#: What a template or a branch is once it is compiled: the code of its functions, `t` last, the functions of templates that they
#: call, the paths of fields that they take, and the branches that are compiled when they are taken.
Compiled = tuple[tuple["CodeType", ...], tuple[str, ...], tuple[Path, ...], "list[Compiled | None]"]
#: The number of a template in a text, and those of the branches within each other that lead to one.
Place = tuple[int, ...]
#: What a text is: for each template in it its name (None: the text's own), whether it is empty, and its code, if there is any.
Kept = list[tuple[str | None, bool, Compiled | None]]


class Unit:
    """The templates of one text."""

    __slots__ = ("_codes", "_functions", "_marks", "_trees", "changed", "parts", "text", "used")

    def __init__(self, text: str, parts: Kept, trees: "list[Tree] | None" = None) -> None:
        self.text = text
        self.parts = parts
        self._trees = trees
        self._codes: dict[Place, Code] = {}
        self._marks: dict[Place, Marks] = {}
        self._functions: dict[tuple[int, bool], Callable[..., None]] = {}
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

    def function(self, index: int, *, strict: bool = False) -> Callable[..., None]:
        """What executes a template; `strict`: keys must be there."""
        made = self._functions.get((index, strict))
        if made is None:
            made = self._functions[index, strict] = self._made(index, strict)
        return made

    def _made(self, index: int, strict: bool) -> Callable[..., None]:
        own, empty, compiled = self.parts[index]
        if compiled is None:
            compiled = self._compiled((index,))
            self.parts[index] = own, empty, compiled
        return self._loaded((index,), compiled, strict)

    def _loaded(self, place: Place, compiled: Compiled, strict: bool) -> Callable[..., None]:
        """The function of what is compiled."""
        codes, called, paths, branches = compiled
        names = dict(NAMES)
        for name in called:
            names[name] = _function(name, names)
        for i, path in enumerate(paths):
            names[f"p{i}"] = taking(path, strict=strict)
        for i in range(len(branches)):
            names[f"b{i}"] = self._branch((*place, i), compiled, names, strict)
        for code in codes:
            exec(code, names)
        made: Callable[..., None] = names["t"]
        return made

    def _branch(self, place: Place, of: Compiled, names: dict[str, Any], strict: bool) -> Callable[..., None]:
        """What executes a branch: at first, what compiles it and takes its place."""

        def load(*given: Any) -> None:
            i, branches = place[-1], of[3]
            compiled = branches[i]
            if compiled is None:
                compiled = branches[i] = self._compiled(place)
            made = names[f"b{i}"] = self._loaded(place, compiled, strict)
            made(*given)

        return load

    def _compiled(self, place: Place) -> Compiled:
        self.changed = True
        code = self.code(place)
        file = " ".join((_FILE, *map(str, place)))
        codes = tuple([_CODES[text, f"{file} {i}"] for i, text in enumerate(code.source.texts)])
        return codes, code.functions, code.paths, [None] * len(code.branches)

    def _no_name(self) -> str:
        """A name that no template in the text has."""
        return "-" * (1 + max(len(own or "") for own, _, _ in self.parts))

    def code(self, place: Place) -> "Code":
        """A template or a branch in Python."""
        found = self._codes.get(place)
        if found is None:
            from corral.charts.render.compiler import compile_part

            found = self._codes[place] = compile_part(self._part(place))
        return found

    def marks(self, place: Place) -> "Marks":
        """The nodes that the lines of the same functions stand for."""
        found = self._marks.get(place)
        if found is None:
            from corral.charts.render.compiler import compile_part

            found = self._marks[place] = compile_part(self._part(place), marked=True).source.marks
        return found

    def _part(self, place: Place) -> "Part":
        *around, last = place
        if around:
            return self.code(tuple(around)).branches[last]
        from corral.charts.render.compiler import whole

        if self._trees is None:
            from corral.charts.render.parser import parse

            self._trees = list(parse(self._no_name(), self.text, _actions()).values())
        return whole(self._trees[last])


def _function(name: str, names: dict[str, Any]) -> Callable[..., Any]:
    """A function of templates, or, until its module is loaded, what loads it.

    By its name in Python: `f_x` is the function `x`, and `g_x` the same that takes its last argument first.
    """
    if functions.is_loaded(name[2:]):
        return _CALLED[name]

    def load(*args: Any) -> Any:
        found = names[name] = _CALLED[name]
        return found(*args)

    return load


def _called(name: str) -> Callable[..., Any]:
    """What calls a function, and refuses what is too large."""
    function = functions.find(name[2:])
    call = function.call
    if name[0] == "f":
        return (lambda *args: limited(call(*args))) if function.may_grow else call

    def last_first(last: Any, *args: Any) -> Any:
        return limited(call(*args, last))

    return last_first


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
            code = self._code = self._unit.function(self._index, strict=run.strict)
        try:
            code(run, out, depth, dot, dot)
        except FAULTS as error:
            raise self._told(error) from None

    def _told(self, error: Exception) -> Exception:
        """What is told of a failure: the line of Python where it was, is the node of the template."""
        trace = error.__traceback__
        assert trace is not None
        mark = None
        while mark is None or mark.continues:
            trace = trace.tb_next
            assert trace is not None
            what, *numbers = trace.tb_frame.f_code.co_filename.split(" ")
            if what == _FILE:
                *at, number = map(int, numbers)
                mark = self._unit.marks(tuple(at))[number][trace.tb_lineno]
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


def _compile(source_and_file: tuple[str, str]) -> "CodeType":
    return compile(*source_and_file, "exec", dont_inherit=True, optimize=0)


_UNITS: dict[str, Unit] = {}
_CALLED = Memo(2 * len(functions.HOMES), _called)
#: What was compiled: templates that differ only in the fields that they take are the same in Python.
_CODES = Memo(MAX_UNITS, _compile)
#: One, once it is needed.
_ACTIONS: "list[Actions]" = []


def _actions() -> "Actions":
    if not _ACTIONS:
        from corral.charts.render.parser import Actions

        _ACTIONS.append(Actions(functions.HOMES))
    return _ACTIONS[0]


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


def begin() -> None:
    """Another chart is to be rendered: what was asked for and compiled until now does not count (`Unit.used`, `changed`)."""
    for unit in _UNITS.values():
        unit.used = unit.changed = False


def used() -> list[Unit]:
    """Those of the chart that were asked for."""
    return [unit for unit in _UNITS.values() if unit.used]


def forget() -> None:
    """Know none: for measurements."""
    _UNITS.clear()
    _ACTIONS.clear()
    _CODES.clear()
