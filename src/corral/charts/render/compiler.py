"""Trees to closures: what text/template's executor does node by node is decided here once, when a template is first executed.

A closure takes the frame (the variables and the output of one execution of one template) and the dot. Go tells an error at the
node that its executor came to last; which one that is, is known beforehand, so closures carry it instead of noting every step.

Go knows two kinds of nil: no value at all, and an interface without one (a missing key, a null in a list). Only errors
and `.a.b` of a missing `.a` show the difference. Both are None here; the compiler knows which by where a value is from.
"""

from corral.base.annotations import Any
from corral.charts.render import access, arguments, nodes, steps
from corral.charts.render.calls import Caller
from corral.charts.render.frames import Code, Evaluator, Frame, NodeError, fail, told
from corral.charts.render.functions import Function
from corral.charts.render.gotypes import Struct, Values
from corral.charts.render.nodes import Node, Tree
from corral.charts.render.strconv import quote

MAX_TEMPLATE_DEPTH = 100_000
_MAPS = (dict, Values)


def execute(run: Any, tree: Tree, dot: Any, out: list[str], depth: int = 0) -> None:
    """Execute a template. Raises ExecError."""
    code = tree.compiled
    if code is None:
        code = tree.compiled = Compiler(tree).body(tree.body, ranged=False)
    code(Frame(run, tree, dot, out, depth), dot)


class Compiler:
    """Makes the closures of one tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        #: Whether dot is an element of a list or a map here: its nil is then a nil interface.
        self._ranged = False

    # -- what prints

    def body(self, body: list[Node], *, ranged: bool) -> Code:
        """A list of nodes; its code returns "break" or "continue" if it was left that way."""
        outer, self._ranged = self._ranged, ranged
        made: list[Code] = []
        leaves = False
        pending = ""
        for node in body:
            if isinstance(node, nodes.Text):
                pending += node.text
                continue
            if isinstance(node, nodes.Action) and not node.pipe.declared:
                made.append(steps.printing(pending, self.shared(node.pipe)[0], self._tree, node.base))
                pending = ""
                continue
            if pending:
                made.append(steps.writing(pending))
                pending = ""
            made.append(self._step(node))
            leaves = leaves or isinstance(node, nodes.Leave | nodes.Branch)
        if pending:
            made.append(steps.writing(pending))
        self._ranged = outer
        return steps.leaving(made) if leaves else steps.sequence(made)

    def _step(self, node: Node) -> Code:
        if isinstance(node, nodes.Action):
            return steps.silent(self.shared(node.pipe)[0], self._tree, node.base)
        if isinstance(node, nodes.Branch):
            if node.kind == "range":
                return self._range(node)
            return self._if(node) if node.kind == "if" else self._with(node)
        if isinstance(node, nodes.Invocation):
            return self._invocation(node)
        assert isinstance(node, nodes.Leave)
        kind = node.kind
        return lambda frame, dot: kind

    def _if(self, node: nodes.Branch) -> Code:
        condition = self.shared(node.pipe)[0]
        tree, base = self._tree, node.base
        body = self.body(node.body, ranged=self._ranged)
        otherwise = None if node.otherwise is None else self.body(node.otherwise, ranged=self._ranged)

        def run(frame: Frame, dot: Any) -> Any:
            try:
                value = condition(frame, dot)
            except NodeError as error:
                raise told(error, tree, base) from None
            if value or isinstance(value, Struct):
                return body(frame, dot)
            return otherwise(frame, dot) if otherwise is not None else None

        return run

    def _with(self, node: nodes.Branch) -> Code:
        condition = self.shared(node.pipe)[0]
        tree, base = self._tree, node.base
        body = self.body(node.body, ranged=False)
        otherwise = None if node.otherwise is None else self.body(node.otherwise, ranged=self._ranged)

        def run(frame: Frame, dot: Any) -> Any:
            try:
                value = condition(frame, dot)
            except NodeError as error:
                raise told(error, tree, base) from None
            if value or isinstance(value, Struct):
                return body(frame, value)
            return otherwise(frame, dot) if otherwise is not None else None

        return run

    def _range(self, node: nodes.Branch) -> Code:
        values, last = self.shared(node.pipe)
        slots = [variable.slot for variable in node.pipe.declared]
        element_slot = slots[-1] if slots else -1
        key_slot = slots[0] if len(slots) > 1 else -1
        body = self.body(node.body, ranged=True)
        otherwise = None if node.otherwise is None else self.body(node.otherwise, ranged=self._ranged)
        tree, base = self._tree, node.base

        def run(frame: Frame, dot: Any) -> Any:
            try:
                value = values(frame, dot)
                entries = () if value is None else steps.entries(value, last)
            except NodeError as error:
                raise told(error, tree, base) from None
            if value:
                tick, variables = frame.run.tick, frame.variables
                for key, element in entries:
                    tick(frame)
                    if element_slot >= 0:
                        variables[element_slot] = element
                        if key_slot >= 0:
                            variables[key_slot] = key
                    if body(frame, element) == "break":
                        break
                return None
            return otherwise(frame, dot) if otherwise is not None else None

        return run

    def _invocation(self, node: nodes.Invocation) -> Code:
        data = None if node.pipe is None else self.pipe(node.pipe)[0]
        name, tree = node.name, self._tree

        def run(frame: Frame, dot: Any) -> None:
            try:
                found = frame.run.templates.get(name)
                if found is None:
                    fail(node, f"template {quote(name)} not defined")
                if frame.depth >= frame.run.max_template_depth:
                    fail(node, f"exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})")
                frame.run.tick(frame)
                value = None if data is None else data(frame, dot)
            except NodeError as error:
                raise told(error, tree, 0) from None
            execute(frame.run, found, value, frame.out, frame.depth + 1)

        return run

    # -- what has a value

    def shared(self, pipe: nodes.Pipe) -> Evaluator:
        """`pipe`, made once for all places where it stands."""
        made: Evaluator | None = pipe.compiled.get(self._ranged)
        if made is None:
            made = pipe.compiled[self._ranged] = self.pipe(pipe)
        return made

    def pipe(self, pipe: nodes.Pipe) -> Evaluator:
        """The value of a pipeline, put into its variables."""
        code: Code | None = None
        last: Node = pipe
        for command in pipe.commands:
            code, last = self._command(command, code, last)
        assert code is not None
        if not pipe.declared:
            return code, last
        value = code
        slots = tuple(variable.slot for variable in pipe.declared)
        if len(slots) == 1:
            slot = slots[0]

            def put(frame: Frame, dot: Any) -> Any:
                frame.variables[slot] = made = value(frame, dot)
                return made

            return put, last

        def put_all(frame: Frame, dot: Any) -> Any:
            made = value(frame, dot)
            for slot in slots:
                frame.variables[slot] = made
            return made

        return put_all, last

    def _command(self, command: nodes.Command, final: Code | None, final_last: Node) -> Evaluator:
        first = command.args[0]
        args = command.args[1:]
        if isinstance(first, nodes.Identifier):
            return Caller(self).function(first, command, args, final)
        if isinstance(first, nodes.Field):
            return self._fields(first, None, first.names, first, self._ranged, args, final)
        if isinstance(first, nodes.Variable) and first.names:
            return self._fields(first, steps.variable(first.slot), first.names, first, first.ranged, args, final)
        if isinstance(first, nodes.Chain):
            return self._chain(first, args, final)
        last: Node = first
        if isinstance(first, nodes.Pipe):
            code, last = self.pipe(first)
        elif isinstance(first, nodes.Variable):
            code = steps.variable(first.slot)
        elif isinstance(first, nodes.Dot):
            code = steps.dot
        elif isinstance(first, nodes.Nil):
            code = self._failing(first, "nil is not a command")
        else:
            assert isinstance(first, nodes.Constant)
            code = self._constant(first, "interface {}")
        if args or final is not None:
            at = final_last if isinstance(first, nodes.Pipe) else first
            code = steps.after(final, self._failing(at, f"can't give argument to non-function {first}"))
        return code, last

    def _failing(self, node: Node, message: str) -> Code:

        def run(frame: Frame, dot: Any) -> Any:
            fail(node, message)

        return run

    def _constant(self, node: nodes.Constant, type_: str) -> Code:
        try:
            value = arguments.constant(node, type_)
        except arguments.ArgumentError as error:
            return self._failing(node, str(error))
        return lambda frame, dot: value

    def argument(self, node: Node, type_: str) -> Evaluator:
        """An argument of a call, of the type that its parameter has."""
        if isinstance(node, nodes.Constant):
            return self._constant(node, type_), node
        if isinstance(node, nodes.Nil):
            try:
                value = arguments.nil(type_)
            except arguments.ArgumentError as error:
                return self._failing(node, str(error)), node
            return (lambda frame, dot: value), node
        code, last, interface = self._operand(node)
        if arguments.is_free(type_):
            return code, last
        return self.checking(code, type_, last, interface=interface), last

    def checking(self, code: Code, type_: str, last: Node, *, interface: bool) -> Code:
        """`code`, whose value must be an argument of a type."""
        checked = arguments.checked
        if type_ == "string":

            def run_string(frame: Frame, dot: Any) -> Any:
                value = code(frame, dot)
                if value.__class__ is str:
                    return value
                try:
                    return checked(value, type_, interface=interface)
                except arguments.ArgumentError as error:
                    fail(last, str(error))

            return run_string

        def run(frame: Frame, dot: Any) -> Any:
            value = code(frame, dot)
            try:
                return checked(value, type_, interface=interface)
            except arguments.ArgumentError as error:
                fail(last, str(error))

        return run

    def _operand(self, node: Node) -> tuple[Code, Node, bool]:
        """A value as an argument, the node of errors after it, and whether its nil is a nil interface."""
        if isinstance(node, nodes.Field):
            return (*self._fields(node, None, node.names, node, self._ranged, [], None), True)
        if isinstance(node, nodes.Variable):
            if node.names:
                return (*self._fields(node, steps.variable(node.slot), node.names, node, node.ranged, [], None), True)
            return steps.variable(node.slot), node, node.ranged
        if isinstance(node, nodes.Dot):
            return steps.dot, node, self._ranged
        if isinstance(node, nodes.Pipe):
            return (*self.pipe(node), False)
        if isinstance(node, nodes.Chain):
            return (*self._chain(node, [], None), True)
        assert isinstance(node, nodes.Identifier)
        return (*Caller(self).function(node, node, [], None), True)

    def _chain(self, node: nodes.Chain, args: list[Node], final: Code | None) -> Evaluator:
        if isinstance(node.node, nodes.Nil):
            return self._failing(node, f"indirection through explicit nil in {node}"), node
        code, last, interface = self._operand(node.node)
        return self._fields(node, code, node.names, last, interface, args, final)

    def _fields(
        self,
        node: Node,
        receiver: Code | None,
        names: list[str],
        last: Node,
        interface: bool,
        args: list[Node],
        final: Code | None,
    ) -> Evaluator:
        """`.a.b.c` of a receiver (None: of dot); the last of them may be a method with arguments."""
        if args or final is not None:
            return self._method(node, receiver, names, last, interface, args, final)
        first = names[0]
        rest = tuple(names[1:])
        anything = "interface {}"

        def run(frame: Frame, dot: Any) -> Any:
            value = dot if receiver is None else receiver(frame, dot)
            if value is None and not interface:
                return _no_data(frame, last, first)
            container: Any = None
            for name in names:
                if value.__class__ in _MAPS and name in value:
                    container, value = value, value[name]
                else:
                    static_type = anything if container is None and interface else access.static_type(value, container)
                    container, value = value, _slow(frame, last, node, value, name, static_type)
            return value

        def run_one(frame: Frame, dot: Any) -> Any:
            value = dot if receiver is None else receiver(frame, dot)
            if value.__class__ is dict and first in value:
                return value[first]
            if value is None and not interface:
                return _no_data(frame, last, first)
            return _slow(frame, last, node, value, first, anything if interface else access.static_type(value, None))

        return (run if rest else run_one), last

    def _method(
        self,
        node: Node,
        receiver: Code | None,
        names: list[str],
        last: Node,
        interface: bool,
        args: list[Node],
        final: Code | None,
    ) -> Evaluator:
        caller = Caller(self)
        *path, name = names
        path_code = self._fields(node, receiver, path, last, interface, [], None)[0] if path else receiver or steps.dot
        known = bool(path) or interface
        end = args[-1] if args else last

        def run(frame: Frame, dot: Any) -> Any:
            # What comes through the pipe has been evaluated before.
            piped = None if final is None else steps.fixed(final(frame, dot))
            value = path_code(frame, dot)
            if value is None and not known:
                return _no_data(frame, last, name)
            try:
                found = access.get(value, name, strict=frame.run.strict)
            except access.FieldError as error:
                fail(last, str(error))
            if found.__class__ is not Function:
                what = (
                    "is not a method but has arguments"
                    if isinstance(value, dict)
                    else "has arguments but cannot be invoked as function"
                )
                fail(last, f"{name} {what}")
            return caller.call(found, name, node, last, args, piped)[0](frame, dot)

        return run, end


def _no_data(frame: Frame, node: Node, name: str) -> None:
    """A field of no value at all is no value at all, unless keys must be there."""
    if frame.run.strict:
        fail(node, f"nil data; no entry for key {quote(name)}")


def _slow(frame: Frame, last: Node, node: Node, value: Any, name: str, static_type: str) -> Any:
    """A field of what is no plain map, or a key that is not there."""
    try:
        found = access.get(value, name, strict=frame.run.strict, static_type=static_type)
    except access.FieldError as error:
        fail(last, str(error))
    if found.__class__ is Function:
        return Caller(None).call(found, name, node, last, [], None)[0](frame, None)
    return found
