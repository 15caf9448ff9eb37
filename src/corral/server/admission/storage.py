"""Storage: claims get the default class, and nothing in use is deleted. See https://kubernetes.io/docs/concepts/storage/."""

from corral.api.objects import Object
from corral.server.admission.chain import Plugin, forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

CLASSES = "storageclasses.storage.k8s.io"
INGRESS_CLASSES = "ingressclasses.networking.k8s.io"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BETA_DEFAULT_CLASS = "storageclass.beta.kubernetes.io/is-default-class"
DEFAULT_INGRESS_CLASS = "ingressclass.kubernetes.io/is-default-class"
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
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
        keys = (DEFAULT_CLASS, BETA_DEFAULT_CLASS)
        defaults = [c for c in self._lookup.list(CLASSES) if any(_annotated(c, key) == "true" for key in keys)]
        if defaults:
            claim["spec"]["storageClassName"] = _newest(defaults)


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
        defaults = [c for c in self._lookup.list(INGRESS_CLASSES) if _annotated(c, DEFAULT_INGRESS_CLASS) == "true"]
        if defaults:
            ingress.setdefault("spec", {})["ingressClassName"] = _newest(defaults)


def _annotated(obj: Object, key: str) -> str:
    return str((obj.get("metadata", {}).get("annotations") or {}).get(key, ""))


def _newest(classes: list[Object]) -> str:
    """The class that was made last; of several at once, the first by name."""
    by_name = sorted(classes, key=lambda c: str(c["metadata"]["name"]))
    return str(max(by_name, key=lambda c: str(c["metadata"].get("creationTimestamp", "")))["metadata"]["name"])


def _size(claim: Object) -> object:
    return ((claim.get("spec") or {}).get("resources") or {}).get("requests", {}).get("storage")
