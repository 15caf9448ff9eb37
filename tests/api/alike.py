"""What the quick reader of YAML reads, the library reads alike: the comparison that its tests share."""

from typing import Any

from corral.api import plainyaml, yamltext
from corral.api.plainquotes import UnusualError


def read_here(text: str) -> Any:
    """The value that the quick reader gives, which is the library's."""
    value = plainyaml.parse(text)
    assert repr(value) == repr(yamltext.parse(text.encode())[0]), text
    return value


def read_here_or_left(text: str) -> bool:
    """Whether the quick reader reads a text, as the library does, and does not leave it to that."""
    try:
        read_here(text)
    except UnusualError:
        return False
    return True
