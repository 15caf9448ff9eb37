"""JSON read by the compiled part of Python's reader alone: the module `json` takes regular expressions along, which take longer
to load than most texts to read.

    read('{"replicas": 3}', parse_int=float)
"""

from corral.base.annotations import Any, Callable

_BLANK = " \t\n\r"


def read(text: str | bytes, *, parse_int: Callable[[str], Any] = int, parse_constant: Callable[[str], Any] = float) -> Any:
    """The value of a JSON text. `parse_constant` reads NaN and Infinity. Raises ValueError as json.loads, RecursionError."""
    try:
        found = _scanned(text, parse_int, parse_constant)
    except (ImportError, StopIteration, ValueError):
        found = None
    if found is not None:
        return found[0]
    import json

    return json.loads(text, parse_int=parse_int, parse_constant=parse_constant)  # which tells what is wrong


def _scanned(text: str | bytes, parse_int: Callable[[str], Any], parse_constant: Callable[[str], Any]) -> tuple[Any] | None:
    """The value; None where there is more than one."""
    if isinstance(text, bytes):
        text = text.decode()
    scan = __import__("_json").make_scanner(_Reading(parse_int, parse_constant))
    value, end = scan(text, len(text) - len(text.lstrip(_BLANK)))
    return None if text[end:].strip(_BLANK) else (value,)


class _Reading:
    """What the scanner wants to know."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float

    def __init__(self, parse_int: Callable[[str], Any], parse_constant: Callable[[str], Any]) -> None:
        self.parse_int = parse_int
        self.parse_constant = parse_constant
