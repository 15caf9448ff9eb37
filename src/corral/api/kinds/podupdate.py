"""What of a pod may change, by which road (https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement)."""

from typing import Any

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import podstatus
from corral.api.kinds.container import check_image_trimmed
from corral.api.kinds.podannotations import APP_ARMOR
from corral.api.kinds.podspec import MAX_INT32
from corral.api.kinds.scheduling import check_tolerations
from corral.api.kinds.specdiff import diff
from corral.api.objects import Object, copied

MIRROR = "kubernetes.io/config.mirror"
_CHANGEABLE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions"
    " to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_SPEC = Path("spec")


def check_update(errs: Errors, new: Object, old: Object) -> None:
    """A write of the pod itself."""
    _check_annotations(errs, new, old)
    for kind in ("containers", "initContainers"):
        if not _check_images(errs, new["spec"].get(kind) or [], old["spec"].get(kind) or [], _SPEC.child(kind)):
            return
    if not _check_deadline(errs, new["spec"], old["spec"]):
        return
    _check_tolerations(errs, new["spec"].get("tolerations") or [], old["spec"].get("tolerations") or [])
    _check_gates(errs, new["spec"].get("schedulingGates") or [], old["spec"].get("schedulingGates") or [])
    if new["spec"] == old["spec"]:
        return
    wanted = _without_changeable(errs, new["spec"], old["spec"])
    if wanted != plain(old["spec"]):
        text = diff(plain(old["spec"]), wanted)
        errs.forbidden(_SPEC, f"pod updates may not change fields other than {_CHANGEABLE}\n{text}")


def check_ephemeral_containers(errs: Errors, new: Object, old: Object) -> None:
    """A write of the ephemeralcontainers subresource: none is changed or removed."""
    _check_annotations(errs, new, old)
    if MIRROR in (old["metadata"].get("annotations") or {}):
        errs.items.clear()
        errs.forbidden("", "static pods do not support ephemeral containers")
        return
    path = _SPEC.child("ephemeralContainers")
    found = {c.get("name"): c for c in new["spec"].get("ephemeralContainers") or ()}
    for before in old["spec"].get("ephemeralContainers") or ():
        name = before.get("name", "")
        if name not in found:
            errs.forbidden(path, f'existing ephemeral containers "{name}" may not be removed\n')
        elif found[name] != before:
            text = diff(before, found[name])
            errs.forbidden(path, f'existing ephemeral containers "{name}" may not be changed\n{text}')


def check_status(errs: Errors, new: Object, old: Object) -> None:
    """A write of the status subresource."""
    _check_annotations(errs, new, old)
    podstatus.check_status(errs, new, old)


def _check_annotations(errs: Errors, new: Object, old: Object) -> None:
    after, before = new["metadata"].get("annotations") or {}, old["metadata"].get("annotations") or {}
    path = Path("metadata").child("annotations")
    for key in sorted(before.keys() | after.keys()):
        if after.get(key) == before.get(key):
            continue
        verb = "remove or update" if key in before else "add"
        if key.startswith(APP_ARMOR):
            errs.forbidden(path.key(key), f"may not {verb} AppArmor annotations")
        elif key == MIRROR:
            errs.forbidden(path.key(key), f"may not {verb} mirror pod annotation")


def _check_images(errs: Errors, new: list[Object], old: list[Object], path: Path) -> bool:
    if len(new) != len(old):
        errs.forbidden(path, "pod updates may not add or remove containers")
        return False
    for i, container in enumerate(new):
        if not container.get("image"):
            errs.required(path.at(i).child("image"))
        check_image_trimmed(errs, container, path.at(i))
    return True


def _check_deadline(errs: Errors, new: Object, old: Object) -> bool:
    path = _SPEC.child("activeDeadlineSeconds")
    after, before = new.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")
    if after is None:
        if before is not None:
            errs.invalid(path, None, "must not update from a positive integer to nil value")
        return True
    if not 0 <= after <= MAX_INT32:
        errs.invalid(path, after, names.between(0, MAX_INT32))
        return False
    if before is not None and before < after:
        errs.invalid(path, after, "must be less than or equal to previous value")
        return False
    return True


def _check_tolerations(errs: Errors, new: list[Object], old: list[Object]) -> None:
    path = _SPEC.child("tolerations")

    def bare(toleration: Object) -> Object:
        return {k: v for k, v in toleration.items() if k != "tolerationSeconds"}

    kept = [bare(t) for t in new]
    if any(bare(t) not in kept for t in old):
        errs.forbidden(path, "existing toleration can not be modified except its tolerationSeconds")
        return
    check_tolerations(errs, new, path)


def _check_gates(errs: Errors, new: list[Object], old: list[Object]) -> None:
    known = {g.get("name") for g in old}
    for i, gate in enumerate(new):
        if gate.get("name") not in known:
            why = f"only deletion is allowed, but found new scheduling gate '{gate.get('name', '')}'"
            errs.forbidden(_SPEC.child("schedulingGates").at(i).child("name"), why)


def _without_changeable(errs: Errors, new: Object, old: Object) -> Object:
    """The new spec with all that may change set back to the old."""
    spec = copied(new)
    for kind in ("containers", "initContainers"):
        for container, before in zip(spec.get(kind) or (), old.get(kind) or (), strict=False):
            container["image"] = before.get("image", "")
    for field in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        _put_back(spec, old, field)
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        _put_back(spec, old, "terminationGracePeriodSeconds")
    if old.get("schedulingGates"):
        _put_back_gated(errs, spec, old)
    made: Object = plain(spec)
    return made


def _put_back_gated(errs: Errors, spec: Object, old: Object) -> None:
    """A pod that waits at a gate may be narrowed to fewer nodes (KEP-3838)."""
    after, before = spec.get("nodeSelector") or {}, old.get("nodeSelector") or {}
    if after != before:
        path = _SPEC.child("nodeSelector")
        if any(after.get(k) != v for k, v in before.items()):
            errs.invalid(path, after, "only additions to spec.nodeSelector are allowed (no mutations or deletions)")
        _put_back(spec, old, "nodeSelector")
    affinity = (spec.get("affinity") or {}).get("nodeAffinity")
    former = (old.get("affinity") or {}).get("nodeAffinity")
    if affinity != former:
        _check_narrowed(errs, affinity or {}, former or {}, _SPEC.child("affinity", "nodeAffinity"))
        rest = {k: v for k, v in (spec.get("affinity") or {}).items() if k != "nodeAffinity"}
        if former is not None:
            rest["nodeAffinity"] = former
        spec["affinity"] = rest
        if not rest and "affinity" not in old:
            del spec["affinity"]


def _check_narrowed(errs: Errors, new: Object, old: Object, path: Path) -> None:
    field = "requiredDuringSchedulingIgnoredDuringExecution"
    before = (old.get(field) or {}).get("nodeSelectorTerms")
    if before is None:
        return
    after = (new.get(field) or {}).get("nodeSelectorTerms") or []
    at = path.child(field, "nodeSelectorTerms")
    if len(after) != len(before):
        errs.invalid(at, after, "no additions/deletions to non-empty NodeSelectorTerms list are allowed")
        return
    for i, (term, former) in enumerate(zip(after, before, strict=True)):
        for part in ("matchExpressions", "matchFields"):
            kept = former.get(part) or []
            if (term.get(part) or [])[: len(kept)] != kept or not former:
                why = "only additions are allowed (no mutations or deletions)"
                errs.invalid(at.at(i), term, why)
                break


def _put_back(spec: Object, old: Object, field: str) -> None:
    spec.pop(field, None)
    if field in old:
        spec[field] = old[field]


def plain(value: Any) -> Any:
    """The value without empty parts, so that an absent list and an empty one are alike; in the order of the names."""
    if isinstance(value, dict):
        found = {k: plain(v) for k, v in sorted(value.items())}
        return {k: v for k, v in found.items() if v not in (None, [], "", False)}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value
