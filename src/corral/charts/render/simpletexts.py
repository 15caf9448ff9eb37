"""Texts that `tpl` renders and that hold nothing but fields: `{{ .Release.Name }}-{{ .Values.suffix }}`, or no action at all.

Values hold many of them, each another, and each is rendered once or twice: compiling one takes much longer than filling it.
"""

from corral.base.annotations import Any, Callable
from corral.base.memo import Memo
from corral.charts.render.paths import PRINTED, taking
from corral.charts.render.runtime import FAULTS

Part = str | Callable[[Any], str]
MAX_CHARS = 4096
#: So many texts are known at a time.
MAX_TEXTS = 2048


def parts_of(text: str, *, strict: bool = False) -> tuple[Part, ...] | None:
    """What a text consists of: texts, and what takes fields; None where there is more in it."""
    return _KNOWN[text, strict]


def _read(text_and_strict: tuple[str, bool]) -> tuple[Part, ...] | None:
    text, strict = text_and_strict
    first, *actions = text.split("{{")
    made: list[Part] = [first]
    for action in actions:
        inside, closed, rest = action.partition("}}")
        names = inside.strip(" ").split(".")
        if not closed or names[0] or len(names) < 2 or not all(name.isascii() and name.isidentifier() for name in names[1:]):
            return None
        made += (taking((tuple(names[1:]), False, PRINTED), strict=strict), rest)
    return tuple(made)


_KNOWN = Memo(MAX_TEXTS, _read)


def filled(run: Any, text: str, dot: Any) -> str | None:
    """The output of a text that holds only fields; None where it holds more, or where something is to be told."""
    if len(text) > MAX_CHARS:
        return None
    parts = parts_of(text, strict=run.strict)
    if parts is None:
        return None
    try:
        return "".join([part if isinstance(part, str) else part(dot) for part in parts])
    except FAULTS:
        return None
