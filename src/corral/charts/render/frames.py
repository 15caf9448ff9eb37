"""What closures run on: the frame of one execution of a template, and how a failure at a node is told."""

from collections.abc import Callable

from corral.base.annotations import Any, NoReturn
from corral.charts.render.errors import ExecError
from corral.charts.render.nodes import Node, Tree
from corral.charts.render.strconv import quote

Code = Callable[["Frame", Any], Any]
#: Evaluates, and the node where errors are told that come after it.
Evaluator = tuple[Code, Node]


class Frame:
    """One execution of one template: its variables ($ first) and where its output goes."""

    __slots__ = ("depth", "out", "run", "tree", "variables", "write")

    def __init__(self, run: Any, tree: Tree, dot: Any, out: list[str], depth: int) -> None:
        self.run = run
        self.tree = tree
        self.out = out
        self.write = out.append
        self.depth = depth
        self.variables = [dot] + [None] * (tree.slots - 1)


class NodeError(Exception):
    """A failure at a node; where the node is, the step that it belongs to knows."""

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.node = node


def fail(node: Node, message: str) -> NoReturn:
    """Raise the NodeError of a node."""
    raise NodeError(node, message)


def told(error: NodeError, tree: Tree, base: int) -> ExecError:
    """What is told of a failure in a tree, in an action that begins at `base`."""
    line, column = tree.file.place(base + error.node.pos)
    context = f"executing {quote(tree.name)} at <{error.node}>"
    return ExecError(f"template: {tree.file.name}:{line}:{column}: {context}: {error}", tree.file.name, line, column)
