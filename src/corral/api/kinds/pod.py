"""Pods."""

import copy
from collections.abc import Callable

from corral.api.kinds.podrow import pod_cells
from corral.api.kinds.podspec import default_pod_spec
from corral.api.kinds.qos import qos_class
from corral.api.objects import Object
from corral.api.rules import Context, Rules

GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


class PodRules(Rules):
    """Rules of v1 Pod."""

    has_generation = True
    has_status = True
    graceful = True
    allow_unconditional_update = True

    def default(self, obj: Object) -> None:
        """Requests are the limits where not given; the rest is the spec's own."""
        spec = obj.setdefault("spec", {})
        for container in _containers(spec):
            resources = container.setdefault("resources", {})
            if resources.get("limits"):
                resources["requests"] = resources["limits"] | (resources.get("requests") or {})
        if spec.get("enableServiceLinks") is None:
            spec["enableServiceLinks"] = True
        if spec.get("hostNetwork"):
            for container in _containers(spec):
                for port in container.get("ports") or ():
                    if not port.get("hostPort") and port.get("containerPort"):
                        port["hostPort"] = port["containerPort"]
        default_pod_spec(spec)
        obj.setdefault("status", {})

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Pending, with the quality of service that the spec asks for."""
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj)}
        spec = obj["spec"]
        if spec.get("schedulingGates"):
            obj["status"]["conditions"] = [{**GATED, "lastProbeTime": None, "lastTransitionTime": None}]
        _merge_match_label_keys(spec, obj["metadata"].get("labels") or {})

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """Each way to write changes its part only."""
        if subresource == "ephemeralcontainers":
            _keep_all_but(new, old, _take_ephemeral_containers)
        elif subresource == "resize":
            _keep_all_but(new, old, _take_resources)
        else:
            super().prepare_update(new, old, subresource, context)
        if subresource == "status":
            owners = old["metadata"].get("ownerReferences")
            new["metadata"].pop("ownerReferences", None)
            if owners:
                new["metadata"]["ownerReferences"] = owners

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return pod_cells(obj, now_s)

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """Where it runs, how, and in what state."""
        spec, status = obj.get("spec") or {}, obj.get("status") or {}
        addresses = status.get("podIPs") or [{"ip": status.get("podIP", "")}]
        return {
            "spec.nodeName": spec.get("nodeName", ""),
            "spec.restartPolicy": spec.get("restartPolicy", ""),
            "spec.schedulerName": spec.get("schedulerName", ""),
            "spec.serviceAccountName": spec.get("serviceAccountName", ""),
            "spec.hostNetwork": str(bool(spec.get("hostNetwork"))).lower(),
            "status.phase": status.get("phase", ""),
            "status.podIP": addresses[0].get("ip", ""),
            "status.nominatedNodeName": status.get("nominatedNodeName", ""),
        }


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]


def _keep_all_but(new: Object, old: Object, take: Callable[[Object, Object], None]) -> None:
    wanted = copy.deepcopy(new.get("spec") or {})
    version = new["metadata"].get("resourceVersion")
    kept = copy.deepcopy({k: v for k, v in old.items() if k not in ("kind", "apiVersion")})
    for name in [k for k in new if k not in ("kind", "apiVersion")]:
        del new[name]
    new.update(kept)
    if version is not None:
        new["metadata"]["resourceVersion"] = version
    take(new["spec"], wanted)


def _take_ephemeral_containers(spec: Object, wanted: Object) -> None:
    spec.pop("ephemeralContainers", None)
    if wanted.get("ephemeralContainers"):
        spec["ephemeralContainers"] = wanted["ephemeralContainers"]


def _take_resources(spec: Object, wanted: Object) -> None:
    if "resources" in wanted:
        spec["resources"] = wanted["resources"]
    for kind in ("containers", "initContainers"):
        by_name = {c.get("name"): c for c in wanted.get(kind) or ()}
        for container in spec.get(kind) or ():
            source = by_name.get(container.get("name"))
            if source is None:
                continue
            for name in ("resources", "resizePolicy"):
                container.pop(name, None)
                if name in source:
                    container[name] = source[name]


def _merge_match_label_keys(spec: Object, labels: dict[str, str]) -> None:
    """Write the pod's own values of `matchLabelKeys` into the selectors (KEP-3633, KEP-3243)."""
    affinity = spec.get("affinity") or {}
    for part in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(part) or {}
        found = list(terms.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        found += [t["podAffinityTerm"] for t in terms.get("preferredDuringSchedulingIgnoredDuringExecution") or ()]
        for term in found:
            _merge_keys(term, labels, "matchLabelKeys", "In")
            _merge_keys(term, labels, "mismatchLabelKeys", "NotIn")
    for constraint in spec.get("topologySpreadConstraints") or ():
        _merge_keys(constraint, labels, "matchLabelKeys", "In")


def _merge_keys(term: Object, labels: dict[str, str], field: str, operator: str) -> None:
    keys = [k for k in term.get(field) or () if k in labels]
    if not keys or term.get("labelSelector") is None:
        return
    terms = term["labelSelector"].setdefault("matchExpressions", [])
    terms += [{"key": key, "operator": operator, "values": [labels[key]]} for key in keys]


RULES = {"Pod": PodRules()}
