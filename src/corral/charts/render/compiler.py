"""Trees to Python: what text/template's executor does node by node is decided here once, when a template is first executed.

A template becomes a function `t(run, x0, out, depth)`: the run (engine.py), what dot is at its top, where output goes, and how
many templates it is in. Every step is a line of its own, so that the line of a traceback tells at which node of the template
something failed; nothing has to be noted while it runs. `{{ range .Values.hosts }}- {{ . | quote }}{{ end }}` becomes

    def t(run, x0, out, depth):
     w = out.append
     r1 = p0(run, x0)
     e1 = entries(r1)
     if r1:
      for _, d1 in e1:
       run.tick(out)
       w('- ')
       r1 = limited(f_quote(d1))
       w(r1)

where `p0` takes `.Values.hosts` (paths.py). Variables are local variables; where a template does not fit into one function,
they are elements of a list.
"""

from corral.charts.render import nodes
from corral.charts.render.expressions import Expressions
from corral.charts.render.nodes import Node, Tree
from corral.charts.render.paths import Path
from corral.charts.render.writing import MAX_INDENT, MAX_LINES, Function, Mark, Source, TooDeepError

_PARAMETERS = "run, x0, out, depth"


class Code:
    """A template in Python: its functions, the last of them `t`, and what it needs beside them (units.Compiled)."""

    __slots__ = ("functions", "paths", "source")

    def __init__(self, source: Source, functions: tuple[str, ...], paths: tuple[Path, ...]) -> None:
        self.source = source
        self.functions = functions
        self.paths = paths


def compile_tree(tree: Tree) -> Code:
    """A template in Python."""
    try:
        return _Compiler(tree, listed=False).code()
    except TooDeepError:
        return _Compiler(tree, listed=True).code()


class _Compiler(Expressions):
    """Writes what prints and what branches."""

    def __init__(self, tree: Tree, *, listed: bool) -> None:
        super().__init__(Function(f"def t({_PARAMETERS}):"), listed=listed)
        self._tree = tree
        #: Whether there is a range around the place that is written.
        self._ranges = 0
        self._dots = 0
        self._outlined = 0
        if listed:
            self.function.add(f"x = [x0] + [None] * {tree.slots - 1}")

    def code(self) -> Code:
        """Write all of it."""
        self._body(self._tree.body)
        self.source.finish(self.function)
        return Code(self.source, tuple(sorted(self.called)), tuple(self.paths))

    # -- places

    def _inside(self, body: list[Node], dot: str, *, ranged: bool) -> None:
        """A body that is indented, where dot is another."""
        outer = self.dot, self.ranged
        self.dot, self.ranged = dot, ranged
        function = self.function
        function.pad += " "
        if len(function.pad) > MAX_INDENT:
            self._outline(body)
        else:
            self._body(body)
        function.pad = function.pad[:-1]
        self.dot, self.ranged = outer

    def _outline(self, body: list[Node], *, breaks: bool = True) -> None:
        """A body in a function of its own; unless it `breaks`, a break in it leaves only the body."""
        outer = self.function
        self._outlined += 1
        name = f"b{self._outlined}"
        called = self._call_of(name)
        mark = Mark(0, continues=True)
        if self._ranges:
            outer.add(f"how = {called}", mark)
            if breaks:
                outer.add("if how == 'break': " + ("break" if outer.loops else "return how"))
            outer.add("if how == 'continue': " + ("continue" if outer.loops else "return how"))
        else:
            outer.add(called, mark)
        with self._apart(name):
            self._body(body)

    def _body(self, body: list[Node]) -> None:
        function = self.function
        began = len(function.lines)
        text = ""
        for i, node in enumerate(body):
            if node.__class__ is nodes.Text:
                text += node.text
                continue
            if text:
                function.add(f"w({text!r})")
                text = ""
            if len(function.lines) > MAX_LINES:
                self._outline(body[i:])
                return
            function.registers = 0
            self._step(node)
        if text:
            function.add(f"w({text!r})")
        if len(function.lines) == began:
            function.add("pass")

    # -- steps

    def _step(self, node: Node) -> None:
        if isinstance(node, nodes.Action):
            self.base = node.base
            value, _, is_text = self.pipe(node.pipe)
            if not node.pipe.declared:
                self.function.add(f"w({value})" if is_text else f"w(shown({value}))")
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
        value, _, _ = self.pipe(node.pipe)
        self.base = 0
        if node.kind == "with":
            value = self._new_dot(value)
        self.function.add(f"if {value}:")
        if node.kind == "with":
            self._inside(node.body, value, ranged=False)
        else:
            self._inside(node.body, self.dot, ranged=self.ranged)
        self._otherwise(node)

    def _otherwise(self, node: nodes.Branch) -> None:
        if node.otherwise is not None:
            self.function.add("else:")
            self._inside(node.otherwise, self.dot, ranged=self.ranged)

    def _new_dot(self, value: str) -> str:
        self._dots += 1
        dot = f"d{self._dots}"
        self.function.add(f"{dot} = {value}")
        return dot

    def _range(self, node: nodes.Branch) -> None:
        self.base = node.base
        value, last, _ = self.pipe(node.pipe)
        function = self.function
        self._dots += 1
        dot, all_ = f"d{self._dots}", f"e{self._dots}"
        function.add(f"{all_} = entries({value})", Mark(self.base, last))
        self.base = 0
        function.add(f"if {value}:")
        function.pad += " "
        slots = [self.variable(variable.slot) for variable in node.pipe.declared]
        key = slots[0] if len(slots) > 1 else "_"
        function.add(f"for {key}, {dot} in {all_}:")
        function.add(" run.tick(out)")
        if slots:
            function.add(f" {slots[-1]} = {dot}")
        self._ranges += 1
        function.loops += 1
        self._inside(node.body, dot, ranged=True)
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
        function = self.function
        found = function.register()
        function.add(f"{found} = invoked(run, {node.name!r}, depth, out)", Mark(0, node))
        value = "None" if node.pipe is None else self.pipe(node.pipe)[0]
        function.add(f"{found}.execute(run, {value}, out, depth + 1)", Mark(0))


def _leaves(node: Node) -> bool:
    """Whether there is a break or a continue in a node that is meant for a range around it."""
    if isinstance(node, nodes.Leave):
        return True
    if not isinstance(node, nodes.Branch):
        return False
    inside = [] if node.kind == "range" else node.body
    return any(map(_leaves, (*inside, *(node.otherwise or ()))))
