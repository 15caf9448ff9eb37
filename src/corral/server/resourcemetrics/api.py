"""The group version metrics.k8s.io/v1beta1: NodeMetrics and PodMetrics, to be got and listed.

https://github.com/kubernetes/metrics (k8s.io/metrics/pkg/apis/metrics/v1beta1) defines the objects.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from corral.api.errors import ApiError, method_not_allowed, no_such_resource, not_found
from corral.api.objects import Object
from corral.api.selectors import FieldTerm, Requirement, parse_fields, parse_labels
from corral.api.tables import definitions
from corral.base.clock import Clock, rfc3339
from corral.server.lookup import Lookup
from corral.server.negotiate import META_GROUP, Wanted, wanted
from corral.server.represent import partial, respond
from corral.server.request import Request, Response
from corral.server.resourcemetrics import document
from corral.server.resourcemetrics.document import API_VERSION, GROUP, VERSION
from corral.server.resourcemetrics.samples import Usage
from corral.server.resourcemetrics.scraper import Scraper
from corral.server.selection import METADATA_FIELDS, unselectable

KIB = 1024


class ResourceMetrics:
    """A `Local` of the aggregation layer."""

    group, version = GROUP, VERSION

    def __init__(self, lookup: Lookup, scraper: Scraper, clock: Clock) -> None:
        self._lookup = lookup
        self._scraper = scraper
        self._clock = clock

    def resource_list(self) -> Object:
        """The discovery document."""
        return document.RESOURCES

    def openapi(self) -> Object:
        """The OpenAPI document."""
        return document.openapi()

    async def handle(self, request: Request) -> Response:
        """GET of the group version, of a collection or an object. Raises ApiError."""
        resource = request.resource
        if resource is None:
            return respond(request, document.RESOURCES, wanted("application/json"))
        if resource.plural not in ("nodes", "pods") or request.subresource:
            raise no_such_resource()
        if request.verb not in ("get", "list"):
            raise method_not_allowed()
        if bool(request.namespace) != (resource.plural == "pods") and (request.namespace or request.verb == "get"):
            raise no_such_resource()
        if request.verb == "get":
            return self._one(request, await self._found(request, [request.name]))
        return self._list(request, await self._found(request, None))

    async def _found(self, request: Request, names: Sequence[str] | None) -> list[Object]:
        """The metrics asked for, in order: of these names, or of all that the selectors want."""
        assert request.resource is not None
        fields, labels = _selectors(request) if names is None else ((), ())
        if request.resource.plural == "nodes":
            objects = self._objects("nodes", "", names)
            chosen = [one for one in objects if _is_wanted(one, fields, labels)]
            await self._scraper.look(one["metadata"]["name"] for one in chosen)
            return [made for one in chosen if (made := self._node(one)) is not None]
        objects = self._objects("pods", request.namespace, names)
        running = (one for one in objects if _is_running(one))
        chosen = [one for one in running if _is_wanted(one, fields, labels)]
        await self._scraper.look({one["spec"]["nodeName"] for one in chosen})
        return [made for one in chosen if (made := self._pod(one)) is not None]

    def _objects(self, resource: str, namespace: str, names: Sequence[str] | None) -> Iterable[Object]:
        if names is None:
            return self._lookup.list(resource, namespace)
        found = (self._lookup.get(resource, namespace, name) for name in names)
        return [one for one in found if one is not None]

    def _node(self, node: Object) -> Object | None:
        used = self._scraper.node(node["metadata"]["name"])
        if used is None:
            return None
        return {**self._head("NodeMetrics", node, used), "usage": _amounts(used)}

    def _pod(self, pod: Object) -> Object | None:
        """The pod's metrics; None while any of its containers has none: half a pod would be taken for all of it."""
        meta, node = pod["metadata"], pod["spec"]["nodeName"]
        containers: list[Object] = []
        uses: list[Usage] = []
        for name in _running_containers(pod):
            used = self._scraper.container(node, (meta["namespace"], meta["name"], name))
            if used is None:
                return None
            uses.append(used)
            containers.append({"name": name, "usage": _amounts(used)})
        if not uses:
            return None
        oldest = min(uses, key=lambda used: used.at_s)
        return {**self._head("PodMetrics", pod, oldest), "containers": containers}

    def _head(self, kind: str, of: Object, used: Usage) -> Object:
        meta = {name: of["metadata"][name] for name in ("name", "namespace", "labels") if of["metadata"].get(name)}
        meta["creationTimestamp"] = rfc3339(self._clock.now())
        window = f"{used.window_s:.3f}".rstrip("0").rstrip(".") + "s"
        return {"kind": kind, "apiVersion": API_VERSION, "metadata": meta, "timestamp": rfc3339(used.at_s), "window": window}

    def _one(self, request: Request, found: list[Object]) -> Response:
        assert request.resource is not None
        if not found:
            name = f"{request.namespace}/{request.name}" if request.namespace else request.name
            raise not_found(request.resource.plural, GROUP, name)
        want = _wanted(request)
        if want.view == "Table":
            return respond(request, _table(found, want.version), want)
        if want.view == "PartialObjectMetadata":
            return respond(request, partial(found[0], want.version), want)
        return respond(request, found[0], want)

    def _list(self, request: Request, found: list[Object]) -> Response:
        assert request.resource is not None
        want = _wanted(request)
        kind = "NodeMetricsList" if request.resource.plural == "nodes" else "PodMetricsList"
        if want.view == "Table":
            return respond(request, _table(found, want.version), want)
        if want.view == "PartialObjectMetadataList":
            items = [partial(one, want.version) for one in found]
            about = {"kind": "PartialObjectMetadataList", "apiVersion": f"{META_GROUP}/{want.version}", "metadata": {}}
            return respond(request, {**about, "items": items}, want)
        if want.view:
            raise ApiError(406, "NotAcceptable", f"you requested {want.view}, but the requested object is a list ({kind})")
        return respond(request, {"kind": kind, "apiVersion": API_VERSION, "metadata": {}, "items": found}, want)


def _wanted(request: Request) -> Wanted:
    """How the answer is wanted: metrics have no protobuf form here. Raises ApiError (406)."""
    return wanted(request.headers.get("Accept", ""), custom=True)


def _selectors(request: Request) -> tuple[tuple[FieldTerm, ...], tuple[Requirement, ...]]:
    """The terms of both selectors. Raises ApiError (400)."""
    fields, labels = request.query.get("fieldSelector", ""), request.query.get("labelSelector", "")
    terms = parse_fields(fields) if fields else ()
    for term in terms:
        if term.field not in METADATA_FIELDS:
            raise unselectable(term)
    return terms, parse_labels(labels) if labels else ()


def _is_wanted(obj: Object, fields: Iterable[FieldTerm], labels: Iterable[Requirement]) -> bool:
    meta = obj["metadata"]
    have: Mapping[str, Any] = {"metadata.name": meta["name"], "metadata.namespace": meta.get("namespace", "")}
    if any((have[term.field] == term.value) is not term.equal for term in fields):
        return False
    own = meta.get("labels") or {}
    return all(requirement.matches(own) for requirement in labels)


def _is_running(pod: Object) -> bool:
    return bool(pod["spec"].get("nodeName")) and (pod.get("status") or {}).get("phase") == "Running"


def _running_containers(pod: Object) -> Iterable[str]:
    """Its containers, and those of its sidecars that run."""
    status = pod.get("status") or {}
    sidecars = {one["name"] for one in pod["spec"].get("initContainers") or () if one.get("restartPolicy") == "Always"}
    names = [one["name"] for one in pod["spec"]["containers"]]
    running = [one["name"] for one in status.get("initContainerStatuses") or () if "running" in (one.get("state") or {})]
    return [*names, *(name for name in running if name in sidecars)]


def _amounts(used: Usage) -> dict[str, str]:
    return {"cpu": f"{used.cpu_nanocores}n", "memory": f"{used.memory_bytes // KIB}Ki"}


def _table(found: Sequence[Object], version: str) -> Object:
    """Rows as `kubectl get` shows them."""
    rows = []
    for one in found:
        parts = [one["usage"]] if "usage" in one else [container["usage"] for container in one["containers"]]
        cpu = sum(int(part["cpu"][:-1]) for part in parts)
        memory = sum(int(part["memory"][:-2]) for part in parts)
        cells = [one["metadata"]["name"], f"{cpu}n", f"{memory}Ki", one["window"]]
        rows.append({"cells": cells, "object": partial(one, version)})
    about = {"kind": "Table", "apiVersion": f"{META_GROUP}/{version}", "metadata": {}}
    return {**about, "columnDefinitions": definitions(("Name", "CPU", "Memory", "Window")), "rows": rows}
