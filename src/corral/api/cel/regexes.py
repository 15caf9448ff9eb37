"""Regular expressions in RE2's syntax, matched in time that is linear in the text: `compiled`.

https://github.com/google/re2/wiki/Syntax; the words of faults are those of Go's regexp.
"""

from functools import lru_cache
from typing import Any

from corral.api.cel.errors import EvaluationError

#: What a compiled pattern may take, in bytes of the matcher's program.
_MEMORY = 8 << 20


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """The compiled pattern. Raises EvaluationError."""
    why = fault(pattern)
    if why:
        raise EvaluationError(why)
    return _compiled(pattern)


def fault(pattern: str) -> str:
    """What is wrong with a pattern, as Go says it; "" if nothing is."""
    import re2

    try:
        _compiled(pattern)
    except re2.error as error:
        text = error.args[0]
        text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        return f"error parsing regexp: {_as_go(text, pattern)}"
    return ""


def _as_go(text: str, pattern: str) -> str:
    """RE2's message, with the fragment in Go's backquotes."""
    what, _, fragment = text.partition(": ")
    what = {
        "missing )": "missing closing )",
        "missing ]": "missing closing ]",
        "no argument for repetition operator": "missing argument to repetition operator",
    }.get(what, what)
    return f"{what}: `{fragment or pattern}`"


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return re2.compile(pattern, options)
