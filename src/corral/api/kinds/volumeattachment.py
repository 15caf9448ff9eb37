"""VolumeAttachments."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.gostructs import ATTACHMENT, shown
from corral.api.kinds.volumesource import check_driver_name
from corral.api.kinds.workload import IMMUTABLE
from corral.api.objects import Object
from corral.api.rules import OWN_METADATA, Rules

ONE_SOURCE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


class VolumeAttachmentRules(Rules):
    """Rules of storage.k8s.io/v1 VolumeAttachment."""

    has_status = True
    status_keeps = OWN_METADATA

    def default(self, obj: Object) -> None:
        """There is a spec with a source."""
        obj.setdefault("spec", {}).setdefault("source", {})

    def validate_create(self, obj: Object) -> Errors:
        """The driver, the volume, the node."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        check_driver_name(errs, spec.get("attacher", ""), path.child("attacher"))
        source, at = spec["source"], path.child("source")
        inline, volume = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
        if inline is None and volume is None:
            errs.required(at, ONE_SOURCE)
        elif inline is not None and volume is not None:
            errs.forbidden(at, ONE_SOURCE)
        elif volume == "":
            errs.required(at.child("persistentVolumeName"), "must specify non empty persistentVolumeName")
        node = spec.get("nodeName", "")
        errs.each(path.child("nodeName"), node, names.dns_subdomain(node))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec stays."""
        errs = Errors()
        if new["spec"] != old["spec"]:
            errs.invalid("spec", shown(new["spec"], ATTACHMENT), IMMUTABLE)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status = obj["spec"], obj.get("status") or {}
        volume = (spec.get("source") or {}).get("persistentVolumeName") or ""
        attached = bool(status.get("attached"))
        return [rows.name(obj), spec.get("attacher", ""), volume, spec.get("nodeName", ""), attached, rows.age(obj, now_s)]


RULES = {"VolumeAttachment": VolumeAttachmentRules()}
