"""Pipelines to Python: each value gets a register of its own, in the order in which Go evaluates them.

Go tells an error at the node that its executor came to last; which one that is, is known when a template is compiled (`last`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from corral.base.annotations import Any, NamedTuple
from corral.charts.render import arguments, functions, nodes
from corral.charts.render.functions import wrong_number
from corral.charts.render.nodes import Node
from corral.charts.render.paths import Path
from corral.charts.render.writing import MAX_INDENT, Function, Mark, Source, TooDeepError, spelled

#: An expression of Python that can be had again, the node of errors after it, and whether it is surely a string.
Value = tuple[str, Node, bool]
#: As far may a call of a method with arguments be indented; the interpreter takes a hundred.
_MAX_METHODS = 90


class Fields(NamedTuple):
    """`.a.b.c` of what is at `receiver`."""

    #: What errors show, and the node that was evaluated last before the first field is taken.
    node: Node
    last: Node
    receiver: str
    names: list[str]
    #: Whether the receiver's nil is a nil interface.
    interface: bool


class Expressions:
    """Writes what has a value."""

    def __init__(self, function: Function, *, listed: bool) -> None:
        self.function = function
        self.source = Source()
        #: The functions of templates that are called.
        self.called: set[str] = set()
        #: The paths that are taken, and their numbers.
        self.paths: dict[Path, int] = {}
        #: Whether variables are elements of a list.
        self.listed = listed
        self.dot = "x0"
        #: Whether dot is an element of a list or a map here: its nil is then a nil interface.
        self.ranged = False
        #: What to add to the positions in the pipeline that is written.
        self.base = 0
        self._parts = 0

    def variable(self, slot: int) -> str:
        """Where a variable is."""
        return f"x[{slot}]" if self.listed else f"x{slot}"

    def _variable(self, node: nodes.Variable) -> str:
        if node.slot == nodes.UNDEFINED:
            return self._fail(node, f"undefined variable: {node.name}")
        return self.variable(node.slot)

    def _add(self, expression: str, mark: Mark | None = None) -> str:
        """Evaluate into a register."""
        register = self.function.register()
        self.function.add(f"{register} = {expression}", mark)
        return register

    def _fail(self, node: Node, message: str) -> str:
        self.function.add(f"fault({message!r})", Mark(self.base, node))
        return "None"

    # -- pipelines

    def pipe(self, pipe: nodes.Pipe) -> Value:
        """The value of a pipeline, put into its variables."""
        value: Value | None = None
        for command in pipe.commands:
            value = self._command(command, value, pipe)
        assert value is not None
        for variable in pipe.declared:
            if variable.slot == nodes.UNDEFINED:
                self._fail(value[1], f"undefined variable: {variable.name}")
                continue
            self.function.add(f"{self.variable(variable.slot)} = {value[0]}")
        return value

    def _command(self, command: nodes.Command, final: Value | None, pipe: nodes.Pipe) -> Value:
        first, *args = command.args
        if isinstance(first, nodes.Identifier):
            return self._call(first, command, args, final)
        if (fields := self._selected(first)) is not None:
            return self._method(fields, args, final) if args or final is not None else self._fields(fields)
        if args or final is not None:
            at = first if not isinstance(first, nodes.Pipe) else final[1] if final is not None else pipe
            self._fail(at, f"can't give argument to non-function {first}")
            return "None", first, False
        if isinstance(first, nodes.Pipe):
            return self.pipe(first)
        if isinstance(first, nodes.Variable):
            return self._variable(first), first, False
        if isinstance(first, nodes.Dot):
            return self.dot, first, False
        if isinstance(first, nodes.Nil):
            return self._fail(first, "nil is not a command"), first, False
        assert isinstance(first, nodes.Constant)
        return self._constant(first, "interface {}")

    def _constant(self, node: nodes.Constant, type_: str) -> Value:
        try:
            value = arguments.constant(node.text, node.value, node.number, type_)
        except arguments.ArgumentError as error:
            return self._fail(node, str(error)), node, False
        if value.__class__ in (str, bool, int, float, complex):
            return spelled(value), node, value.__class__ is str
        return f"{value.__class__.__name__}({int(value)})", node, False

    # -- operands

    def _operand(self, node: Node) -> tuple[Value, bool]:
        """A value as an argument, and whether its nil is a nil interface."""
        if (fields := self._selected(node)) is not None:
            return self._fields(fields), True
        if isinstance(node, nodes.Variable):
            return (self._variable(node), node, False), node.ranged
        if isinstance(node, nodes.Dot):
            return (self.dot, node, False), self.ranged
        if isinstance(node, nodes.Pipe):
            return self.pipe(node), False
        assert isinstance(node, nodes.Identifier)
        return self._call(node, node, [], None), functions.find(node.name).gives is Any

    def _argument(self, node: Node, type_: str, *, keep: bool) -> Value:
        """An argument of a call, of the type that its parameter has; `keep`: what comes after it could assign variables."""
        if isinstance(node, nodes.Constant):
            return self._constant(node, type_)
        if isinstance(node, nodes.Nil):
            try:
                value = arguments.nil(type_)
            except arguments.ArgumentError as error:
                return self._fail(node, str(error)), node, False
            return ("None" if value is None else self._add(f"checked({type_!r}, None, False)")), node, False
        value, interface = self._operand(node)
        if keep and isinstance(node, nodes.Variable):
            value = (self._add(value[0]), value[1], False)
        return self._checked(value, type_, value[1], interface=interface)

    def _checked(self, value: Value, type_: str, last: Node, *, interface: bool) -> Value:
        """A value that must be an argument of a type."""
        expression, _, is_text = value
        if arguments.is_free(type_) or (is_text and type_ == "string"):
            return expression, last, is_text
        check = "string(" if type_ == "string" else f"checked({type_!r}, "
        return self._add(f"{check}{expression}, {interface})", Mark(self.base, last)), last, type_ == "string"

    # -- calls

    def _call(self, node: nodes.Identifier, command: Node, args: list[Node], final: Value | None) -> Value:
        """A call of a function; its own errors are told at the command, those before its arguments at its name."""
        name = node.name
        function = functions.find(name)
        wrong = wrong_number(function, name, len(args), piped=final is not None)
        if name in ("and", "or"):
            return self._short_circuit(name, wrong, node, args, final)
        if wrong:
            return self._fail(node, wrong), node, False
        params = function.params
        # The last argument that could assign variables: those before it keep the values that they had.
        assigning = max((i for i, arg in enumerate(args) if isinstance(arg, nodes.Pipe | nodes.Chain)), default=-1)
        lines, marks = self.function.lines, self.function.marks
        piped, before, at = None, 0, 0
        if final is not None:
            piped = (self._add(final[0]), final[1], final[2]) if assigning >= 0 else final
            before = len(lines)
            piped = self._checked(piped, params[min(len(args), len(params) - 1)], node, interface=False)
            at = len(lines)
        given: list[str] = ["run"] if function.wants_run and name not in _METHODS else []
        last: Node = node
        for i, arg in enumerate(args):
            value, last, _ = self._argument(arg, params[min(i, len(params) - 1)], keep=i < assigning)
            given.append(value)
        if piped is not None:
            if at > before:
                marks[at] = Mark(self.base, last)  # checked first, and told at what is evaluated last
            given.append(piped[0])
        if name not in _METHODS:
            self.called.add(name)
        mark = Mark(self.base, None, command, name)
        call = f"{_METHODS.get(name, f'f_{name}')}({', '.join(given)})"
        result = self._add(f"limited({call})" if function.may_grow else call, mark)
        is_text = function.gives is str
        return result, last, is_text

    def _short_circuit(self, name: str, wrong: str, node: Node, args: list[Node], final: Value | None) -> Value:
        """`and` and `or`: what comes after the deciding argument is not evaluated."""
        if wrong:
            return self._fail(node, wrong), node, False
        if final is not None and any(isinstance(arg, nodes.Pipe | nodes.Chain) for arg in args):
            final = (self._add(final[0]), final[1], False)
        result = self.function.register()
        decided = "" if name == "and" else "not "
        last: Node = node
        for i, arg in enumerate(args):
            if i == 0:
                value, last, _ = self._argument(arg, "reflect.Value", keep=False)
                self.function.add(f"{result} = {value}")
                continue
            self.function.add(f"if {decided}{result}:")
            last = self._nested(arg, result)
        if final is not None:
            if args:
                self.function.add(f"if {decided}{result}: {result} = {final[0]}")
            else:
                self.function.add(f"{result} = {final[0]}")
        return result, last, False

    def _nested(self, arg: Node, result: str) -> Node:
        """An argument of `and` or `or` that is evaluated only if it must be."""
        outer = self.function
        if len(outer.pad) < MAX_INDENT:
            outer.pad += " "
            value, last, _ = self._argument(arg, "reflect.Value", keep=False)
            outer.add(f"{result} = {value}")
            outer.pad = outer.pad[:-1]
            return last
        self._parts += 1
        name = f"v{self._parts}"
        outer.add(f" {result} = {self._call_of(name)}", Mark(0, continues=True))
        with self._apart(name):
            value, last, _ = self._argument(arg, "reflect.Value", keep=False)
            self.function.add(f"return {value}")
        return last

    # -- functions

    def _call_of(self, name: str) -> str:
        """A call of a function that is written `_apart`."""
        return f"{name}(run, x, {self.dot}, out, depth)"

    @contextmanager
    def _apart(self, name: str) -> Iterator[None]:
        """Write into a function of its own, where dot is `d`; it shares the list of variables, and there must be one."""
        if not self.listed:
            raise TooDeepError
        outer, dot = self.function, self.dot
        self.function, self.dot = Function(f"def {name}(run, x, d, out, depth):"), "d"
        yield
        self.source.finish(self.function)
        self.function, self.dot = outer, dot

    # -- fields

    def _path(self, names: tuple[str, ...], interface: bool) -> str:
        """The name of what takes fields of fields of a value (paths.py)."""
        found = self.paths.setdefault((names, interface), len(self.paths))
        return f"p{found}"

    def _selected(self, node: Node) -> Fields | None:
        """The fields that a node takes; None where it takes none."""
        if isinstance(node, nodes.Field):
            return Fields(node, node, self.dot, node.names, self.ranged)
        if isinstance(node, nodes.Variable) and node.names:
            return Fields(node, node, self._variable(node), node.names, node.ranged)
        if isinstance(node, nodes.Chain):
            (receiver, last, _), interface = self._operand(node.node)
            return Fields(node, last, receiver, node.names, interface)
        return None

    def _fields(self, fields: Fields) -> Value:
        """Their value: methods among them have no arguments."""
        node, last, receiver, names, interface = fields
        mark = Mark(self.base, last, node)
        if not receiver.isidentifier() and receiver[0] != "x":
            receiver = self._add(receiver)
        register = self._add(f"{self._path(tuple(names), interface)}(run, {receiver})", mark)
        return register, last, False

    def _method(self, fields: Fields, args: list[Node], final: Value | None) -> Value:
        """Their value where the last of them is a method with arguments."""
        node, last, receiver, (*path, name), interface = fields
        if path:
            receiver, _, _ = self._fields(fields._replace(names=path))
        function = self.function
        piped = None if final is None else self._add(final[0])
        known = bool(path) or interface
        found = self._add(
            f"method(run, {receiver}, {name!r}, {known}, {len(args)}, {piped is not None})", Mark(self.base, last)
        )
        result = function.register()
        function.add(f"{result} = None")
        function.add(f"if {found} is not None:")
        if len(function.pad) > _MAX_METHODS:
            function.add(" pass")
            return (
                self._fail(node, f"methods are called within each other more than {_MAX_METHODS - MAX_INDENT} times"),
                last,
                False,
            )
        function.pad += " "
        given: list[str] = []
        at = 0
        if piped is not None:
            at = function.add(f"{piped} = passed({found}, {len(args)}, {piped}, False)", Mark(self.base, last))
        inner: Node = last
        for i, arg in enumerate(args):
            value, inner = self._passed(found, i, arg)
            given.append(value)
        if piped is not None:
            function.marks[at] = Mark(self.base, inner)
            given.append(piped)
        function.add(f"{result} = limited({found}.call({', '.join(given)}))", Mark(self.base, None, node, name))
        function.pad = function.pad[:-1]
        return result, args[-1] if args else last, False

    def _passed(self, found: str, position: int, arg: Node) -> tuple[str, Node]:
        """An argument of a method, whose type is known when it is called."""
        if isinstance(arg, nodes.Constant):
            literal = f"literal({found}, {position}, {arg.text!r}, {arg.value!r}, {arg.number!r})"
            return self._add(literal, Mark(self.base, arg)), arg
        if isinstance(arg, nodes.Nil):
            return self._add(f"nil({found}, {position})", Mark(self.base, arg)), arg
        (value, last, _), interface = self._operand(arg)
        return self._add(f"passed({found}, {position}, {value}, {interface})", Mark(self.base, last)), last


#: Functions that are methods of the run.
_METHODS: dict[str, str] = {"include": "run.include", "tpl": "run.tpl"}
