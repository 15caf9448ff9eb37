"""CEL source to tokens: https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax."""

import re
from typing import Any, NamedTuple

from corral.api.cel.errors import FaultError
from corral.api.cel.values import INT_MAX, INT_MIN, UINT_MAX, Uint

_ESC = r"""\\(?:[abfnrtv\\'"`?]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2})"""
_TOKEN = re.compile(
    r"""(?P<space>(?:[\t\r\n\f\ ]|//[^\n]*)+)
    |(?P<number>0x[0-9a-fA-F]+[uU]?|[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[uU]?)
    |(?P<text>[bB]?(?:\"\"\"(?:ESC|[^\\])*?\"\"\"|'''(?:ESC|[^\\])*?'''|"(?:ESC|[^"\\\n\r])*"|'(?:ESC|[^'\\\n\r])*'))
    |(?P<raw>(?:[rR][bB]?|[bB][rR])(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n\r]*"|'[^'\n\r]*'))
    |(?P<name>[_a-zA-Z][_a-zA-Z0-9]*|`[-a-zA-Z0-9_./\ ]+`)
    |(?P<sign>==|!=|<=|>=|&&|\|\||[][{}().,\-!?:+*/%<>])""".replace("ESC", _ESC),
    re.VERBOSE | re.DOTALL | re.ASCII,
)
END = "<EOF>"
RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package"),
        *("namespace", "return", "var", "void", "while"),
    )
)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))", re.DOTALL
)


class Token(NamedTuple):
    """`kind` is number, text, name, sign or END."""

    kind: str
    text: str
    at: int


def tokens(source: str) -> tuple[list[Token], list[tuple[int, str]]]:
    """All tokens, and one for the end; and the faults, as places and reasons: what is no token is passed over."""
    found, faults, at = [], [], 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            unread = _unread(source, at)
            faults.append((at, f"Syntax error: token recognition error at: '{unread}'"))
            at += len(unread)
            continue
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token("text" if kind == "raw" else kind, match[0], at))
        at = match.end()
    return [*found, Token(END, END, len(source))], faults


#: A text without its end, or with an escape that is none.
_HALF_TEXT = re.compile(rf"""(['"])(?:{_ESC}|[^\\\n\r])*(?:\\.?)?""")


def _unread(source: str, at: int) -> str:
    """What cel-go's lexer passes over: half of a sign with what follows, a text up to its end or to a bad escape."""
    if source[at] in "=&|":
        return source[at : at + 2]
    if source[at] in "'\"":
        match = _HALF_TEXT.match(source, at)
        return match[0] if match else source[at]
    return source[at]


def number(token: Token, *, negative: bool = False) -> Any:
    """The value of a number, with the minus before it. Raises FaultError."""
    text = token.text
    sign = -1 if negative else 1
    if text[-1] in "uU":
        value = int(text[:-1], 16 if text.startswith("0x") else 10)
        if value > UINT_MAX or negative:
            raise FaultError(token.at, "invalid uint literal")
        return Uint(value)
    if text.startswith("0x") or text.isdigit():
        if len(text) > 40:
            raise FaultError(token.at, "invalid int literal")
        value = sign * int(text, 16 if text.startswith("0x") else 10)
        if not INT_MIN <= value <= INT_MAX:
            raise FaultError(token.at, "invalid int literal")
        return value
    return sign * float(text)


def text(token: Token) -> str | bytes:
    """The value of a text. Raises FaultError."""
    prefix_size = len(token.text) - len(token.text.lstrip("rRbB"))
    prefix, body = token.text[:prefix_size].lower(), token.text[prefix_size:]
    quote_size = 3 if body[:3] in ('"""', "'''") and len(body) >= 6 else 1
    body = body[quote_size:-quote_size].replace("\r\n", "\n").replace("\r", "\n")
    is_bytes = "b" in prefix
    if "r" in prefix or "\\" not in body:
        return body.encode() if is_bytes else body
    return _bytes(token, body) if is_bytes else _ESCAPE.sub(lambda match: _char(token, match), body)


def _char(token: Token, match: re.Match[str]) -> str:
    code = next((int(digits, 16) for digits in match.groups()[:4] if digits), None)
    if match[5]:
        code = int(match[5], 8)
    if code is not None:
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise FaultError(token.at, f"invalid unicode code point {match[0]}")
        return chr(code)
    return _ESCAPES.get(match[6], match[6])


def _bytes(token: Token, body: str) -> bytes:
    """In bytes, `\\xFF` and `\\377` are single bytes."""
    made, at = bytearray(), 0
    for match in _ESCAPE.finditer(body):
        made += body[at : match.start()].encode()
        octet = match[1] or match[2]
        if match[3] or match[4]:
            raise FaultError(token.at, f"unable to unescape string {token.text}")
        if octet or match[5]:
            made.append(int(octet, 16) if octet else int(match[5], 8))
        else:
            made += _char(token, match).encode()
        at = match.end()
    return bytes(made + body[at:].encode())
