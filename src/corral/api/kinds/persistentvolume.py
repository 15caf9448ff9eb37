"""PersistentVolumes."""

import posixpath

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds import volumesource as source_of
from corral.api.kinds.claimspec import VOLUME_MODES, check_access_modes
from corral.api.kinds.computeresources import check_not_negative, check_positive
from corral.api.kinds.gostructs import NODE_AFFINITY, shown
from corral.api.kinds.paths import check_no_backsteps
from corral.api.kinds.persistentvolumeclaim import add_finalizer
from corral.api.kinds.scheduling import check_node_selector
from corral.api.kinds.specdiff import diff
from corral.api.kinds.volume import default_azure_disk, default_rbd, default_scale_io
from corral.api.objects import Object, copied
from corral.api.persistentvolumes import BETA_CLASS
from corral.api.rules import Context, Rules
from corral.base.clock import rfc3339

FINALIZER = "kubernetes.io/pv-protection"
#: Labels of nodes by the names that they had before they were stable.
_STABLE = {
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
}
RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")


class PersistentVolumeRules(Rules):
    """Rules of v1 PersistentVolume."""

    has_status = True

    def default(self, obj: Object) -> None:
        """Retained, a file system, pending."""
        spec = obj.setdefault("spec", {})
        if not spec.get("persistentVolumeReclaimPolicy"):
            spec["persistentVolumeReclaimPolicy"] = "Retain"
        if spec.get("volumeMode") is None:
            spec["volumeMode"] = "Filesystem"
        status = obj.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = "Pending"
        if spec.get("hostPath") is not None:
            spec["hostPath"].setdefault("type", "")
        if spec.get("iscsi") is not None and not spec["iscsi"].get("iscsiInterface"):
            spec["iscsi"]["iscsiInterface"] = "default"
        for field, fill in (("rbd", default_rbd), ("azureDisk", default_azure_disk), ("scaleIO", default_scale_io)):
            if spec.get(field) is not None:
                fill(spec[field])

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Pending since now, and protected while a claim uses it."""
        add_finalizer(obj, FINALIZER)
        obj["status"] = {"phase": "Pending", "lastPhaseTransitionTime": rfc3339(context.now_s)}

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """A change of phase is dated (KEP-3762)."""
        super().prepare_update(new, old, subresource, context)
        if subresource != "status":
            return
        after, before = new.get("status") or {}, old.get("status") or {}
        if after.get("phase") != before.get("phase") and after.get("lastPhaseTransitionTime") in (
            None,
            before.get("lastPhaseTransitionTime"),
        ):
            after["lastPhaseTransitionTime"] = rfc3339(context.now_s)
            new["status"] = after

    def validate_create(self, obj: Object) -> Errors:
        """The spec."""
        errs = Errors()
        _check_spec(errs, obj["spec"], obj["metadata"].get("name", ""))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec, whose source stays."""
        if subresource:
            return Errors()
        errs = self.validate_create(new)
        after, before = (_source(o["spec"]) for o in (new, old))
        if "controllerExpandSecretRef" not in (before.get("csi") or {}) and "csi" in after:
            after["csi"] = {k: v for k, v in after["csi"].items() if k != "controllerExpandSecretRef"}
        if after != before:
            why = f"spec.persistentvolumesource is immutable after creation\n{diff(before, after)}"
            errs.forbidden("spec.persistentvolumesource", why)
        if new["spec"].get("volumeMode") != old["spec"].get("volumeMode"):
            errs.invalid("volumeMode", new["spec"].get("volumeMode"), "field is immutable")
        affinity = old["spec"].get("nodeAffinity")
        if affinity is not None and affinity != _of_age(new["spec"].get("nodeAffinity"), affinity):
            why = "field is immutable, except for updating from beta label to GA"
            errs.invalid("nodeAffinity", shown(new["spec"].get("nodeAffinity"), NODE_AFFINITY), why)
        former = old["spec"].get("volumeAttributesClassName")
        if former is not None and new["spec"].get("volumeAttributesClassName") is None:
            errs.forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden")
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status, claim = obj["spec"], obj.get("status") or {}, obj["spec"].get("claimRef")
        beta = (obj["metadata"].get("annotations") or {}).get(BETA_CLASS)
        return [
            rows.name(obj),
            (spec.get("capacity") or {}).get("storage", "0"),
            rows.access_modes(spec.get("accessModes")),
            spec.get("persistentVolumeReclaimPolicy", ""),
            "Terminating" if obj["metadata"].get("deletionTimestamp") else status.get("phase", ""),
            f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
            beta or spec.get("storageClassName", ""),
            spec.get("volumeAttributesClassName") or "<unset>",
            status.get("reason", ""),
            rows.age(obj, now_s),
            spec.get("volumeMode") or "<unset>",
        ]


def _of_age(affinity: Object | None, old: Object) -> Object | None:
    """`affinity` with a label that became stable under the name that it had in `old`, as far as nothing else differs."""

    def labels(some: Object | None) -> list[Object]:
        terms = ((some or {}).get("required") or {}).get("nodeSelectorTerms") or ()
        return [rule for term in terms for rule in term.get("matchExpressions") or ()]

    changed: Object | None = copied(affinity)
    for rule, before in zip(labels(changed), labels(old), strict=False):
        if rule.get("key") == _STABLE.get(before.get("key", "")):
            rule["key"] = before["key"]
    return changed


def _source(spec: Object) -> Object:
    return {k: v for k, v in spec.items() if k in _CHECKS}


def _check_spec(errs: Errors, spec: Object, name: str) -> None:
    path = Path("spec")
    modes, capacity = spec.get("accessModes") or (), spec.get("capacity")
    if not modes:
        errs.required(path.child("accessModes"))
    check_access_modes(errs, modes, path.child("accessModes"))
    if not capacity:
        errs.required(path.child("capacity"))
    if not capacity or set(capacity) != {"storage"}:
        errs.unsupported(path.child("capacity"), capacity, ("storage",))
    for resource, amount in sorted((capacity or {}).items()):
        check_not_negative(errs, amount, path.child("capacity").key(resource))
        check_positive(errs, amount, path.child("capacity").key(resource))
    reclaim = spec.get("persistentVolumeReclaimPolicy", "")
    if reclaim and reclaim not in RECLAIM_POLICIES:
        errs.unsupported(path.child("persistentVolumeReclaimPolicy"), reclaim, RECLAIM_POLICIES)
    _check_affinity(errs, spec.get("nodeAffinity"), path.child("nodeAffinity"))
    source_of.check_one_source(errs, spec, _CHECKS, path)
    if spec.get("iscsi") is not None:
        portal = spec["iscsi"].get("targetPortal", "")
        source_of.check_iscsi_length(errs, name, spec["iscsi"], path.child("iscsi", "targetportal"), portal)
    if spec.get("local") is not None and not (spec.get("nodeAffinity") or {}).get("required"):
        errs.required(path.child("nodeAffinity"), "Local volume requires node affinity")
    host_path = (spec.get("hostPath") or {}).get("path")
    if host_path and posixpath.normpath(host_path) == "/" and reclaim == "Recycle":
        why = "may not be 'recycle' for a hostPath mount of '/'"
        errs.forbidden(path.child("persistentVolumeReclaimPolicy"), why)
    if spec.get("storageClassName"):
        errs.each(path.child("storageClassName"), spec["storageClassName"], names.dns_subdomain(spec["storageClassName"]))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        errs.unsupported(path.child("volumeMode"), mode, VOLUME_MODES)
    _check_attributes(errs, spec, path)


def _check_affinity(errs: Errors, affinity: Object | None, path: Path) -> None:
    if affinity is None:
        return
    if affinity.get("required") is None:
        errs.required(path.child("required"), "must specify required node constraints")
    else:
        check_node_selector(errs, affinity["required"], path.child("required"))


def _check_attributes(errs: Errors, spec: Object, path: Path) -> None:
    chosen = spec.get("volumeAttributesClassName")
    if chosen is None:
        return
    at = path.child("volumeAttributesClassName")
    if chosen:
        errs.each(at, chosen, names.dns_subdomain(chosen))
    else:
        errs.required(at, "an empty string is disallowed")
    if spec.get("csi") is None:
        errs.required(path.child("csi"), "has to be specified when using volumeAttributesClassName")


def _check_local(errs: Errors, source: Object, path: Path) -> None:
    if not source.get("path"):
        errs.required(path.child("path"))
    else:
        check_no_backsteps(errs, source["path"], path.child("path"))


def _check_csi(errs: Errors, source: Object, path: Path) -> None:
    source_of.check_driver_name(errs, source.get("driver", ""), path.child("driver"))
    if not source.get("volumeHandle"):
        errs.required(path.child("volumeHandle"))
    for field in (
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ):
        reference = source.get(field)
        if reference is None:
            continue
        for part, check in (("name", names.dns_subdomain), ("namespace", names.dns_label)):
            value = reference.get(part, "")
            if value:
                errs.each(path.child(field, part), value, check(value))
            else:
                errs.required(path.child(field, part))


def _check_glusterfs(errs: Errors, source: Object, path: Path) -> None:
    source_of.required("endpoints", "path")(errs, source, path)
    namespace = source.get("endpointsNamespace")
    if namespace is None:
        return
    at = path.child("endpointsNamespace")
    if namespace:
        errs.each(at, namespace, names.dns_label(namespace))
    else:
        errs.invalid(at, namespace, "if the endpointnamespace is set, it must be a valid namespace name")


def _check_azure_file(errs: Errors, source: Object, path: Path) -> None:
    source_of.required("secretName", "shareName")(errs, source, path)
    if source.get("secretNamespace") == "":
        errs.required(path.child("secretNamespace"))


def _with_secret(check: source_of.Check) -> source_of.Check:
    def both(errs: Errors, source: Object, path: Path) -> None:
        check(errs, source, path)
        source_of.check_secret_reference(errs, source, path)

    return both


_CHECKS: dict[str, source_of.Check] = {
    "hostPath": source_of.check_host_path,
    "gcePersistentDisk": source_of.check_disk("pdName"),
    "awsElasticBlockStore": source_of.check_disk("volumeID"),
    "glusterfs": _check_glusterfs,
    "flocker": source_of.check_flocker,
    "nfs": source_of.check_nfs,
    "rbd": source_of.required("monitors", "image"),
    "quobyte": source_of.check_quobyte,
    "cephfs": source_of.required("monitors"),
    "iscsi": source_of.check_iscsi,
    "cinder": _with_secret(source_of.required("volumeID")),
    "fc": source_of.check_fc,
    "flexVolume": source_of.check_flex,
    "azureFile": _check_azure_file,
    "vsphereVolume": source_of.required("volumePath"),
    "photonPersistentDisk": source_of.required("pdID"),
    "portworxVolume": source_of.required("volumeID"),
    "azureDisk": source_of.check_azure_disk,
    "scaleIO": source_of.required("gateway", "system", "volumeName"),
    "local": _check_local,
    "storageos": _with_secret(source_of.required("volumeName")),
    "csi": _check_csi,
}

RULES = {"PersistentVolume": PersistentVolumeRules()}
