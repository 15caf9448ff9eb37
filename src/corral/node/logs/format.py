"""A line of the CRI's log format: `2016-10-06T00:17:09.669794202Z stdout F text`. Pure.

`P` in place of `F` marks a part of a line that was too long; the line goes on in the next.
"""

import re
from typing import NamedTuple

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


class Line(NamedTuple):
    """`content` ends with a newline unless the line goes on. `timestamp` is as in the file."""

    timestamp: bytes
    stream: bytes
    content: bytes


def parse_line(raw: bytes) -> Line | None:
    """The line of `raw` (with or without its newline); None where it is none."""
    parts = raw.rstrip(b"\n").split(b" ", 3)
    if len(parts) < 3 or parts[1] not in (b"stdout", b"stderr"):
        return None
    text = parts[3] if len(parts) == 4 else b""
    whole = not parts[2].startswith(b"P")
    return Line(parts[0], parts[1], text + b"\n" if whole else text)


def fixed(timestamp: bytes) -> bytes:
    """A time as clients get it, always with nine digits after the point; runtimes leave out zeros at the end."""
    found = _STAMP.fullmatch(timestamp)
    return b"%b.%b%b" % (found[1], (found[2] or b"").ljust(9, b"0"), found[3]) if found else timestamp
