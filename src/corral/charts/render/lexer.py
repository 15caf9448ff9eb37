"""A template's text as tokens (text/template/parse/lex.go, Go 1.18; what a token is: scanner.py).

A fault ends the list with a token of the kind "error". An action that is known already is one token of the kind "prepared",
with its `nodes.Prepared` for a text; its position is two before what is between its braces.
"""

from corral.base.annotations import TYPE_CHECKING, Any, Callable, Final
from corral.charts.render.scanner import SPACE, Token, scan_action, skip_space

if TYPE_CHECKING:
    from corral.charts.render.nodes import Prepared

_OPENING_TRIMS: Final = frozenset(f"-{space}" for space in SPACE)
_CLOSING_TRIMS: Final = frozenset(f"{space}-" for space in SPACE)


def lex(text: str, prepare: "Callable[[str], Prepared | None] | None" = None) -> list[Token]:
    """The tokens of a template; `prepare` gives what an action of a text is, if that is known without its tokens."""
    tokens: list[Any] = []
    append = tokens.append
    find = text.find
    at, end = 0, len(text)
    while (start := find("{{", at)) >= 0:
        plain = text[at:start]
        inside = start + 2
        if text[inside : inside + 2] in _OPENING_TRIMS:
            plain = plain.rstrip(SPACE)
            inside += 2
        if plain:
            append(("text", plain, at, False))
        if text.startswith("/*", inside):
            at = _comment(text, inside, tokens)
        else:
            if prepare is not None and (stop := find("}}", inside)) >= 0:
                trims = stop - inside >= 2 and text[stop - 2 : stop] in _CLOSING_TRIMS
                known = prepare(text[inside : stop - 2] if trims else text[inside:stop])
                if known is not None:
                    append(("prepared", known, inside - 2, False))
                    at = skip_space(text, stop + 2) if trims else stop + 2
                    continue
            append(("left", "{{", start, False))
            at = scan_action(text, inside, tokens)
        if at < 0:
            return tokens
    if at < end:
        append(("text", text[at:], at, False))
    append(("eof", "", end, False))
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
    if text[stop : stop + 2] in _CLOSING_TRIMS and text.startswith("}}", stop + 2):
        return skip_space(text, stop + 4)
    tokens.append(("error", "comment ends before closing delimiter", at, False))
    return -1
