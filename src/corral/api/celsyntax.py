"""Whether a CEL expression can be read, and speaks only of what is there: `fault` tells what the compiler would.

The grammar is https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax; the words of faults are those of cel-go.
Types are not checked, and of functions only that their arguments can be read.
"""

import re
from collections.abc import Callable, Set
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>(?:[\t\r\n\f\ ]|//[^\n]*)+)
    |(?P<number>0x[0-9a-fA-F]+u?|[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[uU]?)
    |(?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n\r])*"|'(?:\\.|[^'\\\n\r])*'))
    |(?P<name>[_a-zA-Z][_a-zA-Z0-9]*|`[-a-zA-Z0-9_./\ ]+`)
    |(?P<sign>==|!=|<=|>=|&&|\|\||[][{}().,\-!?:+*/%<>])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_END = "<EOF>"
_OPERANDS = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
_RELATIONS = ("<", "<=", ">=", ">", "==", "!=", "in")
_LEVELS: tuple[tuple[str, ...], ...] = (("||",), ("&&",), _RELATIONS, ("+", "-"), ("*", "/", "%"))
_MACROS = frozenset(
    (
        *("all", "exists", "exists_one", "existsOne", "map", "filter", "sortBy", "bind"),
        *("transformList", "transformMap", "transformMapEntry"),
    )
)
#: Types, and the namespaces of functions.
_GLOBALS = frozenset(
    (
        *("int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type", "dyn"),
        *("timestamp", "duration", "google", "optional_type", "optional", "ip", "cidr", "quantity", "semver", "url"),
        *("cel", "math", "sets", "base64", "strings", "lists", "regex", "jsonpatch", "format", "Object", "JSONPatch"),
    )
)


#: Whether there is a field at the end of a path that starts with a variable.
HasField = Callable[[tuple[str, ...]], bool]


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


class _FaultError(Exception):
    """The expression cannot be read: where, and why."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(why)
        self.at, self.why = at, f"Syntax error: {why}"


def fault(expression: str, variables: Set[str], has_field: HasField | None = None) -> str:
    """What is wrong with `expression`, which may speak of `variables`; "" if nothing is.

    `has_field(path)` says whether a variable has a field: `("self", "size")`.
    """
    try:
        parser = _Parser(expression, variables)
        parser.whole()
    except _FaultError as error:
        return _shown(expression, error.at, error.why)
    faults = parser.undeclared
    if has_field is not None:
        faults = sorted(faults + [(at, f"undefined field '{path[-1]}'") for at, path in parser.fields if not has_field(path)])
    return "\n".join(_shown(expression, at, why) for at, why in faults)


def _shown(source: str, at: int, why: str) -> str:
    before = source[:at]
    line, column = before.count("\n"), at - (before.rfind("\n") + 1)
    text = source.split("\n")[line]
    if not text:
        return f"ERROR: <input>:{line + 1}:{column}: {why}"
    return f"ERROR: <input>:{line + 1}:{column + 1}: {why}\n | {text}\n | {'.' * column}^"


class _Parser:
    """One pass over one expression, which notes the names that nothing declares."""

    def __init__(self, source: str, variables: Set[str]) -> None:
        self._tokens = _read_tokens(source)
        self._next = 0
        self._scopes: list[Set[str]] = [variables, _GLOBALS]
        self.undeclared: list[tuple[int, str]] = []
        #: Where a field of a variable is read, and the way there from the variable.
        self.fields: list[tuple[int, tuple[str, ...]]] = []
        self._path: tuple[str, ...] = ()

    def whole(self) -> None:
        """An expression and nothing after it."""
        self._expression()
        token = self._token
        if token.kind != _END:
            what = "extraneous" if self._tokens[self._next + 1].kind == _END else "mismatched"
            raise _FaultError(token.at, f"{what} input '{token.text}' expecting <EOF>")

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> bool:
        token = self._token
        if token.kind in ("sign", "name") and token.text in texts:
            self._next += 1
            return True
        return False

    def _need(self, text: str) -> None:
        if not self._take(text):
            raise _FaultError(self._token.at, f"missing '{text}' at '{self._token.text}'")

    def _expression(self) -> None:
        self._binary(0)
        if self._take("?"):
            self._binary(0)
            self._need(":")
            self._expression()

    def _binary(self, level: int) -> None:
        if level == len(_LEVELS):
            self._unary()
            return
        self._binary(level + 1)
        while self._take(*_LEVELS[level]):
            self._binary(level + 1)

    def _unary(self) -> None:
        while self._take("!", "-"):
            pass
        self._path = ()
        self._primary()
        while True:
            if self._take("."):
                self._take("?")
                self._member()
            elif self._take("["):
                self._take("?")
                self._expression()
                self._path = ()
                self._need("]")
            elif self._token.text == "{" and self._tokens[self._next - 1].kind == "name":
                self._next += 1
                self._entries(fields=True)
            else:
                return

    def _member(self) -> None:
        token = self._token
        if token.kind != "name":
            raise _FaultError(token.at, f"no viable alternative at input '.{token.text if token.kind != _END else ''}'")
        self._next += 1
        if self._take("("):
            self._arguments(binds=token.text in _MACROS)
            self._path = ()
        elif self._path:
            self._path = (*self._path, token.text)
            self.fields.append((self._tokens[self._next - 2].at, self._path))

    def _arguments(self, *, binds: bool = False) -> None:
        """The arguments of a call; a macro's first one is a name that the others may use."""
        token = self._token
        follows = self._tokens[min(self._next + 1, len(self._tokens) - 1)].text
        if binds and token.kind == "name" and follows == ",":
            names = {token.text}
            self._next += 2
            second = self._tokens[min(self._next + 1, len(self._tokens) - 1)].text
            if self._token.kind == "name" and second == ",":
                names.add(self._token.text)
            self._scopes.append(names)
            self._list(")")
            self._scopes.pop()
        else:
            self._list(")")

    def _list(self, end: str) -> None:
        while not self._take(end):
            if end == "]":
                self._take("?")
            self._expression()
            if not self._take(","):
                self._need(end)
                return

    def _entries(self, *, fields: bool) -> None:
        while not self._take("}"):
            self._take("?")
            if fields:
                self._next += 1
            else:
                self._expression()
            self._need(":")
            self._expression()
            if not self._take(","):
                self._need("}")
                return

    def _primary(self) -> None:
        token = self._token
        if token.kind in ("number", "text"):
            self._next += 1
        elif self._take("true", "false", "null"):
            pass
        elif self._take("("):
            self._expression()
            self._need(")")
        elif self._take("["):
            self._list("]")
        elif self._take("{"):
            self._entries(fields=False)
        elif (token.kind == "name" and token.text != "in") or self._take("."):
            self._name()
        else:
            raise _FaultError(token.at, f"mismatched input '{token.text}' expecting {_OPERANDS}")

    def _name(self) -> None:
        token = self._token
        self._next += 1
        if self._take("("):
            self._arguments()
        elif not any(token.text in scope for scope in self._scopes):
            self.undeclared.append((token.at, f"undeclared reference to '{token.text}' (in container '')"))
        elif token.text in self._scopes[0] and not any(token.text in scope for scope in self._scopes[2:]):
            self._path = (token.text,)


def _read_tokens(source: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise _FaultError(at, f"token recognition error at: '{source[at]}'")
        kind = match.lastgroup or ""
        if kind != "space":
            tokens.append(_Token(kind, match[0], at))
        at = match.end()
    return [*tokens, _Token(_END, _END, len(source))]
