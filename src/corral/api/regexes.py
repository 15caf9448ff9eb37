"""Regular expressions in RE2's syntax, matched in time that is linear in the text: `compiled`.

https://github.com/google/re2/wiki/Syntax; the words of faults are those of Go's regexp.
"""

from functools import lru_cache
from typing import Any

#: What a compiled pattern may take, in bytes of the matcher's program.
_MEMORY_BYTES = 8 << 20
_KEPT = 512
#: RE2's words, where Go has others.
_GO_WORDS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid perl operator": "invalid or unsupported Perl syntax",
}


class RegexError(ValueError):
    """A pattern that can not be read; the text is Go's."""


@lru_cache(maxsize=_KEPT)
def compiled(pattern: str) -> Any:
    """The compiled pattern, with `search` and `finditer` as in Python's re. Raises RegexError."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        text = error.args[0]
        text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    what, _, fragment = text.partition(": ")
    raise RegexError(f"error parsing regexp: {_GO_WORDS.get(what, what)}: `{fragment or pattern}`")
