"""JSON as Go's encoding/json writes and reads it, and values as JSON holds them."""

from corral.base.annotations import Any, Final, Iterator
from corral.charts.render import visits
from corral.charts.render.gotypes import (
    Ints,
    NilMap,
    NilSlice,
    NilStringMap,
    NilStrings,
    Slices,
    StringMap,
    Strings,
    Struct,
    Values,
    encoded,
    type_name,
)
from corral.charts.render.strconv import json_float

_INFINITY = float("inf")
_MARKS = frozenset('"\\<>&')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
#: For str.translate.
_RAW = {code: f"\\u{code:04x}" for code in (*range(0x20), 0x2028, 0x2029)} | {ord(char): text for char, text in _SHORT.items()}
_HTML = _RAW | {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}
_NILS = (NilMap, NilSlice, NilStringMap, NilStrings)
_DICTS = (dict, Values, StringMap)
_LISTS = (list, Strings, Ints, Slices)
#: From this level on a value is searched for itself, as encoding/json does.
_DEEP = 1000
_END: Final = object()


class _Fields(dict[str, Any]):
    """The fields of a struct, which keep their order."""

    __slots__ = ()


class UnwritableError(ValueError):
    """A value that JSON cannot hold; the text is Go's."""


def plain(value: Any) -> Any:
    """A value as JSON holds it: dicts, lists, strings, numbers, booleans and None, Go's types gone. Raises UnwritableError.

    Bytes that are not UTF-8 stay in strings. Raises FunctionError for a value that holds too many.
    """
    visits.of_call()
    return _plain(value, 0)


def _plain(value: Any, level: int) -> Any:
    """The same; `level`: within how many others it is."""
    cls = value.__class__
    if cls is str or cls is int or cls is bool or value is None:
        return value
    if cls in _DICTS:
        level = level + 1 if level != _DEEP else _endless(value)
        visits.spend(len(value))
        return {_key(key): _plain(item, level) for key, item in value.items()}
    if cls in _LISTS:
        level = level + 1 if level != _DEEP else _endless(value)
        visits.spend(len(value))
        return [_plain(item, level) for item in value]
    return _plain_other(value, level)


def _endless(value: Any) -> int:
    """The level within a value that holds itself nowhere; templates can put a map into itself with `set`."""
    around: list[tuple[Any, Iterator[Any]]] = []
    seen: set[int] = set()
    while True:
        if isinstance(value, dict | list):
            if id(value) in seen:
                raise UnwritableError(f"json: unsupported value: encountered a cycle via {type_name(value)}")
            seen.add(id(value))
            around.append((value, iter(value.values() if isinstance(value, dict) else value)))
        while around:
            following = next(around[-1][1], _END)
            if following is not _END:
                value = following
                break
            seen.discard(id(around.pop()[0]))
        else:
            return _DEEP + 1


def _plain_other(value: Any, level: int) -> Any:
    if isinstance(value, float):
        if not -_INFINITY < value < _INFINITY:
            name = "+Inf" if value > 0 else "-Inf" if value < 0 else "NaN"
            raise UnwritableError(f"json: unsupported value: {name}")
        return value
    if isinstance(value, _NILS):
        return value if value else None
    if isinstance(value, bytes):
        from base64 import b64encode

        return b64encode(value).decode()
    as_json = getattr(value, "as_json", None)
    if as_json is not None:
        return as_json()
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return {_key(key): _plain(item, level + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, level + 1) for item in value]
    if isinstance(value, Struct):
        members = (member for member in value.members() if not (member[3] and _is_empty(member[1])))
        return _Fields({name: _plain(item, level + 1) for _, item, name, _ in members})
    raise UnwritableError(f"json: unsupported type: {type_name(value)}")


def _is_empty(value: Any) -> bool:
    return not value and not isinstance(value, Struct)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def is_odd(text: str) -> bool:
    """Whether there are bytes in a string that are not UTF-8."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def readable(value: Any) -> Any:
    """A plain value as it is read again: U+FFFD for each byte that is not UTF-8."""
    if isinstance(value, str):
        return _mended(value, "\ufffd") if is_odd(value) else value
    if isinstance(value, dict):
        return value.__class__({readable(key): readable(item) for key, item in value.items()})
    return [readable(item) for item in value] if isinstance(value, list) else value


def dumps(value: Any, *, html: bool = True, indent: str = "") -> str:
    """A value as json.Marshal writes it; `indent` as MarshalIndent. Raises UnwritableError."""
    made: list[str] = []
    _write(plain(value), made, html, indent, "\n" if indent else "")
    return "".join(made)


def _write(value: Any, made: list[str], html: bool, indent: str, newline: str) -> None:
    if isinstance(value, str):
        made.append(quote(value, html=html))
    elif value is None:
        made.append("null")
    elif value is True or value is False:
        made.append("true" if value else "false")
    elif isinstance(value, float):
        made.append(json_float(value))
    elif isinstance(value, int):
        made.append(str(value))
    elif isinstance(value, dict):
        _write_map(value, made, html, indent, newline)
    elif not value:
        made.append("[]")
    else:
        inner = newline + indent if newline else ""
        made.append("[" + inner)
        for i, item in enumerate(value):
            if i:
                made.append("," + inner)
            _write(item, made, html, indent, inner)
        made.append(newline + "]")


def _write_map(value: dict[str, Any], made: list[str], html: bool, indent: str, newline: str) -> None:
    if not value:
        made.append("{}")
        return
    inner = newline + indent if newline else ""
    colon = ": " if newline else ":"
    made.append("{" + inner)
    for i, key in enumerate(value if isinstance(value, _Fields) else sorted(value)):
        if i:
            made.append("," + inner)
        made.append(quote(key, html=html) + colon)
        _write(value[key], made, html, indent, inner)
    made.append(newline + "}")


def quote(text: str, *, html: bool = True) -> str:
    """A string as JSON."""
    if text.isascii() and text.isprintable() and not _MARKS.intersection(text):
        return f'"{text}"'
    written = text.translate(_HTML if html else _RAW)
    if is_odd(text):
        written = _mended(written, "\\ufffd")
    return f'"{written}"'


def _mended(text: str, instead: str) -> str:
    """A text with something else for each byte that is not UTF-8."""
    return "".join(instead if "\ud800" <= char <= "\udfff" else char for char in text)


def loads(text: str) -> Any:
    """The value of a JSON text, its numbers as float64. Raises ValueError in Go's words."""
    from corral.base.jsonreading import read  # few charts read any

    try:
        return read(text, parse_int=float, parse_constant=_no_constant)
    except ValueError:
        raise ValueError(_fault(text)) from None
    except RecursionError:
        raise ValueError("exceeded max depth") from None


def _fault(text: str) -> str:
    """What Go says of a text that is no JSON."""
    from corral.api import jsontext

    try:
        jsontext.parse(encoded(text) + b" ")  # as Go feeds itself one at the end
    except jsontext.TextError as error:
        return str(error)
    return jsontext.END


def _no_constant(name: str) -> Any:
    """NaN and Infinity, which Python's reader takes."""
    raise ValueError(name)
