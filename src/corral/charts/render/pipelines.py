"""Pipelines of templates: tokens to nodes (text/template/parse/parse.go, Go 1.18)."""

from corral.base.annotations import Any, Container, Final, NoReturn, Sequence
from corral.charts.render import nodes, numbers, strconv
from corral.charts.render.errors import ParseError
from corral.charts.render.nodes import Node
from corral.charts.render.scanner import KEYWORDS, Token

_TERMS: Final = frozenset(
    ["bool", "char", "complex", "dot", "field", "identifier", "number", "nil", "raw", "string", "variable", "open"],
)
#: How deep pipelines and blocks may nest: what no person writes, and what the interpreter's stack carries.
MAX_NESTING: Final = 2000


class Variables:
    """The variables of one template while it is parsed: name, slot, and whether a range gives it its values."""

    __slots__ = ("names", "ranges", "slots")

    def __init__(self) -> None:
        self.names: list[tuple[str, int, bool]] = [("$", 0, False)]
        self.slots = 1
        self.ranges = 0

    def declare(self, name: str, *, ranged: bool) -> int:
        """One more variable of this name; its slot."""
        slot = self.slots
        self.slots += 1
        self.names.append((name, slot, ranged))
        return slot

    def leave(self, mark: int) -> None:
        """Be in what is executed instead of the body that declared the variables from `mark` on.

        Go's parser still knows their names, but where they are executed they are those from around the body, if there are any.
        """
        left = self.names[mark:]
        del self.names[mark:]
        self.names += [(name, nodes.UNDEFINED, False) for name, _, _ in left if self.find(name) is None]

    def find(self, name: str) -> tuple[int, bool] | None:
        """The slot of the newest variable of this name, and whether a range gives it its values."""
        for known, slot, ranged in reversed(self.names):
            if known == name:
                return slot, ranged
        return None


class Watched(list[Token]):
    """Tokens that know the furthest one of them that was looked at: errors tell its line, as Go's do."""

    seen = 0

    def __getitem__(self, at: Any) -> Any:
        self.seen = max(self.seen, at)
        return super().__getitem__(at)


class Pipelines:
    """Reads pipelines from tokens; of tokens that are `Watched`, it is known where something is wrong."""

    def __init__(self, name: str, text: str, functions: Container[str], tokens: list[Token]) -> None:
        #: What errors call the text.
        self._name = name
        self._text = text
        self._functions = functions
        self._tokens = tokens
        self._at = 0
        self._scope = Variables()
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

    def _line(self, pos: int) -> int:
        return self._text.count("\n", 0, pos) + 1

    def _fail(self, message: str) -> NoReturn:
        seen = self._tokens.seen if isinstance(self._tokens, Watched) else 0
        raise ParseError(self._name, self._line(self._tokens[seen][2]), message)

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

    def _nest(self) -> None:
        """One more block or parenthesis is open."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            self._fail(f"blocks and parentheses nest more than {MAX_NESTING} deep")

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
            following = self._tokens[self._at + 1]
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
            pipe.declared.append(nodes.Variable(token[2], token[1], [], known[0]))
        return ()

    def _declare(self, pipe: nodes.Pipe, found: Sequence[Token], *, ranged: bool) -> None:
        for token in found:
            if token[1] == "$" and not isinstance(self._tokens, Watched):
                self._fail("there is another $")  # which plain actions do not look for
            is_element = ranged and token is found[-1] and pipe.has_anything
            slot = self._scope.declare(token[1], ranged=is_element)
            pipe.declared.append(nodes.Variable(token[2], token[1], [], slot))

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
            return nodes.Variable(pos, text, [], *known)
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
