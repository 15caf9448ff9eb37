"""The messages of Kubernetes' protobuf form: names, field numbers, types (`data/protobuf.txt`).

Some messages are no messages in JSON: times, quantities, unions. `SPECIAL` names them; how each is read and written stands in
`decode.py` and `encode.py`.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from corral.api import facts
from corral.api.facts import Type

MAGIC = b"k8s\0"
SCHEMA = "apiextensions.v1.JSONSchemaProps"


class ProtobufError(ValueError):
    """The bytes are not what they should be."""


class Field(NamedTuple):
    """One field of a message."""

    name: str
    type: str
    repeated: bool
    is_map: bool


#: Kinds that belong to every group, and those that have no schema of their own.
_EVERYWHERE = {
    name: f"meta.v1.{name}"
    for name in ("DeleteOptions", "Status", "WatchEvent", "APIVersions", "APIGroupList", "APIGroup", "APIResourceList")
}
_META = {
    ("meta.k8s.io/v1", "PartialObjectMetadata"): "meta.v1.PartialObjectMetadata",
    ("meta.k8s.io/v1", "PartialObjectMetadataList"): "meta.v1.PartialObjectMetadataList",
    ("meta.k8s.io/v1beta1", "PartialObjectMetadata"): "meta.v1.PartialObjectMetadata",
    ("meta.k8s.io/v1beta1", "PartialObjectMetadataList"): "meta.v1.PartialObjectMetadataList",
    ("apidiscovery.k8s.io/v2", "APIGroupDiscoveryList"): "apidiscovery.v2.APIGroupDiscoveryList",
}


@cache
def message_of(api_version: str, kind: str) -> str | None:
    """The message of a kind; None where it has none, as custom resources do not."""
    if kind in _EVERYWHERE:
        return _EVERYWHERE[kind]
    group, _, version = api_version.rpartition("/")
    name = _META.get((api_version, kind))
    if name is None and facts.has_schema(group, version, kind):
        name = facts.schema(group, version, kind).name
    return name if name in messages() else None


@cache
def messages() -> Mapping[str, str]:
    """message → its line in the data."""
    text = (Path(__file__).parent.parent / "data" / "protobuf.txt").read_text(encoding="utf-8")
    lines = (line.partition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: rest for name, _, rest in lines}


@cache
def fields(message: str) -> Mapping[int, Field]:
    """The fields of a message by number."""
    found = {}
    for word in messages()[message].split():
        name, _, rest = word.partition("=")
        number, _, type_ = rest.partition(":")
        plain = type_.removeprefix("[]").removeprefix("{}")
        found[int(number)] = Field(name, plain, type_.startswith("[]"), type_.startswith("{}"))
    return found


@cache
def json_type(message: str) -> Type | None:
    """The JSON type that a message is the other form of; None where Go embeds it, or it is no object."""
    try:
        return facts.named(message)
    except KeyError:
        return None
