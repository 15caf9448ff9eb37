"""JSON patches: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-json-patch-library."""

from corral.api.cel.costs import traversed
from corral.api.cel.functions import Library

LIBRARY = Library()


@LIBRARY.overload("jsonpatch.escapeKey(string) -> string", cost=traversed)
def _escape_key(key: str) -> str:
    """A key as a step of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
