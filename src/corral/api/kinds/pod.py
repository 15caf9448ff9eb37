"""Pods."""

from collections.abc import Callable

from corral.api.fields import Errors, Path
from corral.api.kinds import podupdate
from corral.api.kinds.container import check_image_trimmed
from corral.api.kinds.podannotations import check_annotations, check_profiles_match
from corral.api.kinds.podresize import check_resize
from corral.api.kinds.podresources import default_pod_resources
from corral.api.kinds.podrow import pod_cells
from corral.api.kinds.podspec import check_pod_spec, default_pod_spec
from corral.api.kinds.podwarnings import name_warnings, pod_warnings
from corral.api.kinds.qos import qos_class
from corral.api.objects import Object, copied
from corral.api.rules import Context, Rules

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
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
    status_keeps = ("ownerReferences",)
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
        default_pod_resources(spec)
        _complete_addresses(obj.setdefault("status", {}))

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
        elif subresource != "binding":  # A binding sets the node and a condition, and nothing that a client sent.
            super().prepare_update(new, old, subresource, context)

    def validate_create(self, obj: Object) -> Errors:
        """The annotations that mean something, the spec, and what may not be there at birth."""
        errs = Errors()
        _check_annotations(errs, obj)
        _check_spec(errs, obj)
        spec, path = obj["spec"], Path("spec")
        if spec.get("ephemeralContainers"):
            errs.forbidden(path.child("ephemeralContainers"), "cannot be set on create")
        if spec.get("nodeName") and spec.get("schedulingGates"):
            errs.forbidden(path.child("nodeName"), "cannot be set until all schedulingGates have been cleared")
        check_profiles_match(errs, obj["metadata"].get("annotations") or {}, spec, path)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """What each road may change."""
        errs = Errors()
        if subresource == "binding":
            return errs
        if subresource == "status":
            podupdate.check_status(errs, new, old)
            return errs
        _check_annotations(errs, new)
        # A spec that is as it was passes: no rule of it asks for what of the metadata can change, and one that was stored by
        # other rules must not keep labels and finalizers from changing. The reference looks again, with options that let pass
        # what the old spec has (ratcheting); where a spec changes, we judge all of it by the rules of today.
        if new["spec"] != old["spec"]:
            _check_spec(errs, new)
        if subresource == "ephemeralcontainers":
            podupdate.check_ephemeral_containers(errs, new, old)
        elif subresource == "resize":
            check_resize(errs, new, old)
        else:
            podupdate.check_update(errs, new, old)
        return errs

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """What is deprecated or without effect in the pod."""
        if old is not None and old.get("spec") == obj.get("spec"):
            return []
        return (name_warnings(obj, "the Pod's hostname") if old is None else []) + pod_warnings(obj, Path())

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


def _check_annotations(errs: Errors, obj: Object) -> None:
    annotations = obj["metadata"].get("annotations") or {}
    if podupdate.MIRROR in annotations and not obj["spec"].get("nodeName"):
        at = Path("metadata").child("annotations").key(podupdate.MIRROR)
        errs.invalid(at, annotations[podupdate.MIRROR], "must set spec.nodeName if mirror pod annotation is set")
    cost = annotations.get(DELETION_COST)
    if cost is not None and not _is_int32(cost):
        errs.invalid(Path("metadata").child("annotations").key(DELETION_COST), cost, "must be a 32bit integer")
    check_annotations(errs, annotations, obj["spec"], Path("metadata").child("annotations"))


def _check_spec(errs: Errors, obj: Object) -> None:
    spec, path = obj["spec"], Path("spec")
    check_pod_spec(errs, spec, path, obj["metadata"].get("name") or "")
    if not spec.get("serviceAccountName"):
        for i, volume in enumerate(spec.get("volumes") or ()):
            for j, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
                if source.get("serviceAccountToken") is not None:
                    at = path.child("volumes").at(i).child("projected", "sources").at(j).child("serviceAccountToken")
                    errs.forbidden(at, "must not be specified when serviceAccountName is not set")
    for kind in ("containers", "initContainers"):
        for i, container in enumerate(spec.get(kind) or ()):
            check_image_trimmed(errs, container, path.child(kind).at(i))


def _is_int32(text: str) -> bool:
    digits = text.removeprefix("-")
    # No sign but minus and no zeros in front.
    return digits.isascii() and digits.isdigit() and str(int(text)) == text and -(2**31) <= int(text) < 2**31


def _complete_addresses(status: Object) -> None:
    """One address or many: the single field decides for clients that know only it (KEP-563)."""
    for one, many in (("podIP", "podIPs"), ("hostIP", "hostIPs")):
        address, addresses = status.get(one), status.get(many)
        if address and (not addresses or addresses[0].get("ip") != address):
            status[many] = [{"ip": address}]
        elif addresses and not address:
            status[one] = addresses[0].get("ip", "")


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]


def _keep_all_but(new: Object, old: Object, take: Callable[[Object, Object], None]) -> None:
    wanted = copied(new.get("spec") or {})
    version = new["metadata"].get("resourceVersion")
    owners = new["metadata"].get("managedFields")
    kept = copied({k: v for k, v in old.items() if k not in ("kind", "apiVersion")})
    for name in [k for k in new if k not in ("kind", "apiVersion")]:
        del new[name]
    new.update(kept)
    if version is not None:
        new["metadata"]["resourceVersion"] = version
    if owners is not None:
        new["metadata"]["managedFields"] = owners
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
