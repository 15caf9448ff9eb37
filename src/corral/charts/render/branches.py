"""Which branches of a template are compiled only when they are first taken: charts have many that never are.

Such a branch is a function of its own. It is given the variables that it reads, so it must not assign any of them, nor leave a
range that is around it.
"""

from corral.base.annotations import Final, Iterable
from corral.charts.render import nodes
from corral.charts.render.nodes import Node

#: A branch with fewer nodes in it is compiled together with what is around it.
MIN_NODES: Final = 6
_WITH_PIPES = (nodes.Action, nodes.Invocation)


def is_large(body: list[Node]) -> bool:
    """Whether it is worth while to leave a branch until it is taken."""
    return _count(body, MIN_NODES) >= MIN_NODES


def _count(body: list[Node], enough: int) -> int:
    count = 0
    for node in body:
        if isinstance(node, nodes.Branch):
            count += 1 + _count(node.body, enough) + _count(node.otherwise or [], enough)
        elif node.__class__ is not nodes.Text:
            count += 1
        if count >= enough:
            break
    return count


def read_by(body: list[Node]) -> list[int] | None:
    """The variables from around it that a branch reads, by their slots; None where it does more than to read."""
    found = _Reading()
    return sorted(found.read) if found.body(body, in_range=False) else None


class _Reading:
    """What is known of a branch that is looked through."""

    def __init__(self) -> None:
        self.read: set[int] = set()
        self._own: set[int] = {nodes.UNDEFINED}

    def body(self, body: Iterable[Node], *, in_range: bool) -> bool:
        """Look through a body; whether it only reads."""
        for node in body:
            if isinstance(node, nodes.Text):
                continue
            if isinstance(node, nodes.Leave):
                if not in_range:
                    return False
            elif isinstance(node, nodes.Branch):
                inside = in_range or node.kind == "range"
                if not (self._pipe(node.pipe) and self.body(node.body, in_range=inside)):
                    return False
                # What is executed instead of a range is not in it.
                if not self.body(node.otherwise or (), in_range=in_range):
                    return False
            elif isinstance(node, _WITH_PIPES) and not (node.pipe is None or self._pipe(node.pipe)):
                return False
        return True

    def _pipe(self, pipe: nodes.Pipe) -> bool:
        if not pipe.has_variables:
            return True
        for command in pipe.commands:
            for node in command.args:
                if not self._operand(node):
                    return False
        slots = {variable.slot for variable in pipe.declared}
        if pipe.assigns:
            return slots <= self._own
        self._own |= slots
        return True

    def _operand(self, node: Node) -> bool:
        while isinstance(node, nodes.Chain):
            node = node.node
        if isinstance(node, nodes.Pipe):
            return self._pipe(node)
        if isinstance(node, nodes.Variable) and node.slot not in self._own:
            self.read.add(node.slot)
        return True
