"""Calls that are macros: `has(e.f)` and the comprehensions, with one variable or two.

https://github.com/google/cel-spec/blob/master/doc/langdef.md#macros,
https://pkg.go.dev/github.com/google/cel-go/ext#TwoVarComprehensions
"""

from corral.api.cel.errors import FaultError
from corral.api.cel.syntax import Call, Ident, Macro, Node, Select

#: The name, and of how many variables and of how many bodies it is made for each count of arguments.
_COMPREHENSIONS: dict[str, dict[int, tuple[int, int]]] = {
    "all": {2: (1, 1), 3: (2, 1)},
    "exists": {2: (1, 1), 3: (2, 1)},
    "exists_one": {2: (1, 1)},
    "existsOne": {2: (1, 1), 3: (2, 1)},
    "map": {2: (1, 1), 3: (1, 2)},
    "filter": {2: (1, 1)},
    "transformList": {3: (2, 1), 4: (2, 2)},
    "transformMap": {3: (2, 1), 4: (2, 2)},
    "transformMapEntry": {3: (2, 1), 4: (2, 2)},
    "optMap": {2: (1, 1)},
    "optFlatMap": {2: (1, 1)},
}


def expanded(call: Call, *, bindings: bool = False) -> Node:
    """The call, or what it stands for if it is a macro. `bindings`: `cel.bind(x, value, e)` is one. Raises FaultError."""
    if bindings and call.function == "bind" and isinstance(call.target, Ident) and call.target.name == "cel":
        return _binding(call)
    if call.target is None:
        return _presence(call) if call.function == "has" and len(call.args) == 1 else call
    shape = _COMPREHENSIONS.get(call.function, {}).get(len(call.args))
    if shape is None:
        return call
    names = []
    for arg in call.args[: shape[0]]:
        if not isinstance(arg, Ident):
            raise FaultError(arg.at, "argument must be a simple name")
        if arg.name in names:
            raise FaultError(arg.at, f"duplicate variable name: {arg.name}")
        names.append(arg.name)
    name = "exists_one" if call.function == "existsOne" else call.function
    return Macro(call.at, name, call.target, names, call.args[shape[0] :])


def _binding(call: Call) -> Node:
    if len(call.args) != 3:
        return call
    name, value, body = call.args
    if not isinstance(name, Ident):
        raise FaultError(name.at, "cel.bind() variable names must be simple identifiers")
    return Macro(call.at, "bind", value, [name.name], [body])


def _presence(call: Call) -> Node:
    arg = call.args[0]
    if not isinstance(arg, Select) or arg.test or arg.optional:
        raise FaultError(arg.at, "invalid argument to has() macro")
    return Select(call.at, arg.operand, arg.name, test=True)
