"""The few fields of a manifest that say what it is, without building the rest of it.

The whole text is checked as YAML nonetheless: what is broken must not reach a cluster.
"""

from corral.api.plainyaml import value_of
from corral.base.annotations import Any


def read(document: str) -> tuple[str, str, str, dict[str, str]]:
    """apiVersion, kind, metadata.name and metadata.annotations. Raises ValueError with Helm's words for what is no manifest."""
    value = value_of(document.encode("utf-8", "surrogateescape"))
    if value is None:
        return "", "", "", {}
    if not isinstance(value, dict):
        raise _mismatch(value, "Go value", "releaseutil.SimpleHead")
    meta = value.get("metadata")
    if not isinstance(meta, dict | None):
        raise _mismatch(
            meta,
            "Go struct field SimpleHead.metadata",
            'struct { Name string "json:\\"name\\""; Annotations map[string]string "json:\\"annotations\\"" }',
        )
    meta = meta or {}
    annotations = meta.get("annotations")
    if not isinstance(annotations, dict | None):
        raise _mismatch(annotations, "Go struct field .metadata.annotations", "map[string]string")
    return (
        _text(value.get("apiVersion"), "SimpleHead.apiVersion"),
        _text(value.get("kind"), "SimpleHead.kind"),
        _text(meta.get("name"), ".metadata.name"),
        {key: _text(item, ".metadata.annotations") for key, item in (annotations or {}).items()},
    )


def _text(value: Any, where: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise _mismatch(value, f"Go struct field {where}", "string")


def _mismatch(value: Any, where: str, wanted: str) -> ValueError:
    from corral.api.jsonvalues import json_kind

    got = json_kind(value)
    return ValueError(
        f"error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {got} into {where} of type {wanted}"
    )
