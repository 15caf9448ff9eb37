"""Storage: claims get the default class, and nothing in use is deleted. See https://kubernetes.io/docs/concepts/storage/."""

from corral.api import defaultclasses
from corral.api.defaultclasses import default_class
from corral.api.objects import Object
from corral.api.persistentvolumes import BETA_CLASS
from corral.server.admission.chain import Plugin, forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

CLASSES = "storageclasses.storage.k8s.io"
INGRESS_CLASSES = "ingressclasses.networking.k8s.io"
INGRESS_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
FINALIZERS = {
    "persistentvolumeclaims": "kubernetes.io/pvc-protection",
    "persistentvolumes": "kubernetes.io/pv-protection",
    "volumeattributesclasses": "kubernetes.io/vac-protection",
}


class DefaultStorageClass(Plugin):
    """A claim that names no class gets the newest default one."""

    resources = frozenset({"persistentvolumeclaims"})
    operations = frozenset({"CREATE"})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def admit(self, admission: Admission) -> None:
        """Set storageClassName."""
        claim = admission.object
        if (
            admission.subresource
            or claim is None
            or "storageClassName" in claim.get("spec", {})
            or _annotated(claim, BETA_CLASS)
        ):
            return
        name = default_class(self._lookup.list(CLASSES), defaultclasses.STORAGE)
        if name:
            claim["spec"]["storageClassName"] = name


class StorageObjectInUseProtection(Plugin):
    """Volumes and claims are kept by a finalizer until nothing uses them."""

    resources = frozenset({"persistentvolumeclaims", "persistentvolumes", "volumeattributesclasses.storage.k8s.io"})
    operations = frozenset({"CREATE"})

    def admit(self, admission: Admission) -> None:
        """Add the finalizer."""
        if admission.subresource or admission.object is None:
            return
        meta = admission.object["metadata"]
        finalizer = FINALIZERS[admission.resource.plural]
        if finalizer not in (meta.get("finalizers") or ()):
            meta["finalizers"] = [*(meta.get("finalizers") or ()), finalizer]


class PersistentVolumeClaimResize(Plugin):
    """A claim may grow only where its class allows it."""

    resources = frozenset({"persistentvolumeclaims"})
    operations = frozenset({"UPDATE"})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def validate(self, admission: Admission) -> None:
        """Refuse a new size where the class does not say allowVolumeExpansion."""
        new, old = admission.object, admission.old_object
        if admission.subresource or new is None or old is None or _size(new) == _size(old):
            return
        if (old.get("status") or {}).get("phase") != "Bound":
            return
        name = _annotated(new, BETA_CLASS) or new.get("spec", {}).get("storageClassName") or ""
        found = self._lookup.get(CLASSES, "", name) if name else None
        if found is None or not found.get("allowVolumeExpansion"):
            why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support "
            raise forbidden(admission, why + "resize")


class DefaultIngressClass(Plugin):
    """An Ingress that names no class gets the default one."""

    resources = frozenset({"ingresses.networking.k8s.io"})
    operations = frozenset({"CREATE"})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def admit(self, admission: Admission) -> None:
        """Set ingressClassName."""
        ingress = admission.object
        if admission.subresource or ingress is None or "ingressClassName" in (ingress.get("spec") or {}):
            return
        if _annotated(ingress, INGRESS_CLASS_ANNOTATION):
            return
        name = default_class(self._lookup.list(INGRESS_CLASSES), defaultclasses.INGRESS)
        if name:
            ingress.setdefault("spec", {})["ingressClassName"] = name


def _annotated(obj: Object, key: str) -> str:
    return str((obj.get("metadata", {}).get("annotations") or {}).get(key, ""))


def _size(claim: Object) -> object:
    return ((claim.get("spec") or {}).get("resources") or {}).get("requests", {}).get("storage")
