"""Anchors, the aliases of what they name, and the mappings that others take over."""

from corral.api.plainquotes import UnusualError
from corral.base.annotations import Any

#: What aliases may stand for in all: less than the library allows, which then says that it is too much.
MAX_ALIASED = 1024 * 1024


class Anchors:
    """The anchors of a document."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        #: How much all aliases so far stand for.
        self.aliased = 0

    def name(self, anchor: str, value: Any, lines: list[str], aliased: int) -> None:
        """Give a name to what was read from `lines`, in which aliases stand for so much. Raises UnusualError."""
        if anchor in self._values or not anchor.isascii() or not anchor.replace("-", "_").replace("_", "a").isalnum():
            raise UnusualError
        self._values[anchor] = value
        # The library counts a character and one more for each text, so that no text counts more than twice its length.
        self._sizes[anchor] = 2 * (sum(map(len, lines)) + len(lines)) + aliased

    def known(self, alias: str) -> Any:
        """What an alias stands for. Raises UnusualError for what has no name yet, and for too much."""
        if alias not in self._values:
            raise UnusualError
        self.aliased += self._sizes[alias]
        if self.aliased > MAX_ALIASED:
            raise UnusualError
        return self._values[alias]


def merged(own: dict[str, Any], others: list[Any]) -> dict[str, Any]:
    """A mapping with the items of those that it takes over: mappings, and lists of them of which the first counts most."""
    made: dict[str, Any] = {}
    for other in others:
        for taken in reversed(other) if isinstance(other, list) else (other,):
            if not isinstance(taken, dict):
                raise UnusualError
            made.update(taken)
    made.update(own)
    return made
