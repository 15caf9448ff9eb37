"""The credentials in a pod's image pull secrets that may open a registry for an image. Pure.

https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/
"""

import base64
import contextlib
import json
from collections.abc import Iterable, Mapping

from msgspec import Struct

from corral.api.objects import Object


class Credential(Struct, frozen=True):
    """`auth` is the CRI's AuthConfig; `secret` names the Secret it is of: `NAMESPACE/NAME/UID`."""

    auth: Mapping[str, str]
    secret: str


def credentials(reference: str, secrets: Iterable[Object]) -> list[Credential]:
    """Those that match the image, the most specific first."""
    host, _, path = normalized(reference).partition("/")
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


def _host_matches(pattern: str, host: str) -> bool:
    wanted, given = pattern.split("."), host.split(".")
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))


def _entries(secret: Object) -> Iterable[tuple[str, Mapping[str, str]]]:
    data = secret.get("data") or {}
    try:
        if ".dockerconfigjson" in data:
            return list(json.loads(base64.b64decode(data[".dockerconfigjson"])).get("auths", {}).items())
        if ".dockercfg" in data:
            return list(json.loads(base64.b64decode(data[".dockercfg"])).items())
    except (ValueError, AttributeError):
        pass
    return []


def _auth(entry: Mapping[str, str]) -> dict[str, str]:
    """An AuthConfig. It has no server address: what matches is decided here, and containerd takes only a URL of one host."""
    username, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth") and not username:
        with contextlib.suppress(ValueError):
            username, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    made = {"username": username, "password": password}
    if entry.get("identitytoken"):
        made["identity_token"] = entry["identitytoken"]
    return made
