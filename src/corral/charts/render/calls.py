"""Calls of functions and methods as closures (text/template's evalCall)."""

from collections.abc import Callable

from corral.base.annotations import TYPE_CHECKING, Any
from corral.charts.render import functions, nodes
from corral.charts.render.errors import ExecError, FunctionError
from corral.charts.render.frames import Code, Evaluator, fail
from corral.charts.render.functions import Function
from corral.charts.render.nodes import Node
from corral.charts.render.ordering import truth as _truth
from corral.charts.render.steps import after

if TYPE_CHECKING:
    from corral.charts.render.compiler import Compiler

_FAILURES = (FunctionError, ExecError)
#: What one value may hold at most: characters of a string, elements of a list.
MAX_TEXT = 64 * 1024 * 1024
MAX_LIST = 4_000_000
_LIMITS: dict[type, int] = {str: MAX_TEXT, list: MAX_LIST}


class Caller:
    """Makes the closures of calls; without a compiler, of calls without arguments."""

    def __init__(self, compiler: "Compiler | None") -> None:
        self._compiler = compiler

    def function(self, node: nodes.Identifier, command: Node, args: list[Node], final: Code | None) -> Evaluator:
        """A call of a function by its name."""
        name = node.name
        found = functions.find(name)
        if name in ("and", "or"):
            return self._short_circuit(found, node, args, final)
        return self.call(found, name, command, node, args, final)

    def call(
        self,
        function: Function,
        name: str,
        node: Node,
        last: Node,
        args: list[Node],
        final: Code | None,
    ) -> Evaluator:
        """A call; its own errors are told at `node`, those before its arguments at `last`."""
        wrong = _wrong_number(function, name, len(args), final is not None)
        if wrong:
            return self._failing(last, wrong, final), last
        codes: list[Code] = []
        params = function.params
        compiler = self._compiler
        for i, arg in enumerate(args):
            assert compiler is not None
            code, last = compiler.argument(arg, params[min(i, len(params) - 1)])
            codes.append(code)
        if final is not None:
            type_ = params[min(len(args), len(params) - 1)]
            assert compiler is not None
            code = (
                final if type_ in ("interface {}", "reflect.Value") else compiler.checking(final, type_, last, interface=False)
            )
            return self._closure(function, name, node, codes, code), last
        return self._closure(function, name, node, codes, None), last

    def _failing(self, node: Node, message: str, final: Code | None) -> Code:
        def run(frame: Any, dot: Any) -> Any:
            fail(node, message)

        return after(final, run)

    def _short_circuit(self, function: Function, node: Node, args: list[Node], final: Code | None) -> Evaluator:
        """`and` and `or`: what comes after the deciding argument is not evaluated."""
        name = function.name
        wrong = _wrong_number(function, name, len(args), final is not None)
        if wrong:
            return self._failing(node, wrong, final), node
        codes: list[Code] = []
        last: Node = node
        for arg in args:
            assert self._compiler is not None
            code, last = self._compiler.argument(arg, "reflect.Value")
            codes.append(code)
        wanted = name == "or"
        truth = _truth

        def run(frame: Any, dot: Any) -> Any:
            rest = None if final is None else final(frame, dot)
            value = None
            for code in codes:
                value = code(frame, dot)
                if truth(value) == wanted:
                    return value
            return value if final is None else rest

        return run, last

    def _closure(self, function: Function, name: str, node: Node, codes: list[Code], final: Code | None) -> Code:
        call = function.call
        told = self._told(name, node)
        if function.wants_run:
            return _with_run(call, codes, final, told)
        if final is None:
            return _plain(call, codes, told)
        return _piped(call, codes, final, told)

    def _told(self, name: str, node: Node) -> "Callable[[Exception | None, Any], None]":
        """How a failure of the function is told, and a value that is too large."""

        def tell(error: Exception | None, value: Any = None) -> None:
            if error is None:
                error = FunctionError(f"the result has {len(value)} elements, more than {_LIMITS[value.__class__]}")
            fail(node, f"error calling {name}: {error}")

        return tell


def _wrong_number(function: Function, name: str, given: int, piped: bool) -> str:
    total = given + piped
    wanted = len(function.params)
    if function.variadic:
        if total < wanted - 1:
            return f"wrong number of args for {name}: want at least {wanted - 1} got {given}"
    elif total != wanted:
        return f"wrong number of args for {name}: want {wanted} got {total}"
    return ""


def _plain(call: Callable[..., Any], codes: list[Code], told: Callable[..., None]) -> Code:
    if len(codes) == 1:
        first = codes[0]

        def run_one(frame: Any, dot: Any) -> Any:
            argument = first(frame, dot)
            try:
                value = call(argument)
            except _FAILURES as error:
                told(error)
            limit = _LIMITS.get(value.__class__)
            if limit is not None and len(value) > limit:
                told(None, value)
            return value

        return run_one
    if len(codes) == 2:
        first, second = codes

        def run_two(frame: Any, dot: Any) -> Any:
            one = first(frame, dot)
            two = second(frame, dot)
            try:
                value = call(one, two)
            except _FAILURES as error:
                told(error)
            limit = _LIMITS.get(value.__class__)
            if limit is not None and len(value) > limit:
                told(None, value)
            return value

        return run_two

    def run(frame: Any, dot: Any) -> Any:
        given = [code(frame, dot) for code in codes]
        try:
            value = call(*given)
        except _FAILURES as error:
            told(error)
        limit = _LIMITS.get(value.__class__)
        if limit is not None and len(value) > limit:
            told(None, value)
        return value

    return run


def _piped(call: Callable[..., Any], codes: list[Code], final: Code, told: Callable[..., None]) -> Code:
    if not codes:
        return _plain(call, [final], told)
    if len(codes) == 1:
        first = codes[0]

        def run_one(frame: Any, dot: Any) -> Any:
            two = final(frame, dot)
            one = first(frame, dot)
            try:
                value = call(one, two)
            except _FAILURES as error:
                told(error)
            limit = _LIMITS.get(value.__class__)
            if limit is not None and len(value) > limit:
                told(None, value)
            return value

        return run_one

    def run(frame: Any, dot: Any) -> Any:
        rest = final(frame, dot)
        given = [code(frame, dot) for code in codes]
        try:
            value = call(*given, rest)
        except _FAILURES as error:
            told(error)
        limit = _LIMITS.get(value.__class__)
        if limit is not None and len(value) > limit:
            told(None, value)
        return value

    return run


def _with_run(call: Callable[..., Any], codes: list[Code], final: Code | None, told: Callable[..., None]) -> Code:
    if len(codes) + (final is not None) == 2:
        return _with_run_of_two(call, codes[0], codes[1] if final is None else final, told, piped=final is not None)

    def run(frame: Any, dot: Any) -> Any:
        rest = () if final is None else (final(frame, dot),)
        given = [code(frame, dot) for code in codes]
        try:
            return call(frame.run, *given, *rest)
        except _FAILURES as error:
            told(error)

    return run


def _with_run_of_two(call: Callable[..., Any], first: Code, second: Code, told: Callable[..., None], *, piped: bool) -> Code:
    """include and tpl: called without a star, as only then the interpreter needs no stack of C's for templates in templates."""

    def run(frame: Any, dot: Any) -> Any:
        if piped:
            two = second(frame, dot)
            one = first(frame, dot)
        else:
            one = first(frame, dot)
            two = second(frame, dot)
        try:
            return call(frame.run, one, two)
        except _FAILURES as error:
            told(error)

    return run
