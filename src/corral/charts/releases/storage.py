"""Where releases live: a Secret (or ConfigMap) a revision, in the release's namespace, with Helm's names and labels.

$HELM_DRIVER chooses, as it does for Helm: secret (the default) or configmap.
https://helm.sh/docs/topics/advanced/#storage-backends
"""

import base64

from corral.api.errors import ApiError
from corral.base.annotations import Any, Iterable
from corral.charts.chart.errors import ChartError
from corral.charts.releases.codec import decode, encode
from corral.charts.releases.model import DEPLOYED, Release
from corral.client.blocking import METADATA_ONLY, Api

SECRET_TYPE = "helm.sh/release.v1"
SYSTEM_LABELS = frozenset(("name", "owner", "status", "version", "createdAt", "modifiedAt"))
_DRIVERS = {"": "secrets", "secret": "secrets", "secrets": "secrets", "configmap": "configmaps", "configmaps": "configmaps"}


class NotFoundError(ChartError):
    """There is no such release."""

    def __init__(self, message: str = "release: not found") -> None:
        super().__init__(message, "see which there are: corral chart list -A")


class Releases:
    """The releases of one namespace; of all where it is ""."""

    def __init__(self, api: Api, namespace: str, driver: str = "", max_history: int = 0) -> None:
        if driver not in _DRIVERS:
            raise ChartError(f"unknown driver in HELM_DRIVER: {driver}", "use secret or configmap")
        self._api = api
        self._namespace = namespace
        self._resource = _DRIVERS[driver]
        self._path = f"/api/v1/namespaces/{namespace}/{self._resource}" if namespace else f"/api/v1/{self._resource}"
        self.max_history = max_history
        #: Why revisions were left out that are damaged.
        self.damaged: list[ChartError] = []

    def all(self, selector: str = "") -> list[Release]:
        """Every revision of every release; damaged ones are left out, and told in `damaged`."""
        return self._readable(self._found(selector))

    def latest(self, selector: str = "") -> list[Release]:
        """The newest revision of each release; the others are not unpacked, and damaged ones are told in `damaged`."""
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for obj in self._found(selector):
            meta = obj["metadata"]
            key = meta.get("namespace", ""), meta.get("labels", {}).get("name", "")
            known = newest.get(key)
            if known is None or _version(known) < _version(obj):
                newest[key] = obj
        return self._readable(newest.values())

    def history(self, name: str) -> list[Release]:
        """All revisions, oldest first. Raises NotFoundError where there is none, ChartError where the newest is damaged.

        Older ones that are damaged are left out, so that a release does not depend on what it was once.
        """
        newest_first = sorted(self._found(f"name={name}"), key=_version, reverse=True)
        newest = self._read(newest_first[0]) if newest_first else None
        found = [*([] if newest is None else [newest]), *self._readable(newest_first[1:])]
        if not found:
            raise NotFoundError
        return sorted(found, key=lambda r: r.version)

    def get(self, name: str, version: int) -> Release:
        """One revision; the newest where `version` is 0. Raises NotFoundError."""
        if version == 0:
            newest_first = sorted(self._found(f"name={name}"), key=_version, reverse=True)
            release = next((r for r in map(self._read, newest_first) if r is not None), None)
            if release is None:
                raise NotFoundError
            return release
        try:
            obj = self._api.get(self._object_path(name, version))
        except ApiError as error:
            if error.code != 404:
                raise
            raise NotFoundError from None
        release = self._read(obj)
        if release is None:
            raise NotFoundError
        return release

    def deployed(self, name: str) -> list[Release]:
        """The revisions that are deployed, newest first."""
        found = self._readable(self._found(f"name={name},status={DEPLOYED}"))
        return sorted(found, key=lambda r: -r.version)

    def create(self, release: Release, now_s: float) -> None:
        """Store a new revision and forget the oldest beyond the limit. Raises ChartError where it is there already."""
        if self.max_history > 0:
            self._forget_oldest(release.name, self.max_history - 1)
        try:
            self._api.create(self._path, self._object(release, {"createdAt": str(int(now_s))}))
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

    def update(self, release: Release, now_s: float) -> None:
        """Store what has become of a revision."""
        body = self._object(release, {"modifiedAt": str(int(now_s))})
        try:
            self._api.update(self._object_path(release.name, release.version), body)
        except ApiError as error:
            if error.code == 404:
                raise NotFoundError from None
            raise ChartError(f"update: failed to update: {error.message}", _remedy(error)) from None

    def status(self, name: str) -> str:
        """That of the newest revision. Raises NotFoundError where there is none."""
        heads = self._heads(name)
        if not heads:
            raise NotFoundError
        return str(heads[-1]["metadata"]["labels"].get("status", ""))

    def forget(self, name: str) -> None:
        """Delete all revisions."""
        for head in self._heads(name):
            self._delete(head)

    def _forget_oldest(self, name: str, keep: int) -> None:
        """Leave `keep` revisions: the oldest go first, the one that is deployed never."""
        heads = self._heads(name)
        deployed = max((_version(h) for h in heads if h["metadata"]["labels"].get("status") == DEPLOYED), default=0)
        for head in [h for h in heads if _version(h) != deployed][: max(len(heads) - keep, 0)]:
            self._delete(head)

    def _delete(self, head: dict[str, Any]) -> None:
        try:
            self._api.delete(f"{self._path}/{head['metadata']['name']}")
        except ApiError as error:
            if error.code != 404:
                raise

    def _heads(self, name: str) -> list[dict[str, Any]]:
        """What is stored of a release, oldest first, without what is packed in it: names and labels."""
        selector = {"labelSelector": f"owner=helm,name={name}"}
        return sorted(self._api.list(self._path, selector, accept=METADATA_ONLY)[0], key=_version)

    def _found(self, selector: str) -> Iterable[dict[str, Any]]:
        wanted = f"owner=helm,{selector}" if selector else "owner=helm"
        return self._api.list(self._path, {"labelSelector": wanted})[0]

    def _object_path(self, name: str, version: int) -> str:
        return f"{self._path}/{_key(name, version)}"

    def _read(self, obj: dict[str, Any]) -> Release | None:
        data = (obj.get("data") or {}).get("release")
        if data is None:
            return None
        packed = base64.b64decode(data) if self._resource == "secrets" else data.encode()
        meta = obj["metadata"]
        labels = {k: v for k, v in meta.get("labels", {}).items() if k not in SYSTEM_LABELS}
        try:
            return decode(packed, labels)
        except ChartError as error:
            what, where = self._resource.removesuffix("s"), meta.get("namespace") or self._namespace
            raise ChartError(
                f"{error.message} ({what} {meta['name']} in namespace {where})",
                f"put it back from a backup, or forget it: kubectl delete {what} {meta['name']} -n {where}",
            ) from None

    def _readable(self, objs: Iterable[dict[str, Any]]) -> list[Release]:
        found = []
        for obj in objs:
            try:
                release = self._read(obj)
            except ChartError as error:
                self.damaged.append(error)
                continue
            if release is not None:
                found.append(release)
        return found

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
