"""Objects in a cluster, as releases need them: built from manifests, created in order, patched, replaced, deleted.

Any Kubernetes will do: kinds that are not built in are looked up in its discovery when a manifest first names one.
"""

import json
from itertools import groupby

from corral.api import facts
from corral.api.errors import ApiError
from corral.api.plainyaml import value_of
from corral.api.resources import Catalog, Resource
from corral.base.annotations import TYPE_CHECKING, Any, Callable, Iterable, NamedTuple, Sequence
from corral.charts.chart.errors import ChartError
from corral.charts.manifests.split import documents
from corral.charts.manifests.threeway import patch
from corral.client.blocking import Api
from corral.client.patchtypes import PATCH_CONTENT_TYPES
from corral.client.several import each

if TYPE_CHECKING:
    from corral.api.objects import Object


class Target(NamedTuple):
    """An object of a manifest and where it lives."""

    resource: Resource
    obj: "Object"

    @property
    def path(self) -> str:
        """Where it is in the API."""
        return self.resource.path(self.namespace, self.name)

    @property
    def kind(self) -> str:
        """Deployment and the like."""
        return self.resource.kind

    @property
    def name(self) -> str:
        """The object's name."""
        name: str = self.obj["metadata"]["name"]
        return name

    @property
    def namespace(self) -> str:
        """The object's namespace; "" where its kind has none."""
        namespace: str = self.obj["metadata"].get("namespace", "")
        return namespace

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same object in another manifest, whatever its version."""
        return self.resource.group, self.resource.kind, self.namespace, self.name


#: Called with what is being done, in Helm's words, for those who want to follow every step.
Debug = Callable[[str], None]


def unsaid(text: str) -> None:
    """Tell nobody."""


class Cluster:
    """One API and the namespace that releases are in."""

    def __init__(self, api: Api, catalog: Catalog, namespace: str, debug: Debug = unsaid) -> None:
        """`catalog` has the kinds that every cluster has."""
        self.api = api
        self.namespace = namespace
        self.debug = debug
        self._catalog = catalog
        self._groups: dict[str, list[Resource]] = {}

    def resource_of(self, api_version: str, kind: str) -> Resource | None:
        """The resource whose objects have this apiVersion and kind; None where this cluster has none."""
        found = self._catalog.of_kind(api_version, kind)
        if found is not None:
            return found
        if api_version not in self._groups:
            self._groups[api_version] = self._discover(api_version)
        return next((r for r in self._groups[api_version] if r.kind == kind), None)

    def forget_discovery(self) -> None:
        """Ask anew: definitions came or went."""
        self._groups.clear()

    def _discover(self, api_version: str) -> list[Resource]:
        group, _, version = api_version.rpartition("/")
        path = f"/apis/{api_version}" if group else f"/api/{version}"
        try:
            answer = self.api.get(path)
        except ApiError as error:
            if error.code != 404:
                raise
            return []
        return [
            Resource(group, version, r["name"], r["kind"], r.get("singularName", ""), bool(r["namespaced"]), tuple(r["verbs"]))
            for r in answer.get("resources", ())
            if "/" not in r["name"]
        ]

    def build(self, manifest: str, *, strict: bool = False) -> list[Target]:
        """The objects of a manifest, Lists taken apart. Raises ChartError for what this cluster cannot hold."""
        targets = []
        for document in documents(manifest):
            try:
                value = value_of(document.encode())
            except ValueError as error:
                raise ChartError(f"error parsing : {error}", "correct the template") from None
            if not value:
                continue
            if not isinstance(value, dict):
                raise ChartError("error parsing : a manifest is no mapping", "correct the template")
            for obj in value.get("items") or () if _is_list(value) else (value,):
                targets.append(self._target(obj, strict))
        return targets

    def _target(self, obj: Any, strict: bool) -> Target:
        if not isinstance(obj, dict) or not obj.get("kind") or not isinstance(obj.get("kind"), str):
            found = json.dumps(obj, ensure_ascii=False, separators=(",", ":"))
            raise ChartError(f"Object 'Kind' is missing in '{found[:200]}'", "give each manifest apiVersion and kind")
        api_version, kind = str(obj.get("apiVersion") or ""), obj["kind"]
        if not api_version:
            raise ChartError('error validating "": error validating data: apiVersion not set', f"give the {kind} an apiVersion")
        meta = obj.get("metadata")
        if not isinstance(meta, dict) or not isinstance(meta.get("name"), str):
            raise ChartError(f"{kind} in version {api_version} has no metadata.name", "give it one")
        resource = self.resource_of(api_version, kind)
        if resource is None:
            raise ChartError(
                f'resource mapping not found for name: "{meta["name"]}" namespace: "{meta.get("namespace", "")}" from "": no '
                f'matches for kind "{kind}" in version "{api_version}"\nensure CRDs are installed first',
                "is the apiVersion still served by this cluster? kubectl api-resources",
            )
        if strict:
            _check(resource, obj)
        if resource.namespaced and not meta.get("namespace"):
            meta["namespace"] = self.namespace
        elif not resource.namespaced:
            meta.pop("namespace", None)
        return Target(resource, obj)

    def get(self, target: Target) -> "Object | None":
        """The object as it is now; None where it is not there."""
        try:
            found: Object = self.api.get(target.path)
        except ApiError as error:
            if error.code != 404:
                raise
            return None
        return found

    def create(self, target: Target) -> "Object":
        """Create it. Raises ApiError."""
        return self.api.create(target.resource.path(target.namespace), target.obj)

    def create_all(self, targets: Sequence[Target]) -> None:
        """Create them in their order, those of one kind at once. Raises the first error when all at once have ended."""
        self.debug(f"creating {len(targets)} resource(s)")
        self.by_kind(targets, self.create)

    def by_kind(self, targets: Sequence[Target], act: Callable[[Target], object]) -> None:
        """Do `act` to all, kind after kind, those of one kind at once."""
        for _, same in groupby(targets, lambda t: t.kind):
            each(act, list(same))

    def bring(self, old: "Object", target: Target, live: "Object", *, force: bool = False) -> None:
        """Make the object, which is `live` now, what its manifest says, where the one before said `old`. Raises ApiError."""
        if force:
            self.debug(f'Replace "{target.name}" with kind {target.kind}')
            meta = {**target.obj["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}
            self.api.update(target.path, {**target.obj, "metadata": meta})
            return
        kind, change = patch(old, target.obj, live, schema_of(target.resource))
        if not change:
            self.debug(f'Looks like there are no changes for {target.kind} "{target.name}"')
        else:
            self.debug(f'Patch {target.kind} "{target.name}" in namespace {target.namespace}')
            self.api.patch(target.path, change, PATCH_CONTENT_TYPES[kind])

    def delete(self, target: Target, propagation: str = "Background") -> bool:
        """Delete it; whether it was there."""
        try:
            self.api.delete(target.path, propagation)
        except ApiError as error:
            if error.code != 404:
                raise
            self.debug(f'Ignoring delete failure for "{target.name}" {target.kind}: {error.message}')
            return False
        return True


def schema_of(resource: Resource) -> facts.Type | None:
    """The type by which strategic merge patches of this resource go; None for custom ones."""
    if facts.has_schema(resource.group, resource.version, resource.kind):
        return facts.schema(resource.group, resource.version, resource.kind)
    return None


def unique(targets: Iterable[Target]) -> dict[tuple[str, str, str, str], Target]:
    """Targets by what they are."""
    return {target.key: target for target in targets}


def _is_list(obj: "Object") -> bool:
    return isinstance(obj.get("items"), list) and str(obj.get("kind", "")).endswith("List")


def _check(resource: Resource, obj: "Object") -> None:
    """Raise ChartError where a built-in object has fields that there are not, or of the wrong type: before anything is made."""
    from corral.api.decode import decode

    if schema_of(resource) is None:
        return
    try:
        decode(json.dumps(obj).encode(), resource.group, resource.version, resource.kind, validation="Strict")
    except ApiError as error:
        raise ChartError(
            f'error validating "": error validating data: {error.message}',
            f"correct {resource.kind} {obj['metadata']['name']}, or leave it to the server: --disable-openapi-validation",
        ) from None
    except TypeError as error:
        raise ChartError(f'error validating "": {resource.kind} {obj["metadata"]["name"]}: {error}') from None
