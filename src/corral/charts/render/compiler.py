"""Trees to Python: what text/template's executor does node by node is decided here once, when a template is first executed.

A template becomes a function: it is given the run (engine.py), where output goes, how many templates it is in, dot, and `$`.
`{{ range .Values.hosts }}- {{ . | quote }}{{ end }}` becomes

    def t(run, out, depth, d, x0):
     if e1 := \
    entries(\
    p0(d)):
      for _, d1 in e1:
       run.tick(out)
       out += ('- ', \
    f_quote(d1))

where `p0` takes `.Values.hosts` (paths.py). Each call that can fail begins a line: nothing has to be noted while it runs, as
the line of a traceback tells at which node of the template something failed. Variables are local variables; where a template
does not fit into one function, they are elements of a list.
"""

from corral.base.annotations import Sequence
from corral.charts.render import nodes
from corral.charts.render.branches import is_large, read_by
from corral.charts.render.expressions import Expressions
from corral.charts.render.nodes import Node, Tree
from corral.charts.render.paths import Path
from corral.charts.render.writing import MAX_INDENT, MAX_SIZE, Function, Source, TooDeepError

#: So many texts and values may one statement write.
_MAX_WRITTEN = 30


class Part:
    """What is compiled apart: a whole template, or a branch of one; `read`: the slots of the variables that it is given."""

    __slots__ = ("body", "ranged", "read", "slots")

    def __init__(self, body: list[Node], slots: int, read: Sequence[int] = (), *, ranged: bool = False) -> None:
        self.body = body
        #: How many variables the template has.
        self.slots = slots
        self.read = read
        self.ranged = ranged


class Code:
    """A part in Python: its functions, the last of them `t`, what they need beside them (units.Compiled), and its branches."""

    __slots__ = ("branches", "functions", "paths", "source")

    def __init__(self, source: Source, functions: tuple[str, ...], paths: tuple[Path, ...], branches: list[Part]) -> None:
        self.source = source
        self.functions = functions
        self.paths = paths
        self.branches = branches


def whole(tree: Tree) -> Part:
    """All of a template."""
    return Part(tree.body, tree.slots, (0,))


def compile_part(part: Part, *, marked: bool = False) -> Code:
    """A part in Python; `marked`: with the nodes that its lines stand for."""
    try:
        return _Compiler(part, listed=False, marked=marked).code()
    except TooDeepError:
        return _Compiler(part, listed=True, marked=marked).code()


class _Compiler(Expressions):
    """Writes what prints and what branches."""

    def __init__(self, part: Part, *, listed: bool, marked: bool) -> None:
        given = "".join(f", x{slot}" for slot in part.read)
        super().__init__(Function(f"def t(run, out, depth, d{given}):"), listed=listed, marked=marked)
        self._part = part
        self.ranged = part.ranged
        #: Branches that are left until they are taken.
        self._left: list[Part] = []
        #: Whether there is a range around the place that is written.
        self._ranges = 0
        self._dots = 0
        self._outlined = 0
        if listed:
            self.function.add(f"x = [None] * {part.slots}")
            for slot in part.read:
                self.function.add(f"x[{slot}] = x{slot}")

    def code(self) -> Code:
        """Write all of it."""
        self._body(self._part.body)
        self.source.finish(self.function)
        return Code(self.source, tuple(sorted(self.called)), tuple(self.paths), self._left)

    # -- places

    def _inside(self, body: list[Node], dot: str, *, ranged: bool) -> None:
        """A body that is indented, where dot is another."""
        outer = self.dot, self.ranged
        self.dot, self.ranged = dot, ranged
        function = self.function
        header = len(function.lines) - 1
        function.pad += " "
        if is_large(body) and (read := read_by(body)) is not None:
            self._leave(body, read)
        elif len(function.pad) > MAX_INDENT:
            self._outline(body)
        else:
            self._body(body)
        function.pad = function.pad[:-1]
        function.join(header)
        self.dot, self.ranged = outer

    def _leave(self, body: list[Node], read: list[int]) -> None:
        """A body that is compiled when it is first executed."""
        given = "".join(f", {self.variable(slot)}" for slot in read)
        call = f"{self.source.line(0, continues=True)}b{len(self._left)}(run, out, depth, {self.dot}{given})"
        self._left.append(Part(body, self._part.slots, read, ranged=self.ranged))
        self.function.add(f"({call})")

    def _outline(self, body: list[Node], *, breaks: bool = True) -> None:
        """A body in a function of its own; unless it `breaks`, a break in it leaves only the body."""
        if not self.listed:
            raise TooDeepError
        function = self.function
        self._outlined += 1
        name = f"o{self._outlined}"
        called = self._call_of(name)
        if self._ranges:
            function.add(f"how = {called}")
            if breaks:
                function.add("if how == 'break': " + ("break" if function.loops else "return how"))
            function.add("if how == 'continue': " + ("continue" if function.loops else "return how"))
        else:
            function.add(f"({called})")
        outer, dot = self._begin(name)
        self._body(body)
        self._finish(outer, dot)

    def _body(self, body: list[Node]) -> None:
        function = self.function
        began = len(function.lines)
        written: list[str] = []
        text = ""
        for i, node in enumerate(body):
            kind = node.__class__
            if kind is nodes.Text:
                text += node.text  # type: ignore[attr-defined]
                continue
            if text:
                written.append(repr(text))
                text = ""
            if function.size > MAX_SIZE:
                self._write(written)
                self._outline(body[i:])
                return
            if kind is nodes.Action and not node.pipe.declared:  # type: ignore[attr-defined]
                written.append(self._action(node))  # type: ignore[arg-type]
                if len(written) >= _MAX_WRITTEN:
                    self._write(written)
                continue
            self._write(written)
            function.registers = 0
            self._step(node)
        if text:
            written.append(repr(text))
        self._write(written)
        if len(function.lines) == began:
            function.add("pass")

    def _write(self, written: list[str]) -> None:
        """Write texts and values, and have none left."""
        if written:
            function = self.function
            function.size += len(written) - 1
            function.registers = 0
            function.add(f"out += ({', '.join(written)},)")
            written.clear()

    # -- steps

    def _action(self, node: nodes.Action) -> str:
        """What an action prints."""
        self.base = node.base
        value = self.printed(node.pipe)
        self.base = 0
        return value

    def _step(self, node: Node) -> None:
        if isinstance(node, nodes.Action):
            self.base = node.base
            self.function.add(self.assigned(node.pipe))
            self.base = 0
        elif isinstance(node, nodes.Branch):
            if node.kind == "range":
                self._range(node)
            else:
                self._condition(node)
        elif isinstance(node, nodes.Invocation):
            self._invocation(node)
        else:
            assert isinstance(node, nodes.Leave)
            self.function.add(node.kind if self.function.loops else f"return {node.kind!r}")

    def _condition(self, node: nodes.Branch) -> None:
        """`if` and `with`."""
        self.base = node.base
        value = self.pipe(node.pipe).text
        self.base = 0
        if node.kind == "with":
            self._dots += 1
            dot = f"d{self._dots}"
            self.function.add(f"if {dot} := {value}:")
            self._inside(node.body, dot, ranged=False)
        else:
            self.function.add(f"if {value}:")
            self._inside(node.body, self.dot, ranged=self.ranged)
        self._otherwise(node)

    def _otherwise(self, node: nodes.Branch) -> None:
        if node.otherwise is not None:
            self.function.add("else:")
            self._inside(node.otherwise, self.dot, ranged=self.ranged)

    def _range(self, node: nodes.Branch) -> None:
        self.base = node.base
        value = self.pipe(node.pipe)
        function = self.function
        self._dots += 1
        dot, all_ = f"d{self._dots}", f"e{self._dots}"
        function.add(f"if {all_} := {self.source.line(self.base, value.last)}entries({value.text}):")
        self.base = 0
        function.pad += " "
        slots = [self.variable(variable.slot) for variable in node.pipe.declared]
        key = slots[0] if len(slots) > 1 else "_"
        function.add(f"for {key}, {dot} in {all_}:")
        function.add(" run.tick(out)")
        if slots:
            function.add(f" {slots[-1]} = {dot}")
        self._ranges += 1
        function.loops += 1
        self._inside(node.body, dot, ranged=node.pipe.has_anything)
        function.loops -= 1
        self._ranges -= 1
        function.pad = function.pad[:-1]
        if self._ranges and any(map(_leaves, node.otherwise or ())):
            # Go takes a break in there for one of this range, which is over, and a continue for one of the range around it.
            function.add("else:")
            function.pad += " "
            self._outline(node.otherwise or [], breaks=False)
            function.pad = function.pad[:-1]
        else:
            self._otherwise(node)

    def _invocation(self, node: nodes.Invocation) -> None:
        function, source = self.function, self.source
        found = function.register()
        function.add(f"{found} = {source.line(0, node)}invoked(run, {node.name!r}, depth, out)")
        line = source.line(0)
        value = "None" if node.pipe is None else self.pipe(node.pipe).text
        function.add(f"({line}{found}.execute(run, {value}, out, depth + 1))")


def _leaves(node: Node) -> bool:
    """Whether there is a break or a continue in a node that is meant for a range around it."""
    if isinstance(node, nodes.Leave):
        return True
    if not isinstance(node, nodes.Branch):
        return False
    inside = [] if node.kind == "range" else node.body
    return any(map(_leaves, (*inside, *(node.otherwise or ()))))
