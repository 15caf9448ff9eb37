"""Pipelines to Python: a pipeline becomes one expression, whose parts are evaluated in the order in which Go evaluates them.

Go tells an error at the node that its executor came to last; which one that is, is known when a template is compiled (`last`).
"""

from corral.base.annotations import Any, Final, Sequence
from corral.charts.render import arguments, functions, nodes
from corral.charts.render.functions import wrong_number
from corral.charts.render.nodes import Node
from corral.charts.render.paths import PRINTED, Path
from corral.charts.render.writing import Function, Source, TooDeepError

#: What there is to an expression: a constant or dot, which is the same at any time; a variable, which is that until one is
#: assigned; what can fail or has an effect; what assigns variables, too.
FIXED: Final = 0
VARIABLE: Final = 1
COMPUTED: Final = 2
ASSIGNING: Final = 3

#: So many parentheses may be open around a pipeline before it goes into a function of its own, and so many may an expression
#: have within each other before it goes into a register: Python takes 200 in all.
MAX_OPEN: Final = 40
MAX_DEEP: Final = 40


class Value:
    """An expression of Python: the node of errors after it, its kind, its depth in parentheses, if it surely is a string."""

    __slots__ = ("deep", "is_text", "kind", "last", "text")

    def __init__(self, text: str, last: Node, kind: int, deep: int = 0, *, is_text: bool = False) -> None:
        self.text = text
        self.last = last
        self.kind = kind
        self.deep = deep
        self.is_text = is_text


class Fields:
    """`.a.b.c` of a receiver: what errors show, and whether the receiver's nil is a nil interface."""

    __slots__ = ("interface", "names", "node", "receiver")

    def __init__(self, node: Node, receiver: Value, names: list[str], *, interface: bool) -> None:
        self.node = node
        self.receiver = receiver
        self.names = names
        self.interface = interface


class Expressions:
    """Writes what has a value."""

    def __init__(self, function: Function, *, listed: bool, marked: bool) -> None:
        self.function = function
        self.source = Source(marked=marked)
        #: The functions of templates that are called.
        self.called: set[str] = set()
        #: The paths that are taken, and their numbers.
        self.paths: dict[Path, int] = {}
        #: Whether variables are elements of a list.
        self.listed = listed
        self.dot = "d"
        #: Whether dot is an element of a list or a map here: its nil is then a nil interface.
        self.ranged = False
        #: What to add to the positions in the pipeline that is written.
        self.base = 0
        #: How many parentheses are open around the place that is written.
        self._open = 0
        self._parts = 0

    def variable(self, slot: int) -> str:
        """Where a variable is."""
        return f"x[{slot}]" if self.listed else f"x{slot}"

    def _variable(self, node: nodes.Variable) -> Value:
        if node.slot == nodes.UNDEFINED:
            return self._fault(node, f"undefined variable: {node.name}")
        return Value(self.variable(node.slot), node, VARIABLE)

    def _fault(self, node: Node, message: str) -> Value:
        """What fails when it is evaluated."""
        return Value(f"{self.source.line(self.base, node)}fault({message!r})", node, COMPUTED, 1)

    # -- order

    def _then(self, first: list[str], value: Value, kind: int, deep: int) -> Value:
        """A value that is evaluated after others, which are not used as they stand there."""
        text = f"({', '.join(first)}, {value.text})[{len(first)}]"
        return Value(text, value.last, max(kind, value.kind), max(deep, value.deep) + 1, is_text=value.is_text)

    def _after(self, first: str | None, final: Value | None, value: Value) -> Value:
        """A value that is evaluated after `first`, which evaluates `final`, if there is one."""
        return value if first is None or final is None else self._then([first], value, final.kind, final.deep)

    def _kept(self, value: Value) -> tuple[str, Value]:
        """What puts a value into a register, and the value from there."""
        register = self.function.register()
        return f"{register} := {value.text}", Value(register, value.last, FIXED, is_text=value.is_text)

    # -- pipelines

    def pipe(self, pipe: nodes.Pipe) -> Value:
        """The value of a pipeline, put into its variables."""
        value = self._value(pipe)
        for variable in pipe.declared:
            if variable.slot == nodes.UNDEFINED:
                fault = self._fault(value.last, f"undefined variable: {variable.name}")
                value = self._then([value.text], fault, value.kind, value.deep)
            else:
                text = f"put(x, {variable.slot}, {value.text})" if self.listed else f"(x{variable.slot} := {value.text})"
                value = Value(text, value.last, ASSIGNING, value.deep + 1, is_text=value.is_text)
        return value

    def assigned(self, pipe: nodes.Pipe) -> str:
        """The statement that puts the value of a pipeline into its variable."""
        (variable,) = pipe.declared
        if variable.slot == nodes.UNDEFINED:
            return f"({self.pipe(pipe).text})"
        return f"{self.variable(variable.slot)} = {self._value(pipe).text}"

    def printed(self, pipe: nodes.Pipe) -> str:
        """What a pipeline prints that declares nothing; one without fields and variables is the same everywhere."""
        if pipe.has_fields or pipe.has_variables or self.listed or self.source.marked:
            return self._printed(pipe)
        here = self.dot, self.ranged
        if pipe.written is None or pipe.written[0] != here:
            called, self.called = self.called, set()
            pipe.written = here, self._printed(pipe), self.called
            self.called = called
        _, text, names = pipe.written
        self.called |= names
        return str(text)

    def _printed(self, pipe: nodes.Pipe) -> str:
        if len(pipe.commands) == 1 and len(pipe.commands[0].args) == 1:
            (node,) = pipe.commands[0].args
            if (taken := self._taken(node, PRINTED)) is not None:
                return taken.text
        value = self._value(pipe)
        return value.text if value.is_text else f"printed({value.text})"

    def _value(self, pipe: nodes.Pipe) -> Value:
        value: Value | None = None
        first: list[str] = []
        kind = deep = 0
        for command in pipe.commands:
            if value is not None and value.deep > MAX_DEEP:
                kind, deep = max(kind, value.kind), max(deep, value.deep)
                before, value = self._kept(value)
                first.append(before)
            value = self._command(command, value, pipe)
        assert value is not None
        if first:
            value = self._then(first, value, kind, deep)
        return value

    def _command(self, command: nodes.Command, final: Value | None, pipe: nodes.Pipe) -> Value:
        first, *args = command.args
        if isinstance(first, nodes.Identifier):
            return self._call(first, command, args, final)
        if (fields := self._selected(first)) is not None:
            return self._method(fields, args, final) if args or final is not None else self._fields(fields)
        if args or final is not None:
            at = first if not isinstance(first, nodes.Pipe) else final.last if final is not None else pipe
            fault = self._fault(at, f"can't give argument to non-function {first}")
            fault.last = first
            return self._after(None if final is None else final.text, final, fault)
        if isinstance(first, nodes.Pipe):
            return self._parenthesized(first)
        if isinstance(first, nodes.Variable):
            return self._variable(first)
        if isinstance(first, nodes.Dot):
            return Value(self.dot, first, FIXED)
        if isinstance(first, nodes.Nil):
            return self._fault(first, "nil is not a command")
        assert isinstance(first, nodes.Constant)
        return self._constant(first, "interface {}")

    def _constant(self, node: nodes.Constant, type_: str) -> Value:
        try:
            value = arguments.constant(node.text, node.value, node.number, type_)
        except arguments.ArgumentError as error:
            return self._fault(node, str(error))
        if value.__class__ in (str, bool, int, float, complex):
            return Value(repr(value), node, FIXED, 1, is_text=value.__class__ is str)
        return Value(f"{value.__class__.__name__}({int(value)})", node, FIXED, 1)

    def _parenthesized(self, pipe: nodes.Pipe) -> Value:
        """A pipeline within another; in a function of its own, where too many are within each other."""
        if self._open <= MAX_OPEN:
            self._open += 1
            value = self.pipe(pipe)
            self._open -= 1
            return value
        if not self.listed:
            raise TooDeepError
        self._parts += 1
        name = f"v{self._parts}"
        call = self._call_of(name)
        opened, self._open = self._open, 0
        outer, dot = self._begin(name)
        value = self.pipe(pipe)
        self.function.add(f"return ({value.text})")
        self._finish(outer, dot)
        self._open = opened
        return Value(call, value.last, ASSIGNING, 1)

    # -- operands

    def _operand(self, node: Node) -> tuple[Value, bool]:
        """A value as an argument, and whether its nil is a nil interface."""
        if (fields := self._selected(node)) is not None:
            return self._fields(fields), True
        if isinstance(node, nodes.Variable):
            return self._variable(node), node.ranged
        if isinstance(node, nodes.Dot):
            return Value(self.dot, node, FIXED), self.ranged
        if isinstance(node, nodes.Pipe):
            return self._parenthesized(node), False
        assert isinstance(node, nodes.Identifier)
        return self._call(node, node, [], None), functions.find(node.name).gives is Any

    def _argument(self, node: Node, type_: str) -> Value:
        """An argument of a call, of the type that its parameter has."""
        if (taken := self._taken(node, "" if arguments.is_free(type_) else type_)) is not None:
            return taken
        if isinstance(node, nodes.Constant):
            return self._constant(node, type_)
        if isinstance(node, nodes.Nil):
            try:
                value = arguments.nil(type_)
            except arguments.ArgumentError as error:
                return self._fault(node, str(error))
            return Value("None" if value is None else f"checked({type_!r}, None, False)", node, FIXED, 1)
        found, interface = self._operand(node)
        return self._checked(found, type_, found.last, interface=interface)

    def _checked(self, value: Value, type_: str, last: Node, *, interface: bool) -> Value:
        """A value that must be an argument of a type; `interface`: its nil is a nil interface."""
        if _fits(value, type_):
            return value
        check = "string(" if type_ == "string" else f"checked({type_!r}, "
        text = f"{self.source.line(self.base, last)}{check}{value.text}, {interface})"
        return Value(text, last, max(COMPUTED, value.kind), value.deep + 1, is_text=type_ == "string")

    # -- calls

    def _call(self, node: nodes.Identifier, command: Node, args: list[Node], final: Value | None) -> Value:
        """A call of a function; its own errors are told at the command, those before its arguments at its name."""
        name = node.name
        function = functions.find(name)
        wrong = wrong_number(function, name, len(args), piped=final is not None)
        if wrong:
            fault = self._fault(node, wrong)
            return self._after(None if final is None else final.text, final, fault)
        if name in ("and", "or"):
            return self._short_circuit(name, node, args, final)
        params = function.params
        line = self.source.line(self.base, None, command, name)
        self._open += 3
        given = [self._argument(arg, params[min(i, len(params) - 1)]) for i, arg in enumerate(args)]
        self._open -= 3
        last = given[-1].last if given else node
        called = _METHODS.get(name) or f"f_{name}"
        first = None
        if final is not None:
            piped, type_ = final, params[min(len(args), len(params) - 1)]
            if not _comes_first(final, given):
                given.append(self._checked(piped, type_, last, interface=False))
            elif name in _METHODS or function.wants_run or not _fits(final, type_):
                first, piped = self._kept(final)
                given.append(self._checked(piped, type_, last, interface=False))
            else:
                called = f"g_{name}"
                given.insert(0, final)
        texts = [value.text for value in given]
        if name == "len" and (final is not None or not self._is_interface(args[0])):
            texts[0] = f"valid({texts[0]})"
        if name not in _METHODS:
            self.called.add(called)
            if function.wants_run:
                texts.insert(0, "run")
        made = self._composed(f"{line}{called}({', '.join(texts)})", last, given, is_text=function.gives is str)
        return self._after(first, final, made)

    def _is_interface(self, node: Node) -> bool:
        """Whether nil would be a nil interface where this node is an argument (`_operand`)."""
        if isinstance(node, nodes.Variable):
            return bool(node.names) or node.ranged
        return isinstance(node, nodes.Field | nodes.Chain) or (isinstance(node, nodes.Dot) and self.ranged)

    def _composed(self, text: str, last: Node, parts: list[Value], *, is_text: bool = False) -> Value:
        """What is computed of parts."""
        kind, deep = COMPUTED, 0
        for part in parts:
            kind, deep = max(kind, part.kind), max(deep, part.deep)
        return Value(text, last, kind, deep + 1, is_text=is_text)

    def _short_circuit(self, name: str, node: Node, args: list[Node], final: Value | None) -> Value:
        """`and` and `or`, which are Python's: what comes after the deciding argument is not evaluated."""
        self._open += 1
        given = [self._argument(arg, "reflect.Value") for arg in args]
        self._open -= 1
        last = given[-1].last if given else node
        first = None
        if final is not None:
            piped = final
            if final.kind == ASSIGNING or (given and final.kind != FIXED):
                first, piped = self._kept(final)
            given.append(piped)
        made = self._composed(f"({f' {name} '.join(value.text for value in given)})", last, given)
        return self._after(first, final, made)

    # -- functions

    def _call_of(self, name: str) -> str:
        """A call of a function that is written apart."""
        return f"{self.source.line(0, continues=True)}{name}(run, out, depth, {self.dot}, x)"

    def _begin(self, name: str) -> tuple[Function, str]:
        """Write into a function of its own, where dot is `d`; it shares the list of variables. What `_finish` needs."""
        outer = self.function, self.dot
        self.function, self.dot = Function(f"def {name}(run, out, depth, d, x):"), "d"
        return outer

    def _finish(self, outer: Function, dot: str) -> None:
        """Write on where it was before."""
        self.source.finish(self.function)
        self.function, self.dot = outer, dot

    # -- fields

    def _path(self, names: Sequence[str], interface: bool, what: str) -> str:
        """The name of what takes fields of fields of a value (paths.py)."""
        found = self.paths.setdefault((tuple(names), interface, what), len(self.paths))
        return f"p{found}"

    def _taken(self, node: Node, what: str) -> Value | None:
        """The fields that a node takes of dot or of a variable, and what is made of their value (paths.py); None for others."""
        if node.__class__ is nodes.Field:
            receiver, interface = self.dot, self.ranged
        elif node.__class__ is nodes.Variable and node.names and node.slot != nodes.UNDEFINED:
            receiver, interface = self.variable(node.slot), node.ranged
        else:
            return None
        line = self.source.line(self.base, node, node)
        path = self._path(node.names, interface, what)
        return Value(f"{line}{path}({receiver})", node, COMPUTED, 1, is_text=what in (PRINTED, "string"))

    def _selected(self, node: Node) -> Fields | None:
        """The fields that a node takes; None where it takes none."""
        if isinstance(node, nodes.Field):
            return Fields(node, Value(self.dot, node, FIXED), node.names, interface=self.ranged)
        if isinstance(node, nodes.Variable) and node.names:
            return Fields(node, self._variable(node), node.names, interface=node.ranged)
        if isinstance(node, nodes.Chain):
            self._open += 1
            receiver, interface = self._operand(node.node)
            self._open -= 1
            return Fields(node, receiver, node.names, interface=interface)
        return None

    def _fields(self, fields: Fields) -> Value:
        """Their value: methods among them have no arguments."""
        receiver = fields.receiver
        line = self.source.line(self.base, receiver.last, fields.node)
        path = self._path(fields.names, fields.interface, "")
        return self._composed(f"{line}{path}({receiver.text})", receiver.last, [receiver])

    def _method(self, fields: Fields, args: list[Node], final: Value | None) -> Value:
        """Their value where the last of them is a method with arguments."""
        source, base = self.source, self.base
        node, receiver, (*path, name) = fields.node, fields.receiver, fields.names
        last = receiver.last
        if path:
            receiver = self._fields(Fields(node, receiver, path, interface=fields.interface))
        first, piped = (None, None) if final is None else self._kept(final)
        known = bool(path) or fields.interface
        found = self.function.register()
        line = source.line(base, last)
        asked = f"{line}method(run, {receiver.text}, {name!r}, {known}, {len(args)}, {piped is not None})"
        line = source.line(base, None, node, name)
        inner: Node = last
        given = []
        self._open += 5
        for i, arg in enumerate(args):
            given.append(self._passed(found, i, arg))
            inner = given[-1].last
        self._open -= 5
        texts = [value.text for value in given]
        if piped is not None:
            texts.append(f"{source.line(base, inner)}passed({found}, {len(args)}, {piped.text}, False)")
        call = f"{line}limited({found}.call({', '.join(texts)}))"
        result = args[-1] if args else last
        made = self._composed(f"(None if ({found} := {asked}) is None else {call})", result, [receiver, *given])
        made.deep += 3
        return self._after(first, final, made)

    def _passed(self, found: str, position: int, arg: Node) -> Value:
        """An argument of a method, whose type is known when it is called."""
        if isinstance(arg, nodes.Constant):
            line = self.source.line(self.base, arg)
            text = f"{line}literal({found}, {position}, {arg.text!r}, {arg.value!r}, {arg.number!r})"
            return Value(text, arg, COMPUTED, 3)
        if isinstance(arg, nodes.Nil):
            return Value(f"{self.source.line(self.base, arg)}nil({found}, {position})", arg, COMPUTED, 1)
        value, interface = self._operand(arg)
        line = self.source.line(self.base, value.last)
        return self._composed(f"{line}passed({found}, {position}, {value.text}, {interface})", value.last, [value])


def _fits(value: Value, type_: str) -> bool:
    """Whether a value surely can be an argument of a type."""
    return arguments.is_free(type_) or (value.is_text and type_ == "string")


def _comes_first(final: Value, given: list[Value]) -> bool:
    """Whether what is piped into a call must be evaluated before its arguments."""
    if final.kind == FIXED or not given:
        return False
    most = max([value.kind for value in given])
    return most == ASSIGNING or (most == COMPUTED and final.kind != VARIABLE) or (most == VARIABLE and final.kind == ASSIGNING)


#: Functions that are methods of the run.
_METHODS: dict[str, str] = {"include": "run.include", "tpl": "run.tpl"}
