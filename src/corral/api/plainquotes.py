"""Text in quotes, on one line of YAML or over several."""


class UnusualError(Exception):
    """The text is not, or not surely, in the part of YAML that is read here."""


class UnfinishedError(UnusualError):
    """The text ends before the quotes or the brackets that it begins with are closed."""


_ESCAPES = {
    **{"0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b", " ": " ", '"': '"'},
    **{"/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"},
}
_CODES = {"x": 2, "u": 4, "U": 8}


def quoted(text: str, at: int = 0) -> tuple[str, int]:
    """The text in the quotes that begin at `at`, and where they have ended. Raises UnusualError."""
    mark = text[at]
    end = text.find(mark, at + 1)
    if mark == "'":
        while end >= 0 and text[end + 1 : end + 2] == "'":
            end = text.find("'", end + 2)
        if end < 0:
            raise UnfinishedError
        inside = text[at + 1 : end]
        if "\n" in inside:
            inside = _joined(inside.split("\n"), escaped=False)
        return inside.replace("''", "'"), end + 1
    escape = text.find("\\", at + 1)
    while 0 <= escape < end:
        if end == escape + 1:
            end = text.find('"', end + 1)
        escape = text.find("\\", escape + 2)
    if end < 0:
        raise UnfinishedError
    inside = text[at + 1 : end]
    if "\n" in inside:
        return _joined(inside.split("\n"), escaped=True), end + 1
    return _unescaped(inside) if "\\" in inside else inside, end + 1


def _joined(lines: list[str], *, escaped: bool) -> str:
    """The lines of a text in quotes as one: a line's end is a space, and those of blank lines are ends of lines.

    With `escaped`, backslashes mean something; one at a line's end takes the end away.
    """
    bare = [line.strip(" \t") for line in lines]
    bare[0], bare[-1] = lines[0].rstrip(" \t"), lines[-1].lstrip(" \t")
    if "" not in bare[1:-1] and not escaped:
        return " ".join(bare)
    made = []
    last = len(lines) - 1
    blank, between = 0, ""
    for number, content in enumerate(bare):
        if not content and 0 < number < last:
            blank += 1
            continue
        made.append("\n" * blank or between)
        if escaped and number < last and (len(content) - len(content.rstrip("\\"))) % 2:
            if lines[number][-1] != "\\":
                raise UnusualError  # the blank behind it is what it escapes
            made.append(_unescaped(content[:-1]))
            between = ""
        else:
            made.append(_unescaped(content) if escaped else content)
            between = " "
        blank = 0
    return "".join(made)


def _unescaped(text: str) -> str:
    made = []
    at = 0
    escape = text.find("\\")
    while escape >= 0:
        made.append(text[at:escape])
        char = text[escape + 1]
        at = escape + 2
        if char in _CODES:
            digits = text[at : at + _CODES[char]]
            at += len(digits)
            made.append(_character(digits, _CODES[char]))
        elif char in _ESCAPES:
            made.append(_ESCAPES[char])
        else:
            raise UnusualError
        escape = text.find("\\", at)
    made.append(text[at:])
    return "".join(made)


def _character(digits: str, length: int) -> str:
    if len(digits) != length or digits.strip("0123456789abcdefABCDEF"):
        raise UnusualError
    code = int(digits, 16)
    if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
        raise UnusualError
    return chr(code)


def is_comment(text: str) -> bool:
    """Whether what stands behind a value is nothing, or a comment."""
    return not text or (text[0] == " " and text.lstrip(" ")[:1] in ("", "#"))
