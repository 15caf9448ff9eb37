"""Images for pods: present or pulled, with the pod's credentials, and with patience after a failure.

https://kubernetes.io/docs/concepts/containers/images/
"""

import base64
import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from corral.api.objects import Object
from corral.base.backoff import Backoff
from corral.base.clock import Clock
from corral.node.cri.errors import CriError
from corral.node.cri.images import Images
from corral.node.cri.types import Image

BACKOFF_FIRST_S = 10.0
BACKOFF_MAX_S = 300.0
Say = Callable[[str, str, str], None]


class ImageError(Exception):
    """An image is not to be had now. `reason` is what the container's waiting state says; `retry_s` when to try again."""

    def __init__(self, reason: str, message: str, retry_s: float) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_s = retry_s


class Wanted(Struct, frozen=True):
    """An image that a container of pod `uid` asks for."""

    uid: str
    reference: str
    policy: str


class Puller:
    """Makes images present. One failing image of one pod does not hold up others."""

    def __init__(self, images: Images, clock: Clock) -> None:
        self._images = images
        self._clock = clock
        self._backoff = Backoff(clock, BACKOFF_FIRST_S, BACKOFF_MAX_S)
        self._last_error: dict[tuple[str, str], str] = {}

    async def ensure(
        self, wanted: Wanted, credentials: Iterable[Mapping[str, str]], sandbox: dict[str, Any], say: Say
    ) -> Image:
        """The image, pulled where the policy asks for it. `say(type, reason, message)` writes an event. Raises ImageError."""
        reference = wanted.reference
        key = (wanted.uid, reference)
        present = await self._present(reference, say)
        if wanted.policy == "Never" and present is None:
            message = f'Container image "{reference}" is not present with pull policy of Never'
            say("Warning", "ErrImageNeverPull", message)
            raise ImageError("ErrImageNeverPull", message, BACKOFF_FIRST_S)
        if present is not None and wanted.policy != "Always":
            say("Normal", "Pulled", f'Container image "{reference}" already present on machine and can be accessed by the pod')
            return present
        if (wait_s := self._backoff.remaining(key)) > 0:
            say("Normal", "BackOff", f'Back-off pulling image "{reference}"')
            why = self._last_error.get(key, "")
            message = f'Back-off pulling image "{reference}"' + (f": {why}" if why else "")
            raise ImageError("ImagePullBackOff", message, wait_s)
        return await self._pull(key, reference, list(credentials), sandbox, say)

    async def _present(self, reference: str, say: Say) -> Image | None:
        try:
            return await self._images.image(reference)
        except CriError as error:
            say("Warning", "InspectFailed", f'Failed to inspect image "{reference}": {error}')
            message = f'Failed to inspect image "{reference}": {error}'
            raise ImageError("ImageInspectError", message, BACKOFF_FIRST_S) from None

    async def _pull(
        self, key: tuple[str, str], reference: str, credentials: list[Mapping[str, str]], sandbox: dict[str, Any], say: Say
    ) -> Image:
        say("Normal", "Pulling", f'Pulling image "{reference}"')
        began_s = self._clock.monotonic()
        failure: CriError | None = None
        tries: list[Mapping[str, str] | None] = [*credentials] or [None]
        for auth in tries:
            try:
                pulled = await self._images.pull(reference, auth, sandbox)
                found = await self._images.image(pulled) or await self._images.image(reference)
            except CriError as error:
                failure = error
                continue
            if found is not None:
                took = f"{round(self._clock.monotonic() - began_s, 3):g}s"
                text = f'Successfully pulled image "{reference}" in {took} ({took} including waiting).'
                say("Normal", "Pulled", f"{text} Image size: {found.size_bytes} bytes.")
                self._backoff.forget(key)
                return found
        wait_s = self._backoff.next(key)
        self._last_error[key] = f"ErrImagePull: {failure}"
        say("Warning", "Failed", f'Failed to pull image "{reference}": {failure}')
        say("Warning", "Failed", "Error: ErrImagePull")
        # The reason of the moment is ErrImagePull; a little later it is ImagePullBackOff, until the wait is over.
        raise ImageError("ErrImagePull", str(failure), min(wait_s, 1.0))


def credentials(reference: str, secrets: Iterable[Object]) -> list[dict[str, str]]:
    """The AuthConfigs in image pull secrets that match the image, the most specific first."""
    host, _, path = normalized(reference).partition("/")
    found: list[tuple[int, dict[str, str]]] = []
    for secret in secrets:
        for server, entry in _entries(secret):
            pattern = server.removeprefix("https://").removeprefix("http://").rstrip("/")
            pattern = "docker.io" if pattern in ("index.docker.io/v1", "index.docker.io", "docker.io") else pattern
            pattern = pattern.removesuffix("/v1").removesuffix("/v2")
            pattern_host, _, pattern_path = pattern.partition("/")
            if _host_matches(pattern_host, host) and (not pattern_path or f"{path}/".startswith(f"{pattern_path}/")):
                found.append((len(pattern), _auth(entry)))
    return [auth for _, auth in sorted(found, key=lambda pair: -pair[0])]


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
