"""Texts that `tpl` renders and that hold nothing but fields: `{{ .Release.Name }}-{{ .Values.suffix }}`, or no action at all.

Values hold many of them, each another, and each is rendered once or twice: compiling one takes much longer than filling it.
"""

from collections.abc import Callable
from functools import lru_cache

from corral.base.annotations import Any
from corral.charts.render.paths import taking
from corral.charts.render.runtime import FAULTS, shown

Part = str | Callable[[Any, Any], Any]
MAX_CHARS = 4096


@lru_cache(2048)
def _parts(text: str) -> tuple[Part, ...] | None:
    first, *actions = text.split("{{")
    made: list[Part] = [first]
    for action in actions:
        inside, closed, rest = action.partition("}}")
        names = inside.strip(" ").split(".")
        if not closed or names[0] or len(names) < 2 or not all(name.isascii() and name.isidentifier() for name in names[1:]):
            return None
        made += (taking(tuple(names[1:]), False), rest)
    return tuple(made)


def filled(run: Any, text: str, dot: Any) -> str | None:
    """The output of a text that holds only fields; None where it holds more, or where something is to be told."""
    if len(text) > MAX_CHARS:
        return None
    parts = _parts(text)
    if parts is None:
        return None
    try:
        return "".join([part if isinstance(part, str) else shown(part(run, dot)) for part in parts])
    except FAULTS:
        return None
