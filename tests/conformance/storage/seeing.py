"""What a container sees of its volumes: a script that says it, and what it said."""

import base64
from dataclasses import dataclass, field
from typing import NamedTuple

#: Says path, mode and content (in base64) of each file below /v that is reached by its name, not by what the names link to.
LOOK = """
for f in $(find -L /v -type f | grep -v '/\\.\\.'); do echo "$f $(stat -Lc %a $f) $(base64 -w 0 $f)"; done
"""


class File(NamedTuple):
    """A file's mode, in octal, and what is in it."""

    mode: str
    text: str


@dataclass
class Seen:
    """Files by path."""

    files: dict[str, File] = field(default_factory=dict)

    def below(self, folder: str) -> dict[str, File]:
        """The files of a folder, by their path in it."""
        return {path.removeprefix(f"{folder}/"): file for path, file in self.files.items() if path.startswith(f"{folder}/")}


def seen(output: str) -> Seen:
    """What a container said that ran LOOK."""
    lines = (line.split(" ", 2) for line in output.splitlines())
    return Seen({path: File(mode, base64.b64decode(text).decode()) for path, mode, text in lines})
