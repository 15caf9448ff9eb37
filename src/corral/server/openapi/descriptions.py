"""The prose of the API, for `kubectl explain`: it comes from the package kubernetes-validate, where that is installed.

`pip install corral[explain]` brings it. Corral itself ships the facts of the API only.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import orjson

PACKAGE = "kubernetes_validate"
_DEFINITIONS = Path("kubernetes-json-schema") / "v1.36.0-local" / "_definitions.json"

#: definition → its description under "", and those of its fields by name.
Descriptions = Mapping[str, Mapping[str, str]]


def source() -> Path | None:
    """The file with the prose; None where the package (or this version in it) is missing."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / _DEFINITIONS
    return path if path.is_file() else None


def read() -> Descriptions:
    """All descriptions; none where there is no source. A megabyte: for building a document, not for keeping."""
    path = source()
    if path is None:
        return {}
    definitions = orjson.loads(path.read_bytes())["$defs"]
    return {name: _texts(schema) for name, schema in definitions.items()}


def _texts(schema: dict[str, object]) -> dict[str, str]:
    texts = {"": str(schema.get("description", ""))}
    fields = schema.get("properties")
    if isinstance(fields, dict):
        texts.update((name, field["description"]) for name, field in fields.items() if "description" in field)
    return texts
