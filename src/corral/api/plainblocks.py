"""Literal and folded text: the lines behind `|` and `>`."""

from corral.api.plainquotes import UnusualError, is_comment


def block(header: str, raw: list[str], start: int, indent: int) -> tuple[str, int]:
    """The text below a header, of which the first line is at `start`, and the first line behind it.

    The text is indented further than `indent`. What ends with an end of a line has "" as its last line. Raises UnusualError.
    """
    keep, width = _marks(header)
    if width:
        width += max(indent, 0)
    else:
        width = _width(raw, start, indent)
    lines: list[str] = []
    at, end = start, len(raw)
    while at < end:
        line = raw[at]
        if margin := line[:width].strip(" "):
            if margin[0] == "\t":
                raise UnusualError
            break
        lines.append(line[width:])
        at += 1
    is_open = False
    if at == end:
        # What is behind the last end of a line is no line, or one that has no end.
        is_open = lines[-1] != "" if lines else False
        if not is_open and lines:
            lines.pop()
    blank = 0
    while lines and not lines[-1]:
        lines.pop()
        blank += 1
    if not lines:
        return "\n" * blank if keep == "+" else "", at
    text = "\n".join(lines) if header[0] == "|" else _folded(lines)
    if keep == "-" or is_open:
        return text, at
    return text + ("\n" * (blank + 1) if keep == "+" else "\n"), at


def _marks(header: str) -> tuple[str, int]:
    """What a header says of the ends of the last lines, and of the indentation; 0 if it says nothing."""
    keep, width = "", 0
    at = 1
    while at < 3:
        char = header[at : at + 1]
        if char and char in "+-" and not keep:
            keep = char
        elif char and char in "123456789" and not width:
            width = int(char)
        else:
            break
        at += 1
    if not is_comment(header[at:]):
        raise UnusualError
    return keep, width


def _width(raw: list[str], at: int, indent: int) -> int:
    """How far the first line with content is indented; further than `indent`."""
    widest, least = 0, max(indent, 0) + 1
    for number in range(at, len(raw)):
        line = raw[number]
        content = line.lstrip(" ")
        if not content:
            widest = max(widest, len(line))
            continue
        width = len(line) - len(content)
        if content[0] == "\t" or (width >= least and widest > width):
            raise UnusualError
        return width if width >= least else max(widest, least)
    return max(widest, least)


def _folded(lines: list[str]) -> str:
    """The lines of a folded text as one: a line's end is a space, except beside lines that are indented further."""
    made: list[str] = []
    blank, was_deeper, between = 0, True, ""
    for line in lines:
        if not line:
            blank += 1
            continue
        is_deeper = line[0] in " \t"
        if was_deeper or is_deeper:
            made.append(between + "\n" * blank)
        else:
            made.append("\n" * blank or " ")
        made.append(line)
        blank, was_deeper, between = 0, is_deeper, "\n"
    return "".join(made)
