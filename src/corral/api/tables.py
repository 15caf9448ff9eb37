"""The columns of tables, and an object's age in them.

The rows are made by each kind's `Rules.cells`. See
https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from corral.api.durations import elapsed
from corral.api.objects import Object
from corral.api.resources import Resource

_USUAL = ("Name", "Age")
_TYPES = ("integer", "boolean", "date", "number")
_DESCRIPTIONS = {
    "Name": "The name of the object, unique among those of its kind in its namespace.",
    "Age": "The time since the object was created.",
    "Created At": "The time at which the object was created.",
}


def columns(resource: Resource) -> list[Object]:
    """The column definitions of a built-in resource. Shared: read only."""
    return _defined(resource.group_resource)


def definitions(names: Sequence[str]) -> list[Object]:
    """Column definitions of `NAME`, `NAME:TYPE`, `+NAME` (shown by `-o wide` only)."""
    return [_definition(name) for name in names]


def age(obj: Object, now_s: float) -> str:
    """How long ago `obj` was created: `5s`, `3m20s`, `2d4h`; `<unknown>` where it was not."""
    return elapsed(obj["metadata"].get("creationTimestamp"), now_s)


@cache
def _defined(group_resource: str) -> list[Object]:
    return definitions(_table().get(group_resource, _USUAL))


@cache
def _table() -> dict[str, tuple[str, ...]]:
    text = (Path(__file__).parent / "data" / "columns.txt").read_text(encoding="utf-8")
    rows = (line.split(" = ") for line in text.splitlines() if not line.startswith("#"))
    return {name: tuple(rest.split(" | ")) for name, rest in rows}


def _definition(text: str) -> Object:
    name, _, type_ = text.removeprefix("+").partition(":")
    return {
        "name": name,
        "type": type_ if type_ in _TYPES else "string",
        "format": "name" if name == "Name" or type_ == "name" else "",
        "description": _DESCRIPTIONS.get(name, name),
        "priority": 1 if text.startswith("+") else 0,
    }
