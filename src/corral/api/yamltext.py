"""YAML bodies as the reference reads them (sigs.k8s.io/yaml over go-yaml v2): YAML 1.1 without times and sexagesimal numbers.

Only the first document counts. Keys become strings, whole floats become integers, as JSON has them.
"""

import json
import math
import re
from typing import Any

import yaml

from corral.api.jsontext import TextError
from corral.api.jsonvalues import MAX_DEPTH, TOO_DEEP

_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_EXACT_FLOAT = 1e21
#: Numbers that JSON does not have.
_NOT_FINITE = {
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
#: What aliases may stand for in all: as much as a request's body may hold.
MAX_ALIASED_BYTES = 3 * 1024 * 1024
#: What the loader says of a colon before a bracket, a brace or a comma, and how much is read again because of them.
_COLON = "found unexpected ':'"
MAX_READ_AGAIN_BYTES = 1024 * 1024
#: A text this long may nest too deep by indentation alone.
_MAY_INDENT_BYTES = MAX_DEPTH * MAX_DEPTH // 2


def parse(data: bytes) -> tuple[Any, list[str]]:
    """The value of the first document and, as strict errors, its repeated keys. Raises TextError."""
    read = 0
    while True:
        try:
            return _parsed(data)
        except yaml.MarkedYAMLError as error:
            read += len(data)
            if error.problem != _COLON or read > MAX_READ_AGAIN_BYTES:
                raise TextError(_message(error)) from None
            data = _mended(data, error)
        except yaml.reader.ReaderError as error:
            raise TextError(f"yaml: {error.reason}") from None
        except yaml.YAMLError as error:
            raise TextError(f"yaml: {error}") from None


def _parsed(data: bytes) -> tuple[Any, list[str]]:
    """The value and the repeated keys. Raises TextError and the loader's errors."""
    try:
        if _may_be_a_bomb(data):
            _refuse_bomb(data)
    except yaml.YAMLError:
        pass  # loading says what is wrong, which it comes to before it goes too deep
    loader = _Loader(data)
    try:
        node = loader.get_node() if loader.check_node() else None
        value = None if node is None else loader.construct_document(node)
    except ValueError as error:
        raise TextError(f"yaml: {error}") from None
    finally:
        loader.dispose()
    if loader.nameless is not None:
        told = f"key: <nil>, value: {loader.in_go(loader.nameless)}"
        raise TextError(f"Unsupported map key of type: %!s(<nil>), {told}")
    if loader.is_endless and (number := _not_finite(value)) is not None:
        raise TextError(f"json: unsupported value: {'NaN' if math.isnan(number) else '+Inf' if number > 0 else '-Inf'}")
    repeated = loader.repeated
    return value, ["yaml: unmarshal errors:\n" + "\n".join(repeated)] if repeated else []


def _mended(data: bytes, error: Any) -> bytes:
    """The text with quotes around a plain scalar like `a:` in `{a:}`: to go-yaml the colon is part of it."""
    text = data.decode("utf-8-sig", "replace")
    start, end = error.context_mark.index, error.problem_mark.index + 1
    while end < len(text) and text[end] not in ",?[]{} \t\r\n":
        end += 1
    quoted = text[start:end].replace("'", "''")
    return f"{text[:start]}'{quoted}'{text[end:]}".encode()


def _may_be_a_bomb(data: bytes) -> bool:
    """Whether a look at the parts is worth its time: no other text can nest deep, or stand for much more than it is."""
    if b"*" in data and b"&" in data:
        return True
    return len(data) >= _MAY_INDENT_BYTES or sum(map(data.count, (b"[", b"{", b"-", b"?"))) >= MAX_DEPTH


def _refuse_bomb(data: bytes) -> None:
    """Raise TextError for a text that nests too deep (the loader is C and would overflow its stack) or whose aliases grow."""
    sizes: dict[str, int] = {}
    within: list[tuple[str | None, int]] = []
    total_bytes = aliased_bytes = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            size = sizes.get(event.anchor or "", 0)
            if any(anchor == event.anchor for anchor, _ in within):
                raise TextError(f"yaml: anchor '{event.anchor}' value contains itself")
            total_bytes += size
            aliased_bytes += size
            if aliased_bytes > MAX_ALIASED_BYTES:
                raise TextError("yaml: document contains excessive aliasing")
        elif isinstance(event, yaml.ScalarEvent):
            total_bytes += 1 + len(event.value)
            if event.anchor:
                sizes[event.anchor] = 1 + len(event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            within.append((event.anchor, total_bytes))
            total_bytes += 1
            if len(within) > MAX_DEPTH:
                raise TextError(f"yaml: {TOO_DEEP}")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = within.pop()
            if anchor:
                sizes[anchor] = total_bytes - before


class _Loader(yaml.CSafeLoader):
    """PyYAML with the rules of go-yaml v2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own shape)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.repeated: list[str] = []
        #: The first value whose key is null: a mistake that is told when the text has no other.
        self.nameless: yaml.Node | None = None
        #: Whether there are numbers that JSON does not have.
        self.is_endless = False

    def construct_object_map(self, node: yaml.MappingNode) -> dict[str, Any]:
        self.flatten_mapping(node)
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, dict | list):
                raise ValueError(f"invalid map key: {self.in_go(key_node)}")
            if key is None and self.nameless is None:
                self.nameless = value_node
            key = _key(key)
            if key in made:
                self.repeated.append(f'  line {key_node.start_mark.line + 1}: key "{key}" already set in map')
            made[key] = self.construct_object(value_node, deep=True)
        return made

    def in_go(self, node: yaml.Node) -> str:
        """A node as Go's `%#v` writes what is read of it: what the errors of keys show."""
        if isinstance(node, yaml.MappingNode):
            items = [(self.in_go(key), self.in_go(value)) for key, value in node.value]
            items.sort(key=lambda item: (item[0].startswith('"'), item[0]))
            return "map[interface {}]interface {}{" + ", ".join(f"{key}:{value}" for key, value in items) + "}"
        if isinstance(node, yaml.SequenceNode):
            return "[]interface {}{" + ", ".join(map(self.in_go, node.value)) + "}"
        value = self.construct_object(node)
        if value is None:
            return "interface {}(nil)"
        if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False).replace("\\u00", "\\x")
        return str(value).lower()


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str):
        return key
    text = str(key)
    return text.replace("inf", ".inf").replace("nan", ".nan") if isinstance(key, float) else text


def _scalar(loader: _Loader, node: yaml.ScalarNode) -> Any:
    """A plain scalar by what it looks like."""
    text = node.value
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    # Underscores may stand within a number, and in front of its first digit only behind a sign.
    plain = text if text.startswith(("_", "._")) else text.replace("_", "")
    if _INTEGER.fullmatch(plain):
        return _integer(plain)
    if _FLOAT.fullmatch(plain) and math.isfinite(number := float(plain)):
        return _whole(number)
    if text in _NOT_FINITE:
        loader.is_endless = True
        return _NOT_FINITE[text]
    return text


def _not_finite(value: Any) -> float | None:
    """A number in a value that JSON does not have."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return next((number for part in parts if (number := _not_finite(part)) is not None), None)
    return value if isinstance(value, float) and not math.isfinite(value) else None


def _integer(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-").lower()
    if len(digits) > 1 and digits[0] == "0" and digits[1] not in "xbo":
        return sign * int(digits, 8)
    return sign * int(digits, 0)


def _whole(number: float) -> int | float:
    return int(number) if number.is_integer() and abs(number) < _EXACT_FLOAT else number


def _message(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    line = 0 if mark is None else mark.line
    if isinstance(error, yaml.scanner.ScannerError) and line:
        line += 1
    where = f"line {line}: " if line else ""
    return f"yaml: {where}{error.problem or error.context}"


_PLAIN = "tag:yaml.org,2002:plain"
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile("^<<$"), ["<"])
_Loader.add_implicit_resolver(_PLAIN, re.compile(r"^[^<].*$|^$|^<(?!<$)", re.DOTALL), None)
_Loader.add_constructor(_PLAIN, _scalar)
_Loader.add_constructor("tag:yaml.org,2002:merge", lambda loader, node: node.value)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_object_map)
