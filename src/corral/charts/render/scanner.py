"""The tokens inside an action, character by character as Go's lexer reads them (text/template/parse/lex.go, Go 1.18).

A token is (kind, text, position, spaced): the position counts characters from the start of the text, `spaced` says whether
space stands before it inside its action. What is wrong is a token of the kind "error", whose text says it.
"""

from corral.base.annotations import Final
from corral.charts.render.strconv import printable, quote

Token = tuple[str, str, int, bool]

SPACE: Final = " \t\r\n"
KEYWORDS: Final = frozenset(
    ["define", "block", "break", "continue", "else", "end", "if", "range", "nil", "template", "with"],
)
_BLANKS: Final = frozenset(SPACE)
#: The kinds of words that are not "identifier".
_KINDS: Final = {**{word: word for word in KEYWORDS}, "true": "bool", "false": "bool"}
#: What is one character, and nothing else can begin with it.
_MARKS: Final = {"(": "open", ")": "paren", "|": "pipe", "=": "assign"}
#: What a name may be followed by.
_TERMINATORS: Final = frozenset(" \t\r\n.,|:)(}")
_QUOTED: Final = {'"': ("string", "unterminated quoted string"), "'": ("char", "unterminated character constant")}
#: What names are made of, beside letters and digits that are not ASCII.
_NAME: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
_FIGURES: Final = frozenset("0123456789")
_DECIMAL: Final = frozenset("0123456789_")
_EXPONENT: Final = frozenset("eE")
_SIGNS: Final = frozenset("+-")
#: By the prefix of a number its digits, and what begins its exponent.
_DIGITS: Final = {
    **dict.fromkeys(("0x", "0X"), (frozenset("0123456789abcdefABCDEF_"), frozenset("pP"))),
    **dict.fromkeys(("0o", "0O"), (frozenset("01234567_"), frozenset[str]())),
    **dict.fromkeys(("0b", "0B"), (frozenset("01_"), frozenset[str]())),
}


def scan_action(text: str, at: int, tokens: list[Token]) -> int:
    """Append the tokens of an action from `at`, behind its braces; where the text after it begins, or -1."""
    depth = 0
    while True:
        start = skip_space(text, at)
        spaced = start > at
        if spaced and text.startswith("-}}", start):
            close, spaced = start - 1, start - 1 > at
        else:
            close = start if text.startswith("}}", start) else -1
        if close >= 0:
            if depth:
                tokens.append(("error", "unclosed left paren", close, spaced))
                return -1
            at = text.index("}}", start) + 2
            tokens.append(("close", text[close:at], close, spaced))
            return at if close == start else skip_space(text, at)
        token = scan(text, start, spaced)
        tokens.append(token)
        kind = token[0]
        if kind == "error":
            return -1
        if kind == "open":
            depth += 1
        elif kind == "paren":
            depth -= 1
            if depth < 0:
                tokens.append(("error", "unexpected right paren U+0029 ')'", start, spaced))
                return -1
        at = start + len(token[1])


def skip_space(text: str, at: int) -> int:
    """Where the space ends that may be at `at`."""
    while text[at : at + 1] in _BLANKS:
        at += 1
    return at


def scan(text: str, at: int, spaced: bool) -> Token:
    """The token that begins at `at`, which is not the end of the action."""
    if at >= len(text):
        return "error", "unclosed action", at, spaced
    char = text[at]
    if char in _MARKS:
        return _MARKS[char], char, at, spaced
    if char in "+-0123456789" or (char == "." and (text[at + 1 : at + 2] or "0") in _FIGURES):
        return _number(text, at, spaced)  # for Go, the text's last point is one, too
    if char in ".$" or _is_name(char):
        return _name(text, at, spaced)
    if char in _QUOTED:
        return _quoted(text, at, spaced)
    if char == "`":
        stop = text.find("`", at + 1)
        if stop < 0:
            return "error", "unterminated raw quoted string", at, spaced
        return "raw", text[at : stop + 1], at, spaced
    if char == ":":
        if text.startswith("=", at + 1):
            return "declare", ":=", at, spaced
        return "error", "expected :=", at, spaced
    if "!" <= char <= "~":
        return "mark", char, at, spaced
    return "error", f"unrecognized character in action: {_unicode(char)}", at, spaced


def _name(text: str, at: int, spaced: bool) -> Token:
    """`.`, `.field`, `$`, `$variable`, a keyword, or what is called by its name."""
    stop = _name_end(text, at + 1)
    if stop < len(text) and text[stop] not in _TERMINATORS:
        return "error", f"bad character {_unicode(text[stop])}", at, spaced
    found = text[at:stop]
    if found[0] == ".":
        kind = "field" if len(found) > 1 else "dot"
    elif found[0] == "$":
        kind = "variable"
    else:
        kind = _KINDS.get(found, "identifier")
    return kind, found, at, spaced


def scan_fields(text: str, at: int, names: list[str]) -> int:
    """Append the names of the fields that follow each other from `at`; where the first token begins that is none."""
    while text.startswith(".", at) and text[at + 1 : at + 2] not in _FIGURES:
        stop = _name_end(text, at + 1)
        if stop == at + 1 or (stop < len(text) and text[stop] not in _TERMINATORS):
            break
        names.append(text[at + 1 : stop])
        at = stop
    return at


def _name_end(text: str, at: int) -> int:
    """Where what can be in a name ends."""
    while True:
        piece = text[at : at + 64]
        rest = piece.lstrip(_NAME)
        at += len(piece) - len(rest)
        if not rest and piece:
            continue
        if not rest or not _is_name(rest[0]):
            return at
        at += 1  # a letter or digit that is not ASCII


def _quoted(text: str, at: int, spaced: bool) -> Token:
    """A string, or a character constant."""
    mark = text[at]
    kind, fault = _QUOTED[mark]
    stop = at + 1
    while (char := text[stop : stop + 1]) != mark:
        if char == "\\":
            stop += 1
            char = text[stop : stop + 1]
        if char in ("", "\n"):
            return "error", fault, at, spaced
        stop += 1
    return kind, text[at : stop + 1], at, spaced


def _number(text: str, at: int, spaced: bool) -> Token:
    kind = "number"
    stop = _number_end(text, at)
    fits = not _is_name(text[stop : stop + 1])
    if fits and text[stop : stop + 1] in _SIGNS:  # 1+2i: space ends a number
        kind = "complex"
        stop = _number_end(text, stop)
        fits = not _is_name(text[stop : stop + 1]) and text[stop - 1] == "i"
    if not fits:
        stop += _is_name(text[stop : stop + 1])
        return "error", f"bad number syntax: {quote(text[at:stop])}", at, spaced
    return kind, text[at:stop], at, spaced


def _is_name(char: str) -> bool:
    """isAlphaNumeric."""
    return char == "_" or char.isalpha() or char.isdecimal()


def _number_end(text: str, at: int) -> int:
    """Where something ends that may be a number."""
    if text[at] in "+-":
        at += 1
    prefix = text[at : at + 2]
    digits, exponent = _DECIMAL, _EXPONENT
    if prefix in _DIGITS:
        digits, exponent = _DIGITS[prefix]
        at += 2
    at = _run(text, at, digits)
    if text.startswith(".", at):
        at = _run(text, at + 1, digits)
    if text[at : at + 1] in exponent:
        at += 1
        if text[at : at + 1] in _SIGNS:
            at += 1
        at = _run(text, at, _DECIMAL)
    return at + 1 if text.startswith("i", at) else at


def _run(text: str, at: int, chars: frozenset[str]) -> int:
    while text[at : at + 1] in chars:
        at += 1
    return at


def _unicode(char: str) -> str:
    """`%#U`."""
    return f"U+{ord(char):04X} '{char}'" if printable(char) else f"U+{ord(char):04X}"
