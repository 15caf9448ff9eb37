"""CEL source to its tree, macros included: `parse`. The words of faults are those of cel-go's parser."""

from corral.api.cel import lexer
from corral.api.cel.errors import FaultError
from corral.api.cel.lexer import END, Token
from corral.api.cel.macros import expanded
from corral.api.cel.syntax import Call, Ident, ListLiteral, Literal, MapLiteral, Node, Select, StructLiteral

#: How deep an expression may nest, and how many operators of one kind may follow each other: cel-go's own limit.
MAX_DEPTH = 250
#: How many characters an expression may have.
MAX_SIZE = 100_000
_OPERANDS = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
_ARGUMENTS = _OPERANDS.replace("'(', ", "'(', ')', ")
_LEVELS: dict[str, int] = {
    **dict.fromkeys(("<", "<=", ">=", ">", "==", "!=", "in"), 1),
    **dict.fromkeys(("+", "-"), 2),
    **dict.fromkeys(("*", "/", "%"), 3),
}
_CONSTANTS = {"true": True, "false": False, "null": None}


def parse(source: str, *, bindings: bool = False) -> Node:
    """The tree; `bindings`: `cel.bind` is a macro. Raises FaultError for the first thing that cannot be read."""
    if len(source) > MAX_SIZE:
        raise FaultError(0, f"expression code point size exceeds limit: size: {len(source)}, limit {MAX_SIZE}")
    return _Parser(source, bindings).whole()


class _Parser:
    """One pass over the tokens of one expression."""

    def __init__(self, source: str, bindings: bool) -> None:
        self._bindings = bindings
        self._tokens, self._faults = lexer.tokens(source)
        self._next = 0
        self._depth = 0

    def whole(self) -> Node:
        """An expression and nothing after it."""
        try:
            found = self._all()
        except FaultError as error:
            raise FaultError(error.at, error.why, *self._faults) from None
        if self._faults:
            (at, why), *more = self._faults
            raise FaultError(at, why, *more)
        return found

    def _all(self) -> Node:
        found = self._expression()
        token = self._token
        if token.kind != END:
            what = "extraneous" if self._tokens[self._next + 1].kind == END else "mismatched"
            raise FaultError(token.at, f"Syntax error: {what} input '{token.text}' expecting <EOF>")
        return found

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> bool:
        token = self._token
        if token.kind in ("sign", "name") and token.text in texts:
            self._next += 1
            return True
        return False

    def _need(self, text: str, expected: str = "") -> None:
        """Take a sign that has to be here; `expected`: what else could be."""
        if self._take(text):
            return
        token = self._token
        if expected or (text == ":" and not _starts(token)):
            raise FaultError(token.at, f"Syntax error: mismatched input '{token.text}' expecting {expected or repr(text)}")
        raise FaultError(token.at, f"Syntax error: missing '{text}' at '{token.text}'")

    def _expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FaultError(0, f"expression recursion limit exceeded: {MAX_DEPTH}")
        found = self._logical("||")
        at = self._token.at
        if self._take("?"):
            yes = self._logical("||")
            self._need(":")
            found = Call(at, "_?_:_", [found, yes, self._expression()])
        self._depth -= 1
        return found

    def _logical(self, sign: str) -> Node:
        """Terms joined by && or ||, as a balanced tree."""
        terms, places = [], []
        while True:
            terms.append(self._logical("&&") if sign == "||" else self._binary(1))
            places.append(self._token.at)
            if not self._take(sign):
                return _balanced(f"_{sign}_", terms, places, 0, len(terms) - 1)

    def _binary(self, level: int) -> Node:
        left = self._unary()
        for _ in range(MAX_DEPTH):
            token = self._token
            found = _LEVELS.get(token.text, 0) if token.kind in ("sign", "name") else 0
            if found < level:
                return left
            self._next += 1
            right = self._binary(found + 1)
            left = Call(token.at, "@in" if token.text == "in" else f"_{token.text}_", [left, right])
        raise FaultError(0, f"expression recursion limit exceeded: {MAX_DEPTH}")

    def _unary(self) -> Node:
        first = self._token
        if self._take("!"):
            count = 1
            while self._take("!"):
                count += 1
            inner = self._postfix()
            return Call(first.at, "!_", [inner]) if count % 2 else inner
        if first.text == "-" and first.kind == "sign" and self._tokens[self._next + 1].kind != "number":
            count = 0
            while self._token.text == "-" and self._tokens[self._next + 1].kind != "number":
                self._next += 1
                count += 1
            inner = self._postfix()
            return Call(first.at, "-_", [inner]) if count % 2 else inner
        return self._postfix()

    def _postfix(self) -> Node:
        found = self._primary()
        for _ in range(MAX_DEPTH):
            at = self._token.at
            if self._take("."):
                found = self._member(found, at)
            elif self._take("["):
                optional = self._take("?")
                found = Call(at, "_[?_]" if optional else "_[_]", [found, self._expression()])
                self._need("]")
            elif self._token.text == "{" and self._token.kind == "sign" and _name_of(found):
                self._next += 1
                found = self._struct(_name_of(found), at)
            else:
                return found
        raise FaultError(0, f"expression recursion limit exceeded: {MAX_DEPTH}")

    def _member(self, operand: Node, at: int) -> Node:
        optional = self._take("?")
        token = self._token
        if token.kind != "name" or token.text == "in":
            shown = f".{token.text if token.kind != END else ''}"
            raise FaultError(token.at, f"Syntax error: no viable alternative at input '{shown}'")
        self._next += 1
        place = self._token.at
        if not optional and self._take("("):
            return expanded(Call(place, token.text, self._list(")"), operand), bindings=self._bindings)
        return Select(at, operand, token.text.strip("`"), optional=optional)

    def _list(self, end: str, optional: set[int] | None = None) -> list[Node]:
        found: list[Node] = []
        if end == ")" and self._token.kind == END:
            raise FaultError(self._token.at, f"Syntax error: mismatched input '<EOF>' expecting {_ARGUMENTS}")
        while not self._take(end):
            if optional is not None and self._take("?"):
                optional.add(len(found))
            found.append(self._expression())
            if not self._take(","):
                self._need(end, "{']', ','}" if end == "]" else "")
                break
            if end == ")" and self._token.text == ")":
                raise FaultError(self._token.at, f"Syntax error: mismatched input ')' expecting {_OPERANDS}")
        return found

    def _map(self, at: int) -> Node:
        entries: list[tuple[Node, Node]] = []
        optional: set[int] = set()
        while not self._take("}"):
            if self._take("?"):
                optional.add(len(entries))
            key = self._expression()
            self._need(":")
            entries.append((key, self._expression()))
            if not self._take(","):
                self._need("}", "{'}', ','}")
                break
        return MapLiteral(at, entries, optional)

    def _struct(self, name: str, at: int) -> Node:
        fields: list[tuple[str, Node]] = []
        optional: set[int] = set()
        while not self._take("}"):
            if self._take("?"):
                optional.add(len(fields))
            token = self._token
            if token.kind != "name":
                raise FaultError(token.at, f"Syntax error: mismatched input '{token.text}' expecting {{'}}', ',', IDENTIFIER}}")
            self._next += 1
            self._need(":")
            fields.append((token.text.strip("`"), self._expression()))
            if not self._take(","):
                self._need("}", "{'}', ','}")
                break
        return StructLiteral(at, name, fields, optional)

    def _primary(self) -> Node:
        token = self._token
        if token.kind == "sign" and token.text == "-":
            self._next += 1
            number = self._token
            if number.kind != "number":
                raise FaultError(number.at, f"Syntax error: no viable alternative at input '-{number.text}'")
            self._next += 1
            return Literal(token.at, lexer.number(number, negative=True))
        if token.kind == "number":
            self._next += 1
            return Literal(token.at, lexer.number(token))
        if token.kind == "text":
            self._next += 1
            return Literal(token.at, lexer.text(token))
        if token.kind == "name" and token.text in _CONSTANTS:
            self._next += 1
            return Literal(token.at, _CONSTANTS[token.text])
        if self._take("("):
            found = self._expression()
            self._need(")")
            return found
        if self._take("["):
            optional: set[int] = set()
            return ListLiteral(token.at, self._list("]", optional), optional)
        if self._take("{"):
            return self._map(token.at)
        if (token.kind == "name" and token.text != "in") or self._take("."):
            return self._name(token)
        # One token too many is passed over by the reference, which goes on with the next.
        follows = self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        what = "extraneous" if _starts(follows) else "mismatched"
        raise FaultError(token.at, f"Syntax error: {what} input '{token.text}' expecting {_OPERANDS}")

    def _name(self, first: Token) -> Node:
        token = self._token
        if token.kind != "name" or token.text == "in":
            raise FaultError(token.at, f"Syntax error: mismatched input '{token.text}' expecting IDENTIFIER")
        self._next += 1
        if token.text in lexer.RESERVED:
            raise FaultError(token.at, f"reserved identifier: {token.text}")
        place = self._token.at
        if self._take("("):
            return expanded(Call(place, token.text, self._list(")")))
        return Ident(first.at, token.text)


def _starts(token: Token) -> bool:
    """Whether an operand can begin with the token."""
    return token.kind in ("number", "text") or (token.kind == "name" and token.text != "in") or token.text in "[{(.-!"


def _balanced(function: str, terms: list[Node], places: list[int], low: int, high: int) -> Node:
    if low == high:
        return terms[low]
    middle = (low + high - 1) // 2
    left, right = _balanced(function, terms, places, low, middle), _balanced(function, terms, places, middle + 1, high)
    return Call(places[middle], function, [left, right])


def _name_of(node: Node) -> str:
    """`a.b.c` where the node is only that, else nothing."""
    if isinstance(node, Ident):
        return node.name
    if isinstance(node, Select) and not node.test and not node.optional:
        before = _name_of(node.operand)
        return f"{before}.{node.name}" if before else ""
    return ""
