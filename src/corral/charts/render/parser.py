"""Go's template parser: tokens to trees (text/template/parse/parse.go, Go 1.18).

From later versions of Go come `{{else with}}` and ranges over integers (executed in `compiler`), which a Helm of today has.
"""

from corral.base.annotations import Any, Callable
from corral.charts.render import nodes, strconv
from corral.charts.render.actions import Actions
from corral.charts.render.errors import ParseError
from corral.charts.render.lexer import lex
from corral.charts.render.nodes import Node, Tree
from corral.charts.render.pipelines import Pipelines, Variables, Watched
from corral.charts.render.scanner import Token

__all__ = ["Actions", "parse"]


def parse(name: str, text: str, actions: Actions) -> dict[str, Tree]:
    """The templates that a text defines, by name: its own under `name`, the others from define and block. Raises ParseError."""
    try:
        return _Parser(name, text, actions, lex(text, actions.prepare)).parse()
    except ParseError:
        # Read with care, it is known where it is.
        return _Parser(name, text, actions, Watched(lex(text))).parse()


class _Parser(Pipelines):
    """Reads templates."""

    def __init__(self, name: str, text: str, actions: Actions, tokens: list[Token]) -> None:
        super().__init__(name, text, actions.functions, tokens)
        self._actions = actions
        self._trees: dict[str, Tree] = {}

    # -- templates

    def parse(self) -> dict[str, Tree]:
        """All templates of the text."""
        body, end = self._body(top=True)
        if end != "EOF":
            self._fail(f"unexpected {{{{{end}}}}}")
        self._add(self._name, body, self._scope.slots)
        return self._trees

    def _body(self, *, top: bool = False) -> tuple[list[Node], str]:
        """Nodes up to {{end}}, {{else}} or the end of the text, and which it is; on the way, definitions at the top."""
        body: list[Node] = []
        while True:
            token = self._tokens[self._at]
            kind = token[0]
            if kind == "eof":
                return body, "EOF"
            self._at += 1
            if kind == "text":
                body.append(nodes.Text(token[2], token[1]))
                continue
            if kind == "prepared":
                prepared: Any = token[1]
                if prepared.everywhere and prepared.kind == "action":
                    body.append(nodes.Action(token[2], prepared.pipe, token[2]))
                    continue
                node = self._prepared(token)
            elif kind != "left":
                self._unexpected(token, "input")
            elif top and self._peek()[0] == "define":
                self._at += 1
                self._definition()
                continue
            else:
                self._action_pos = token[2]
                node = self._action()
                self._action_pos = None
            if isinstance(node, str):
                return body, node
            body.append(node)

    def _add(self, name: str, body: list[Node], slots: int) -> None:
        tree = Tree(name, body, slots)
        known = self._trees.get(name)
        if known is None or known.empty:
            tree.contended = known is not None
            self._trees[name] = tree
        elif tree.empty:
            known.contended = True
        else:
            self._fail(f"template: multiple definition of template {strconv.quote(name)}")

    def _definition(self) -> None:
        context = "define clause"
        name = self._unquoted(self._expect(("string", "raw"), context))
        self._expect(("close",), context)
        self._inner(name, context)

    def _inner(self, name: str, context: str) -> None:
        """The template that a define or a block holds, up to its end."""
        outer, self._scope = self._scope, Variables()
        body, end = self._list()
        if end != "end":
            self._fail(f"unexpected {{{{{end}}}}} in {context}")
        self._add(name, body, self._scope.slots)
        self._scope = outer

    def _list(self) -> tuple[list[Node], str]:
        """Nodes up to {{end}} or {{else}}, and which it is."""
        self._nest()
        body, end = self._body()
        if end == "EOF":
            self._fail("unexpected EOF")
        self._depth -= 1
        return body, end

    def _prepared(self, token: Token) -> Node | str:
        action: Any = token[1]
        if action.pipe is None:
            return str(action.kind)
        if action.kind != "action":
            return self._branch(token, action)
        return nodes.Action(token[2], self._placed(action).pipe, token[2])

    def _placed(self, action: Any) -> Any:
        """An action with the slots that its variables have here: the same one, if it is new or they are those that it has."""
        if action.everywhere:
            return action
        scope, pipe = self._scope, action.pipe
        slots = [self._known(variable) for variable in action.used]
        for variable in pipe.declared:
            if pipe.assigns:
                slots.append((self._known(variable)[0], False))
            else:
                is_element = action.kind == "range" and variable is pipe.declared[-1] and pipe.has_anything
                slots.append((scope.declare(variable.name, ranged=is_element), False))
        if action.slots != slots:
            if action.slots:
                action = self._actions.again(action.text)
            action.place(slots)
        return action

    def _known(self, variable: nodes.Variable) -> tuple[int, bool]:
        return self._scope.find(variable.name) or self._fail(f"undefined variable {strconv.quote(variable.name)}")

    def _action(self) -> Node | str:
        token = self._peek()
        control = _CONTROLS.get(token[0])
        if control is not None:
            self._at += 1
            return control(self, token)
        return nodes.Action(token[2], self._pipeline("command", "close"))

    # -- control

    def _end(self, token: Token) -> str:
        self._expect(("close",), "end")
        return "end"

    def _else(self, token: Token) -> str:
        if self._peek()[0] not in ("if", "with"):
            self._expect(("close",), "else")
        return "else"

    def _leave(self, token: Token) -> Node:
        kind = token[0]
        self._expect(("close",), f"{{{{{kind}}}}}")
        if not self._scope.ranges:
            self._fail(f"{{{{{kind}}}}} outside {{{{range}}}}")
        return nodes.Leave(token[2], kind)

    def _branch(self, token: Token, action: Any = None) -> Node:
        scope = self._scope
        mark = len(scope.names)
        if action is None:
            base, kind = 0, token[0]
            pipe = self._pipeline(kind, "close")
        else:
            base, kind, pipe = token[2], action.kind, self._placed(action).pipe
        inner = len(scope.names)
        if kind == "range":
            scope.ranges += 1
        body, end = self._list()
        if kind == "range":
            scope.ranges -= 1
        otherwise: list[Node] | None = None
        if end == "else":
            scope.leave(inner)
            following = self._peek()
            if following[0] == kind != "range":
                self._at += 1
                otherwise = [self._branch(following)]
            elif following[0] in ("if", "with"):
                self._next()
                self._unexpected(following, "else" if kind == "range" else "input")
            else:
                otherwise, end = self._list()
                if end != "end":
                    self._fail(f"expected end; found {{{{{end}}}}}")
        del scope.names[mark:]
        return nodes.Branch(base, kind, pipe, body, otherwise)

    def _block(self, token: Token) -> Node:
        context = "block clause"
        token = self._expect(("string", "raw"), context)
        name = self._unquoted(token)
        pipe = self._pipeline(context, "close")
        self._inner(name, context)
        return nodes.Invocation(token[2], name, pipe)

    def _template(self, token: Token) -> Node:
        context = "template clause"
        token = self._expect(("string", "raw"), context)
        name = self._unquoted(token)
        pipe = None
        if self._peek()[0] == "close":
            self._at += 1
        else:
            pipe = self._pipeline(context, "close")
        return nodes.Invocation(token[2], name, pipe)


_CONTROLS: dict[str, Callable[[_Parser, Token], Node | str]] = {
    "end": _Parser._end,
    "else": _Parser._else,
    "break": _Parser._leave,
    "continue": _Parser._leave,
    "if": _Parser._branch,
    "with": _Parser._branch,
    "range": _Parser._branch,
    "block": _Parser._block,
    "template": _Parser._template,
}
