"""Finding by pattern: Kubernetes' regex library.

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-regex-library
"""

from typing import Any

from corral.api import regexes
from corral.api.cel.costs import pattern_searched
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library

LIBRARY = Library()


def compiled(pattern: str) -> Any:
    """The compiled pattern. Raises EvaluationError."""
    try:
        return regexes.compiled(pattern)
    except regexes.RegexError as error:
        raise EvaluationError(str(error)) from None


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
