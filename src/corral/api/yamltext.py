"""YAML bodies as the reference reads them (sigs.k8s.io/yaml over go-yaml v2): YAML 1.1 without times and sexagesimal numbers.

Only the first document counts. Keys become strings, whole floats become integers, as JSON has them.
"""

import re
from typing import Any

import yaml

from corral.api.jsontext import TextError

_TRUE = ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")
_FALSE = ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_EXACT_FLOAT = 1e21


def parse(data: bytes) -> tuple[Any, list[str]]:
    """The value of the first document and, as strict errors, its repeated keys. Raises TextError."""
    loader = _Loader(data)
    try:
        node = loader.get_node() if loader.check_node() else None
        value = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise TextError(_message(error)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise TextError(f"yaml: {error}") from None
    finally:
        loader.dispose()
    repeated = loader.repeated
    return value, ["yaml: unmarshal errors:\n" + "\n".join(repeated)] if repeated else []


class _Loader(yaml.CSafeLoader):
    """PyYAML with the rules of go-yaml v2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own shape)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.repeated: list[str] = []

    def construct_object_map(self, node: yaml.MappingNode) -> dict[str, Any]:
        self.flatten_mapping(node)
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(self.construct_object(key_node, deep=True))
            if key in made:
                self.repeated.append(f'  line {key_node.start_mark.line + 1}: key "{key}" already set in map')
            made[key] = self.construct_object(value_node, deep=True)
        return made


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str):
        return key
    if isinstance(key, int | float):
        return str(key)
    raise ValueError(f"unsupported map key: {key!r}")


def _scalar(loader: _Loader, node: yaml.ScalarNode) -> Any:
    """A plain scalar by what it looks like."""
    text = node.value
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    plain = text.replace("_", "")
    if _INTEGER.fullmatch(plain):
        return _integer(plain)
    if _FLOAT.fullmatch(plain):
        return _whole(float(plain))
    return text


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
