"""Container images as archives: the OCI image layout in a tar file (https://github.com/opencontainers/image-spec)."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any


def layer(files: Mapping[str, tuple[bytes, int]], links: Mapping[str, str] | None = None) -> bytes:
    """A layer of files (path → content and permission bits) and symbolic links (path → target)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (content, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return buffer.getvalue()


def image_archive(reference: str, architecture: str, content: bytes, config: Mapping[str, Any]) -> bytes:
    """An archive of one image called `reference` with one layer; `config` is its Entrypoint, Cmd, Env, User."""
    description = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [_digest(content)]},
            "history": [{"created_by": "corral"}],
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", description),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", content)],
        }
    )
    entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest) | {
        "annotations": {"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference},
        "platform": {"architecture": architecture, "os": "linux"},
    }
    index = _json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]})
    blobs = {f"blobs/sha256/{_digest(blob)[7:]}": (blob, 0o644) for blob in (content, description, manifest)}
    return layer({"oci-layout": (_json({"imageLayoutVersion": "1.0.0"}), 0o644), "index.json": (index, 0o644)} | blobs)


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
