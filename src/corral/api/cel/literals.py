"""Faults of literal arguments, found before there is a value: durations, timestamps and patterns that cannot be read."""

from collections.abc import Iterator

from corral.api import regexes
from corral.api.cel import times
from corral.api.cel.check import Checked
from corral.api.cel.errors import EvaluationError
from corral.api.cel.syntax import Call, ListLiteral, Literal, Macro, MapLiteral, Node, Select, StructLiteral


def check_literals(root: Node, _checked: Checked) -> list[tuple[int, str]]:
    """Places and reasons."""
    faults = []
    for node in nodes(root):
        if isinstance(node, Call):
            why = _fault(node)
            if why:
                faults.append((node.args[-1].at, why))
    return faults


def _fault(call: Call) -> str:
    last = call.args[-1] if call.args else None
    if not isinstance(last, Literal) or not isinstance(last.value, str):
        return ""
    try:
        if call.function == "duration":
            times.parse_duration(last.value)
        elif call.function == "timestamp":
            times.parse_timestamp(last.value)
        elif call.function == "matches":
            regexes.compiled(last.value)
    except (EvaluationError, regexes.RegexError):
        return f"invalid {call.function} argument"
    return ""


def parts(node: Node) -> list[Node]:
    """The nodes right below one."""
    match node:
        case Select():
            return [node.operand]
        case Call():
            return ([node.target] if node.target is not None else []) + node.args
        case ListLiteral():
            return node.items
        case MapLiteral():
            return [part for entry in node.entries for part in entry]
        case StructLiteral():
            return [value for _, value in node.fields]
        case Macro():
            return [node.over, *node.bodies]
    return []


def nodes(root: Node) -> Iterator[Node]:
    """All nodes, the root first."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(parts(node))
