"""A release as bytes and back: JSON with Helm's names, gzipped, in base64.

Bounded when read: a Secret is small, but what it unpacks to need not be.
"""

import base64
import binascii
import json
import zlib

from corral.base.annotations import Any
from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Chart, File
from corral.charts.manifests.split import Hook
from corral.charts.releases.model import UNKNOWN, Release

MAX_RELEASE_BYTES = 64 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
#: Up to here a float holds every whole number.
_EXACT = 2**53
_NEVER = {"started_at": "", "completed_at": "", "phase": ""}


def encode(release: Release) -> bytes:
    """What is stored (Secrets hold it in base64 once more)."""
    content = content_of_release(release)
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    data = _utf8(json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    return base64.b64encode(packer.compress(data) + packer.flush())


def _utf8(text: str) -> bytes:
    """A text as bytes; what is no character (a byte of a command line that is no UTF-8) is U+FFFD, as in Go's JSON."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        import re

        return re.sub("[\ud800-\udfff]", "\ufffd", text).encode()


def content_of_release(release: Release) -> dict[str, Any]:
    """The JSON of a release, with Helm's names."""
    info = {
        "first_deployed": release.first_deployed,
        "last_deployed": release.last_deployed,
        "deleted": release.deleted,
        "description": release.description,
        "status": release.status,
        "notes": release.notes,
    }
    content = {
        "name": release.name,
        "info": {key: value for key, value in info.items() if value or key == "deleted"},
        "chart": release.stored_chart or chart_json(release.chart),
        "config": plain(release.config),
        "manifest": release.manifest,
        "hooks": [_hook_json(hook) for hook in release.hooks],
        "version": release.version,
        "namespace": release.namespace,
    }
    return {key: value for key, value in content.items() if value not in ("", [], {}) or key == "chart"}


def decode(data: bytes, labels: dict[str, str] | None = None) -> Release:
    """The release that was stored. Raises ChartError for what is none."""
    content = content_of(data)
    try:
        info = content.get("info") or {}
        return Release(
            name=content["name"],
            namespace=content.get("namespace", ""),
            version=int(content.get("version", 0)),
            config=content.get("config") or {},
            manifest=content.get("manifest", ""),
            hooks=[_hook(hook) for hook in content.get("hooks") or ()],
            status=info.get("status", UNKNOWN),
            description=info.get("description", ""),
            notes=info.get("notes", ""),
            first_deployed=info.get("first_deployed", ""),
            last_deployed=info.get("last_deployed", ""),
            deleted=info.get("deleted", ""),
            labels=labels or {},
            stored_chart=content.get("chart") or {},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(error) from None


def content_of(data: bytes) -> dict[str, Any]:
    """The stored JSON. Raises ChartError."""
    try:
        packed = base64.b64decode(data)
        # Releases of the first Helm 3 were not packed.
        if packed.startswith(b"\x1f\x8b"):
            unpacker = zlib.decompressobj(_GZIP)
            packed = unpacker.decompress(packed, MAX_RELEASE_BYTES)
            if unpacker.unconsumed_tail:
                raise ChartError(f"a stored release is larger than {MAX_RELEASE_BYTES} bytes", "delete its Secret")
        content = json.loads(packed)
    except (binascii.Error, zlib.error, ValueError, RecursionError) as error:
        raise _damaged(error) from None
    if not isinstance(content, dict):
        raise _damaged(TypeError("no object"))
    return content


def chart_json(chart: Chart) -> dict[str, Any]:
    """A chart as it is stored: its dependencies are not, as in Helm."""
    return {
        "metadata": chart.metadata,
        "lock": chart.lock,
        "templates": _files_json(chart.templates),
        "values": plain(chart.values) or None,
        "schema": None if chart.schema is None else base64.b64encode(chart.schema).decode(),
        "files": _files_json(chart.files),
    }


def plain(value: Any) -> Any:
    """Values as Go writes them into JSON: keys in their order, whole numbers without a fraction."""
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value


def _files_json(files: list[File]) -> list[dict[str, str]] | None:
    return [{"name": file.name, "data": base64.b64encode(file.data).decode()} for file in files] or None


def chart_of(content: dict[str, Any]) -> Chart:
    """The chart that was stored. Raises ChartError where it is damaged."""
    try:
        schema = content.get("schema")
        return Chart(
            metadata=content.get("metadata") or {},
            values=content.get("values") or {},
            schema=base64.b64decode(schema) if schema else None,
            lock=content.get("lock"),
            templates=_files_of(content.get("templates")),
            files=_files_of(content.get("files")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(error) from None


def _files_of(stored: list[dict[str, str]] | None) -> list[File]:
    return [File(file["name"], base64.b64decode(file["data"] or "")) for file in stored or ()]


def _hook_json(hook: Hook) -> dict[str, Any]:
    made = {
        "name": hook.name,
        "kind": hook.kind,
        "path": hook.path,
        "manifest": hook.manifest,
        "events": hook.events,
        "last_run": hook.last_run or _NEVER,
        "weight": hook.weight,
        "delete_policies": hook.delete_policies,
    }
    return {key: value for key, value in made.items() if value not in ("", 0, [])}


def _hook(content: dict[str, Any]) -> Hook:
    return Hook(
        name=content.get("name", ""),
        kind=content.get("kind", ""),
        path=content.get("path", ""),
        manifest=content.get("manifest", ""),
        events=content.get("events") or [],
        weight=content.get("weight", 0),
        delete_policies=content.get("delete_policies") or [],
        last_run=content.get("last_run") or {},
    )


def _damaged(error: Exception) -> ChartError:
    return ChartError(f"a stored release is damaged: {error}", "delete its Secret (type helm.sh/release.v1) and install again")
