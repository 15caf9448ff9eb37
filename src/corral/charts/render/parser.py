"""Go's template parser: tokens to trees (text/template/parse/parse.go, Go 1.18).

From later versions of Go come `{{else with}}` and ranges over integers (executed in `compiler`), which a Helm of today has.
"""

from collections.abc import Callable, Container, Sequence

from corral.base.annotations import Any, Final, NoReturn
from corral.base.patterns import pattern
from corral.charts.render import nodes, numbers, strconv
from corral.charts.render.errors import ParseError
from corral.charts.render.lexer import KEYWORDS, SPACE, Token, action_tokens, lex
from corral.charts.render.nodes import Node, Tree

_TERMS: Final = frozenset(
    ["bool", "char", "complex", "dot", "field", "identifier", "number", "nil", "raw", "string", "variable", "open"],
)
#: So many actions are kept.
MAX_ACTIONS: Final = 20_000
_BY_PLACE: Final = frozenset(["define", "block", "break", "continue", "else", "end", "template"])
#: How deep pipelines and blocks may nest: what no person writes, and what the interpreter's stack carries.
MAX_NESTING: Final = 2000

#: Actions that name a variable mean what their place makes of it; these words open what is more than a pipeline.
_VARIABLE = pattern(r"\$\w")
_FIRST_WORD = pattern("[a-z]*")


def parse(name: str, text: str, actions: "Actions") -> dict[str, Tree]:
    """The templates that a text defines, by name: its own under `name`, the others from define and block. Raises ParseError."""
    try:
        return _Parser(name, text, actions.functions, lex(text, actions.prepare)).parse()
    except ParseError:
        # Read with care, it is known which token was the last to be looked at: that is the line which errors name.
        return _CarefulParser(name, text, actions.functions, lex(text)).parse()


class Actions:
    """Actions by their text: charts say the same things over and over, and each is parsed and compiled once."""

    def __init__(self, functions: Container[str]) -> None:
        self.functions = functions
        self._known: dict[str, nodes.Prepared | None] = {}

    def prepare(self, text: str) -> nodes.Prepared | None:
        """What an action of this text is anywhere; None if its place matters or something is wrong with it."""
        try:
            return self._known[text]
        except KeyError:
            if len(self._known) >= MAX_ACTIONS:
                self._known.clear()
            made = self._known[text] = self._made(text)
            return made

    def _made(self, text: str) -> nodes.Prepared | None:
        word = text.strip(SPACE)
        if word in ("end", "else"):
            return nodes.Prepared(word, None)
        kind = _FIRST_WORD.match(word)[0]  # type: ignore[index]
        if kind in _BY_PLACE or ("$" in text and _VARIABLE.search(text)):
            return None
        whole = f"{{{{{text}}}}}"
        try:
            return _Parser("", whole, self.functions, action_tokens(whole)).action(kind)
        except ParseError:
            return None


class _Scope:
    """The variables of one template while it is parsed: name, slot, and whether a range gives it its values."""

    __slots__ = ("names", "ranges", "slots")

    def __init__(self) -> None:
        self.names: list[tuple[str, int, bool]] = [("$", 0, False)]
        self.slots = 1
        self.ranges = 0

    def declare(self, name: str, *, ranged: bool) -> int:
        slot = self.slots
        self.slots += 1
        self.names.append((name, slot, ranged))
        return slot

    def find(self, name: str) -> tuple[int, bool] | None:
        for known, slot, ranged in reversed(self.names):
            if known == name:
                return slot, ranged
        return None


class _Parser:
    def __init__(self, name: str, text: str, functions: Container[str], tokens: list[Token]) -> None:
        #: What errors call the text.
        self._name = name
        self._text = text
        self._functions = functions
        self._tokens = tokens
        self._at = 0
        #: The furthest token that was looked at: errors tell its line, as Go's do.
        self._seen = 0
        self._trees: dict[str, Tree] = {}
        self._scope = _Scope()
        #: The variables that get the values of the pipelines that are read; in them, the names still mean others.
        self._pending: list[str] = []
        self._action_pos: int | None = None
        self._depth = 0

    # -- tokens

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        at = self._at
        token = self._tokens[at]
        if at + 1 < len(self._tokens):
            self._at = at + 1
        return token

    def _following(self) -> Token:
        return self._tokens[self._at + 1]

    def _line(self, pos: int) -> int:
        return self._text.count("\n", 0, pos) + 1

    def _fail(self, message: str) -> NoReturn:
        raise ParseError(self._name, self._line(self._tokens[self._seen][2]), message)

    def _unexpected(self, token: Token, context: str) -> NoReturn:
        if token[0] == "error":
            extra = ""
            if self._action_pos is not None and self._line(self._action_pos) != self._line(token[2]):
                extra = f" in action started at {self._name}:{self._line(self._action_pos)}"
                if token[1].endswith(" action"):
                    extra = extra.removeprefix(" in action")
            self._fail(f"{token[1]}{extra}")
        self._fail(f"unexpected {_shown(token)} in {context}")

    def _expect(self, kinds: tuple[str, ...], context: str) -> Token:
        token = self._next()
        if token[0] not in kinds:
            self._unexpected(token, context)
        return token

    # -- templates

    def parse(self) -> dict[str, Tree]:
        body: list[Node] = []
        while (token := self._peek())[0] != "eof":
            if token[0] == "left" and self._tokens[self._at + 1][0] == "define":
                self._at += 2
                self._definition()
                continue
            node = self._text_or_action()
            if isinstance(node, str):
                self._fail(f"unexpected {{{{{node}}}}}")
            body.append(node)
        self._add(self._name, body, self._scope.slots)
        return self._trees

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
        outer, self._scope = self._scope, _Scope()
        body, end = self._list()
        if end != "end":
            self._fail(f"unexpected {{{{{end}}}}} in {context}")
        self._add(name, body, self._scope.slots)
        self._scope = outer

    def _nest(self) -> None:
        """One more block or parenthesis is open."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            self._fail(f"blocks and parentheses nest more than {MAX_NESTING} deep")

    def _list(self) -> tuple[list[Node], str]:
        """Nodes up to {{end}} or {{else}}, and which it is."""
        self._nest()
        body: list[Node] = []
        while self._peek()[0] != "eof":
            node = self._text_or_action()
            if isinstance(node, str):
                self._depth -= 1
                return body, node
            body.append(node)
        return self._fail("unexpected EOF")

    def action(self, kind: str) -> nodes.Prepared:
        """The only action of a text whose place does not matter."""
        if kind not in ("if", "with", "range") or self._tokens[1][0] != kind:
            kind = "action"
        self._at = 1 if kind == "action" else 2
        pipe = self._pipeline("command" if kind == "action" else kind, "close")
        return nodes.Prepared(kind, pipe)

    def _prepared(self, token: Token) -> Node | str:
        action: Any = token[1]
        if action.kind == "action":
            return nodes.Action(token[2], action.pipe, token[2])
        if action.pipe is None:
            return str(action.kind)
        return self._branch(token, action.kind, action.pipe)

    def _text_or_action(self) -> Node | str:
        token = self._next()
        if token[0] == "text":
            return nodes.Text(token[2], token[1])
        if token[0] == "prepared":
            return self._prepared(token)
        if token[0] != "left":
            self._unexpected(token, "input")
        self._action_pos = token[2]
        made = self._action()
        self._action_pos = None
        return made

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

    def _branch(self, token: Token, kind: str = "", pipe: nodes.Pipe | None = None) -> Node:
        base = token[2] if kind else 0
        kind = kind or token[0]
        scope = self._scope
        mark = len(scope.names)
        if pipe is None:
            pipe = self._pipeline(kind, "close")
        if kind == "range":
            scope.ranges += 1
        body, end = self._list()
        if kind == "range":
            scope.ranges -= 1
        otherwise: list[Node] | None = None
        if end == "else":
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

    # -- pipelines

    def _pipeline(self, context: str, end: str) -> nodes.Pipe:
        pipe = nodes.Pipe(self._peek()[2])
        declared = self._declarations(pipe, context) if self._peek()[0] == "variable" else ()
        self._pending += [token[1] for token in declared]
        while True:
            token = self._peek()
            kind = token[0]
            if kind == end:
                self._at += 1
                break
            if kind not in _TERMS:
                self._at += 1
                self._unexpected(token, context)
            pipe.commands.append(self._command())
        if not pipe.commands:
            self._fail(f"missing value for {context}")
        if declared:
            del self._pending[-len(declared) :]
            self._declare(pipe, declared, ranged=context == "range")
        for i, command in enumerate(pipe.commands[1:], 2):
            if isinstance(command.args[0], nodes.Constant | nodes.Dot | nodes.Nil):
                self._fail(f"non executable command in pipeline stage {i}")
        return pipe

    def _declarations(self, pipe: nodes.Pipe, context: str) -> Sequence[Token]:
        """`$x :=`, `$x =` or `$i, $x :=`, if that is what comes; those that are to be declared once the value is there."""
        scope = self._scope
        found: list[Token] = []
        while self._peek()[0] == "variable":
            variable = self._peek()
            following = self._following()
            kind = following[0]
            if kind in ("declare", "assign"):
                self._at += 2
                found.append(variable)
                pipe.assigns = kind == "assign"
                break
            if kind != "mark" or following[1] != ",":
                return found  # `$i, $x` with neither := nor = after it: a variable that is used
            self._at += 2
            found.append(variable)
            if context != "range" or len(found) >= 2:
                self._fail(f"too many declarations in {context}")
            if self._peek()[0] not in ("variable", "close", "paren"):
                self._fail("range can only initialize variables")
        if not pipe.assigns:
            return found
        for token in found:
            known = scope.find(token[1])
            if known is None:
                # It fails when it is executed.
                known = nodes.UNDEFINED, False
                scope.names.append((token[1], *known))
            pipe.declared.append(nodes.Variable(token[2], token[1], known[0]))
        return ()

    def _declare(self, pipe: nodes.Pipe, found: Sequence[Token], *, ranged: bool) -> None:
        for token in found:
            slot = self._scope.declare(token[1], ranged=ranged)
            pipe.declared.append(nodes.Variable(token[2], token[1], slot))

    def _command(self) -> nodes.Command:
        args: list[Node] = []
        command = nodes.Command(self._peek()[2], args)
        while True:
            operand = self._operand()
            if operand is not None:
                args.append(operand)
            token = self._peek()
            kind = token[0]
            if kind in ("close", "paren"):
                break
            if kind == "pipe":
                self._at += 1
                if not args:
                    self._fail("empty command")
                break
            if token[3] and operand is not None:
                continue
            self._at += 1
            if kind == "error":
                self._unexpected(token, "operand")
            self._fail(f"unexpected {_shown(token)} in operand")
        if not args:
            self._fail("empty command")
        return command

    def _operand(self) -> Node | None:
        node = self._term()
        token = self._peek()
        if node is None or token[0] != "field" or token[3]:
            return node
        names = []
        pos = token[2]
        while (token := self._peek())[0] == "field" and not token[3]:
            names.append(token[1][1:])
            self._at += 1
        if isinstance(node, nodes.Field | nodes.Variable):
            node.names.extend(names)
            node.pos = pos
            return node
        if isinstance(node, nodes.Constant | nodes.Nil | nodes.Dot):
            self._fail(f"unexpected . after term {strconv.quote(str(node))}")
        return nodes.Chain(pos, node, names)

    def _term(self) -> Node | None:
        token = self._peek()
        kind, text, pos, _ = token
        if kind == "error":
            self._at += 1
            self._unexpected(token, "operand")
        if kind not in _TERMS:
            return None
        self._at += 1
        if kind == "field":
            return nodes.Field(pos, [text[1:]])
        if kind == "identifier":
            if text not in self._functions:
                self._fail(f"function {strconv.quote(text)} not defined")
            return nodes.Identifier(pos, text)
        if kind in ("string", "raw"):
            return nodes.Constant(pos, text, self._unquoted(token))
        if kind == "variable":
            known = self._scope.find(text)
            if known is None:
                if text not in self._pending:
                    self._fail(f"undefined variable {strconv.quote(text)}")
                known = nodes.UNDEFINED, False
            return nodes.Variable(pos, text, known[0], ranged=known[1])
        if kind == "dot":
            return nodes.Dot(pos)
        if kind == "open":
            return self._parenthesized()
        if kind == "bool":
            return nodes.Constant(pos, text, text == "true")
        if kind == "nil":
            return nodes.Nil(pos)
        try:
            value, forms = numbers.number(text, kind)
        except ValueError as error:
            self._fail(str(error))
        return nodes.Constant(pos, text, value, forms)

    def _parenthesized(self) -> Node:
        self._nest()
        pipe = self._pipeline("parenthesized pipeline", "paren")
        self._depth -= 1
        return pipe

    def _unquoted(self, token: Token) -> str:
        try:
            return strconv.unquote(token[1])
        except ValueError as error:
            self._fail(str(error))


class _CarefulParser(_Parser):
    """Notes which tokens are looked at."""

    def _peek(self) -> Token:
        self._seen = max(self._seen, self._at)
        return super()._peek()

    def _next(self) -> Token:
        self._seen = max(self._seen, self._at)
        return super()._next()

    def _following(self) -> Token:
        self._seen = max(self._seen, self._at + 1)
        return super()._following()


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


def _shown(token: Token) -> str:
    """A token as errors show it."""
    kind, text = token[0], token[1]
    if kind == "eof":
        return "EOF"
    if kind == "error":
        return text
    if kind in KEYWORDS or kind == "dot":
        return f"<{text}>"
    if kind == "close":
        text = "}}"
    if len(text.encode("utf-8", "surrogateescape")) > 10:
        return strconv.quote(text[:10]) + "..."
    return strconv.quote(text)
