"""Where releases live: a Secret (or ConfigMap) a revision, in the release's namespace, with Helm's names and labels.

$HELM_DRIVER chooses, as it does for Helm: secret (the default) or configmap.
https://helm.sh/docs/topics/advanced/#storage-backends
"""

import base64
from collections.abc import Iterable
from typing import Any

import orjson

from corral.api.errors import ApiError
from corral.charts.chart.errors import ChartError
from corral.charts.releases.codec import decode, encode
from corral.charts.releases.model import DEPLOYED, Release
from corral.client.client import Client

SECRET_TYPE = "helm.sh/release.v1"
SYSTEM_LABELS = frozenset(("name", "owner", "status", "version", "createdAt", "modifiedAt"))
_DRIVERS = {"": "secrets", "secret": "secrets", "secrets": "secrets", "configmap": "configmaps", "configmaps": "configmaps"}


class NotFoundError(ChartError):
    """There is no such release."""

    def __init__(self, message: str = "release: not found") -> None:
        super().__init__(message, "see which there are: corral chart list -A")


class Releases:
    """The releases of one namespace; of all where it is ""."""

    def __init__(self, client: Client, namespace: str, driver: str = "", max_history: int = 0) -> None:
        if driver not in _DRIVERS:
            raise ChartError(f"unknown driver in HELM_DRIVER: {driver}", "use secret or configmap")
        self._client = client
        self._namespace = namespace
        self._resource = _DRIVERS[driver]
        self.max_history = max_history

    async def all(self, selector: str = "") -> list[Release]:
        """Every revision of every release, those that cannot be read left out."""
        return [release for release in map(self._read, await self._found(selector)) if release is not None]

    async def latest(self, selector: str = "") -> list[Release]:
        """The newest revision of each release; the others are not unpacked."""
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for obj in await self._found(selector):
            meta = obj["metadata"]
            key = meta.get("namespace", ""), meta.get("labels", {}).get("name", "")
            known = newest.get(key)
            if known is None or _version(known) < _version(obj):
                newest[key] = obj
        return [release for release in map(self._read, newest.values()) if release is not None]

    async def history(self, name: str) -> list[Release]:
        """All revisions, oldest first. Raises NotFoundError where there is none."""
        found = [r for r in map(self._read, await self._found(f"name={name}")) if r is not None]
        if not found:
            raise NotFoundError
        return sorted(found, key=lambda r: r.version)

    async def get(self, name: str, version: int) -> Release:
        """One revision; the newest where `version` is 0. Raises NotFoundError."""
        if version == 0:
            return (await self.history(name))[-1]
        try:
            obj = await self._client.get(self._resource, _key(name, version), self._namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            raise NotFoundError from None
        release = self._read(obj)
        if release is None:
            raise NotFoundError
        return release

    async def deployed(self, name: str) -> list[Release]:
        """The revisions that are deployed, newest first."""
        found = [r for r in map(self._read, await self._found(f"name={name},status={DEPLOYED}")) if r is not None]
        return sorted(found, key=lambda r: -r.version)

    async def create(self, release: Release, now_s: float) -> None:
        """Store a new revision and forget the oldest beyond the limit. Raises ChartError where it is there already."""
        if self.max_history > 0:
            await self._forget_oldest(release.name, self.max_history - 1)
        try:
            await self._client.create(self._resource, self._object(release, {"createdAt": str(int(now_s))}), self._namespace)
        except ApiError as error:
            if error.code == 409 and error.reason == "AlreadyExists":
                raise ChartError(
                    "another operation (install/upgrade/rollback) is in progress",
                    f"wait for it to end; what there is of it: corral chart history {release.name}",
                ) from None
            if error.code in (413, 422) and "long" in error.message.lower():
                raise ChartError(
                    f"create: failed to create: {error.message}",
                    "a release must be smaller than 1 MiB: leave files out of the chart (.helmignore)",
                ) from None
            raise ChartError(f"create: failed to create: {error.message}", _remedy(error)) from None

    async def update(self, release: Release, now_s: float) -> None:
        """Store what has become of a revision."""
        body = self._object(release, {"modifiedAt": str(int(now_s))})
        body["metadata"]["namespace"] = self._namespace
        try:
            await self._client.update(self._resource, body)
        except ApiError as error:
            if error.code == 404:
                raise NotFoundError from None
            raise ChartError(f"update: failed to update: {error.message}", _remedy(error)) from None

    async def delete(self, release: Release) -> None:
        """Forget a revision."""
        try:
            await self._client.delete(self._resource, _key(release.name, release.version), self._namespace)
        except ApiError as error:
            if error.code != 404:
                raise

    async def _forget_oldest(self, name: str, keep: int) -> None:
        """Leave `keep` revisions: the oldest go first, the one that is deployed never."""
        try:
            history = await self.history(name)
        except NotFoundError:
            return
        deployed = max((r.version for r in history if r.status == DEPLOYED), default=0)
        surplus = len(history) - keep
        for release in history:
            if surplus <= 0:
                return
            if release.version != deployed:
                await self.delete(release)
                surplus -= 1

    async def _found(self, selector: str) -> Iterable[dict[str, Any]]:
        wanted = f"owner=helm,{selector}" if selector else "owner=helm"
        listing = await self._client.list(self._resource, self._namespace, label_selector=wanted)
        return [orjson.loads(item.raw) for item in listing.items]

    def _read(self, obj: dict[str, Any]) -> Release | None:
        data = (obj.get("data") or {}).get("release")
        if data is None:
            return None
        packed = base64.b64decode(data) if self._resource == "secrets" else data.encode()
        labels = {k: v for k, v in obj["metadata"].get("labels", {}).items() if k not in SYSTEM_LABELS}
        return decode(packed, labels)

    def _object(self, release: Release, times: dict[str, str]) -> dict[str, Any]:
        text = encode(release).decode()
        labels = {"name": release.name, "owner": "helm", "status": release.status, "version": str(release.version)}
        metadata = {"name": _key(release.name, release.version), "labels": {**release.labels, **labels, **times}}
        if self._resource == "configmaps":
            return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"release": text}}
        data = base64.b64encode(text.encode()).decode()
        return {"apiVersion": "v1", "kind": "Secret", "type": SECRET_TYPE, "metadata": metadata, "data": {"release": data}}


def _key(name: str, version: int) -> str:
    return f"sh.helm.release.v1.{name}.v{version}"


def _version(obj: dict[str, Any]) -> int:
    text = obj["metadata"].get("labels", {}).get("version", "0")
    return int(text) if text.isdigit() else 0


def _remedy(error: ApiError) -> str:
    return "ask for the right to write Secrets in this namespace" if error.code == 403 else ""
