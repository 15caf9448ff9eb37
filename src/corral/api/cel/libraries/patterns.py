"""Finding by pattern: Kubernetes' regex library.

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-regex-library
"""

from corral.api.cel.costs import pattern_searched
from corral.api.cel.functions import Library
from corral.api.cel.regexes import compiled

LIBRARY = Library()


@LIBRARY.overload("string.find(string) -> string", cost=pattern_searched)
def find(text: str, pattern: str) -> str:
    """The first text that matches; empty if none does."""
    match = compiled(pattern).search(text)
    return match[0] if match else ""


@LIBRARY.overload(
    "string.findAll(string) -> list(string)", "string.findAll(string, int) -> list(string)", cost=pattern_searched
)
def find_all(text: str, pattern: str, most: int = -1) -> list[str]:
    """All texts that match, or the first `most`."""
    found: list[str] = []
    for match in compiled(pattern).finditer(text):
        if 0 <= most <= len(found):
            break
        found.append(match[0])
    return found
