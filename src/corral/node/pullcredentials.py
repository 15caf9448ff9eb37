"""The credentials in a pod's image pull secrets that may open a registry for an image. Pure.

https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/
"""

import base64
import contextlib
from collections.abc import Iterable, Mapping

from msgspec import MsgspecError, Struct
from msgspec.json import decode

from corral.api.objects import Object


class Credential(Struct, frozen=True):
    """`auth` is the CRI's AuthConfig; `secret` names the Secret it is of: `NAMESPACE/NAME/UID`."""

    auth: Mapping[str, str]
    secret: str


class _Entry(Struct):
    """What a Docker configuration says of one registry."""

    username: str | None = None
    password: str | None = None
    auth: str | None = None
    identitytoken: str | None = None


class _Configuration(Struct):
    auths: dict[str, _Entry] | None = None


def credentials(reference: str, secrets: Iterable[Object]) -> list[Credential]:
    """Those that match the image, the most specific first."""
    host, _, path = bare(normalized(reference)).partition("/")
    found: list[tuple[int, Credential]] = []
    for secret in secrets:
        meta = secret.get("metadata") or {}
        of = f"{meta.get('namespace', '')}/{meta.get('name', '')}/{meta.get('uid', '')}"
        for server, entry in _entries(secret):
            pattern = server.removeprefix("https://").removeprefix("http://").rstrip("/")
            pattern = "docker.io" if pattern in ("index.docker.io/v1", "index.docker.io", "docker.io") else pattern
            pattern = pattern.removesuffix("/v1").removesuffix("/v2")
            pattern_host, _, pattern_path = pattern.partition("/")
            if _host_matches(pattern_host, host) and (not pattern_path or f"{path}/".startswith(f"{pattern_path}/")):
                found.append((len(pattern), Credential(_auth(entry), of)))
    return [credential for _, credential in sorted(found, key=lambda pair: -pair[0])]


def normalized(reference: str) -> str:
    """`nginx` → `docker.io/library/nginx`; the host comes first, tag and digest stay."""
    first, slash, rest = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return reference
    return f"docker.io/{reference}" if slash else f"docker.io/library/{first}{rest}"


def default_tag(reference: str) -> str:
    """The reference with `:latest` where it names neither a tag nor a digest."""
    return reference if "@" in reference or ":" in reference.rpartition("/")[2] else f"{reference}:latest"


def bare(reference: str) -> str:
    """The reference without its tag and digest."""
    name = reference.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def _host_matches(pattern: str, host: str) -> bool:
    wanted, given = pattern.split("."), host.split(".")
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))


def _entries(secret: Object) -> Iterable[tuple[str, _Entry]]:
    """Those of a Secret; none where it is damaged, whoever wrote it."""
    data = secret.get("data") or {}
    with contextlib.suppress(ValueError, MsgspecError, RecursionError):
        if ".dockerconfigjson" in data:
            return (decode(base64.b64decode(data[".dockerconfigjson"]), type=_Configuration).auths or {}).items()
        if ".dockercfg" in data:
            return decode(base64.b64decode(data[".dockercfg"]), type=dict[str, _Entry]).items()
    return ()


def _auth(entry: _Entry) -> dict[str, str]:
    """An AuthConfig. It has no server address: what matches is decided here, and containerd takes only a URL of one host."""
    username, password = entry.username or "", entry.password or ""
    if entry.auth and not username:
        with contextlib.suppress(ValueError):
            username, _, password = base64.b64decode(entry.auth).decode().partition(":")
    made = {"username": username, "password": password}
    if entry.identitytoken:
        made["identity_token"] = entry.identitytoken
    return made
