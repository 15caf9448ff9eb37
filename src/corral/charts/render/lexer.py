"""Go's template lexer: a template's text as tokens (text/template/parse/lex.go, Go 1.18).

A token is (kind, text, position, spaced): the position counts characters from the start of the text, `spaced` says whether
space stands before it inside its action. A fault ends the list with a token of the kind "error", whose text is what is wrong.
An action that is known already is one token of the kind "prepared", with its `nodes.Prepared` for a text; its position is two
before what is between its braces.
"""

from collections.abc import Callable

from corral.base.annotations import TYPE_CHECKING, Any, Final
from corral.base.patterns import pattern
from corral.charts.render.strconv import printable, quote

if TYPE_CHECKING:
    from corral.charts.render.nodes import Prepared

Token = tuple[str, str, int, bool]
#: Gives what an action of a text is, if that does not depend on where it stands.
Prepare = Callable[[str], "Prepared | None"]

SPACE: Final = " \t\r\n"
KEYWORDS: Final = frozenset(
    ["define", "block", "break", "continue", "else", "end", "if", "range", "nil", "template", "with"],
)
_NUMBER = (
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
#: Numbers are only digits here, as most are: the rest of what Go takes for one takes long to compile.
_TOKEN = pattern(
    r"(?P<space>[ \t\r\n]*?(?=[ \t\r\n]-\}\})|[ \t\r\n]*)"
    r"(?:(?P<close>(?:[ \t\r\n]-)?\}\})"
    r"|(?:(?P<field>\.(?!\d)\w+)|(?P<identifier>[^\W\d]\w*)|(?P<variable>\$\w*)|(?P<dot>\.))(?=[ \t\r\n.,|:)(}]|\Z)"
    r'|(?P<string>"(?:[^"\\\n]|\\[^\n])*")'
    r"|(?P<open>\()|(?P<paren>\))|(?P<pipe>\|)"
    r"|(?P<number>[0-9]+(?=[ \t\r\n,|:)(}]|\Z))"
    r"|(?P<declare>:=)|(?P<assign>=)"
    r"|(?P<raw>`[^`]*`)"
    r"|(?P<char>'(?:[^'\\\n]|\\[^\n])*')"
    r"|(?P<mark>[!-~])"
    r")",
)
_OTHER_NUMBER = pattern(rf"(?=[+\-.0-9])(?>{_NUMBER})(?!\w)")
_NUMBER_START = pattern(_NUMBER)
#: All of an action up to its end, if no brace is in it.
_ACTION = pattern(r"((?:[^\"`'{}/]|\"(?:[^\"\\\n]|\\[^\n])*\"|`[^`]*`|'(?:[^'\\\n]|\\[^\n])*')*?)([ \t\r\n]-)?\}\}")
_COMPLEX = pattern(rf"(?=[+-])(?>{_NUMBER})(?!\w)")


def lex(text: str, prepare: Prepare | None = None) -> list[Token]:
    """The tokens of a template."""
    tokens: list[Token] = []
    at, end = 0, len(text)
    while True:
        start = text.find("{{", at)
        if start < 0:
            if at < end:
                tokens.append(("text", text[at:], at, False))
            break
        trims = text[start + 2 : start + 3] == "-" and text[start + 3 : start + 4] in SPACE and start + 3 < end
        plain = text[at:start].rstrip(SPACE) if trims else text[at:start]
        if plain:
            tokens.append(("text", plain, at, False))
        inside = start + 4 if trims else start + 2
        whole = _ACTION.match(text, inside) if prepare is not None else None
        known = prepare(whole[1]) if whole is not None and prepare is not None else None
        if whole is not None and known is not None:
            token: Any = ("prepared", known, inside - 2, False)
            tokens.append(token)
            at = whole.end() if whole[2] is None else _skip_space(text, whole.end())
            continue
        if text.startswith("/*", inside):
            at = _comment(text, inside, tokens)
        else:
            tokens.append(("left", "{{", start, False))
            at = _action(text, inside, tokens)
        if at < 0:
            return tokens
    tokens.append(("eof", "", end, False))
    return tokens


def action_tokens(text: str) -> list[Token]:
    """The tokens of a text that is one action, braces included."""
    tokens: list[Token] = [("left", "{{", 0, False)]
    if _action(text, 2, tokens) != len(text):
        tokens.append(("error", "more than an action", 2, False))
    return tokens


def _comment(text: str, at: int, tokens: list[Token]) -> int:
    """Pass a comment whose /* is at `at`; where the text after it begins, or -1."""
    stop = text.find("*/", at + 2)
    if stop < 0:
        tokens.append(("error", "unclosed comment", at, False))
        return -1
    stop += 2
    if text.startswith("}}", stop):
        return stop + 2
    if text[stop : stop + 1] in SPACE and text.startswith("-}}", stop + 1):
        return _skip_space(text, stop + 4)
    tokens.append(("error", "comment ends before closing delimiter", at, False))
    return -1


def _skip_space(text: str, at: int) -> int:
    end = len(text)
    while at < end and text[at] in SPACE:
        at += 1
    return at


def _action(text: str, at: int, tokens: list[Token]) -> int:
    """Append the tokens of an action from `at`; where the text after it begins, or -1."""
    depth = 0
    match_at = _TOKEN.match
    append = tokens.append
    while True:
        match = match_at(text, at)
        kind = match.lastgroup if match else None
        if kind is None or match is None:
            append(_fault(text, at))
            return -1
        start = match.end("space")
        token = match[kind]
        spaced = start > at
        at = match.end()
        if kind == "mark" and token in "+-.0123456789" and (number := _OTHER_NUMBER.match(text, start)):
            kind, token, at = "number", number[0], number.end()
        if kind == "close":
            if depth:
                append(("error", "unclosed left paren", start, spaced))
                return -1
            append(("close", token, start, spaced))
            return _skip_space(text, at) if len(token) > 2 else at
        if kind == "identifier":
            if token in KEYWORDS:
                kind = token
            elif token in ("true", "false"):
                kind = "bool"
        elif kind == "open":
            depth += 1
        elif kind == "paren":
            depth -= 1
            if depth < 0:
                append((kind, token, start, spaced))
                append(("error", "unexpected right paren U+0029 ')'", start, spaced))
                return -1
        elif kind == "number" and text[at : at + 1] in ("+", "-"):
            second = _COMPLEX.match(text, at)
            if second is None or not second[0].endswith("i"):
                append(_bad_number(text, start))
                return -1
            kind, token, at = "complex", token + second[0], second.end()
        elif (
            not token
            or (kind == "number" and token == ".")
            or (kind == "mark" and token in "\"'`$.:+-0123456789_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        ):
            append(_fault(text, start))
            return -1
        append((kind, token, start, spaced))


def _fault(text: str, at: int) -> Token:
    """What is wrong where no token begins."""
    start = _skip_space(text, at)
    spaced = start > at
    if start >= len(text):
        return "error", "unclosed action", start, spaced
    char = text[start]
    if char in "\"'":
        what = "quoted string" if char == '"' else "character constant"
        return "error", f"unterminated {what}", start, spaced
    if char == "`":
        return "error", "unterminated raw quoted string", start, spaced
    if char == ":":
        return "error", "expected :=", start, spaced
    if char in "+-0123456789" or (char == "." and text[start + 1 : start + 2] in "0123456789"):
        return _bad_number(text, start)
    if char in ".$" or char == "_" or char.isalnum():
        stop = start + 1
        while stop < len(text) and (text[stop] == "_" or text[stop].isalnum()):
            stop += 1
        return "error", f"bad character {_unicode(text[stop])}", start, spaced
    return "error", f"unrecognized character in action: {_unicode(char)}", start, spaced


def _bad_number(text: str, start: int) -> Token:
    match = _NUMBER_START.match(text, start)
    stop = (match.end() if match else start) + 1
    return "error", f"bad number syntax: {quote(text[start:stop])}", start, False


def _unicode(char: str) -> str:
    """`%#U`."""
    return f"U+{ord(char):04X} '{char}'" if printable(char) else f"U+{ord(char):04X}"
