"""TOML as BurntSushi/toml 1.1 writes it (`toToml`), and as it is read (`fromToml`)."""

import math

from corral.base.annotations import Any
from corral.base.patterns import pattern
from corral.charts.render import visits
from corral.charts.render.gotypes import Struct, type_name
from corral.charts.render.strconv import format_float

_BARE = pattern(r"(?a)[A-Za-z0-9_-]+")
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


#: So deep may tables be within each other: each is written with the names of all that it is in.
_MAX_DEPTH = 1000


class UnwritableError(ValueError):
    """A value that TOML cannot hold; the text is the original's."""


class UnreadableError(ValueError):
    """A text that is no TOML."""


def dump(value: Any) -> str:
    """A map as a document. Raises UnwritableError."""
    visits.of_call()
    if not isinstance(value, dict):
        if isinstance(value, list):
            _value(value)
        raise UnwritableError("toml: top-level values must be Go maps or structs")
    made: list[str] = []
    _table((), value, made)
    return "".join(made)


def _table(path: tuple[str, ...], value: dict[str, Any], made: list[str]) -> None:
    if len(path) > _MAX_DEPTH:
        raise RecursionError
    visits.spend(len(value))
    direct: list[str] = []
    below: list[str] = []
    for key in sorted(value):
        item = value[key]
        if item is None:
            continue
        (below if isinstance(item, dict) or _is_tables(item) else direct).append(key)
    inner = "  " * len(path)
    for key in direct:
        made.append(f"{inner}{_key(key)} = {_value(value[key])}\n")
    for key in below:
        _below((*path, key), value[key], made)


def _below(path: tuple[str, ...], item: Any, made: list[str]) -> None:
    pad = "  " * (len(path) - 1)
    name = ".".join(map(_key, path))
    if isinstance(item, dict):
        if len(path) == 1 and made:
            made.append("\n")
        made.append(f"{pad}[{name}]\n")
        _table(path, item, made)
        return
    for one in item:
        if one is None:
            continue
        made.append(f"\n{pad}[[{name}]]\n" if made else f"{pad}[[{name}]]\n")
        _table(path, one, made)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    return (
        '"'
        + "".join(_ESCAPES.get(char) or (f"\\u{ord(char):04x}" if char < " " or char == "\x7f" else char) for char in text)
        + '"'
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, list):
        visits.spend(len(value))
        if any(item is None for item in value):
            raise UnwritableError("toml: cannot encode array with nil element")
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        visits.spend(len(value))
        return "{" + ", ".join(f"{_key(key)} = {_value(value[key])}" for key in sorted(value) if value[key] is not None) + "}"
    if isinstance(value, Struct):
        raise UnwritableError(f"unsupported type: {type_name(value)}")
    raise UnwritableError(f"unexpected primitive type: {type_name(value)}")


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = format_float(value, "f")
    return text if "." in text else text + ".0"


def load(text: str) -> dict[str, Any]:
    """The value of a document. Raises UnreadableError."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(f"toml: {error}") from None
