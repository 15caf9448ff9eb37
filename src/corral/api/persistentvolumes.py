"""Which PersistentVolume may serve which claim: what controllers, scheduler and node agree on. Pure.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding
"""

from collections.abc import Iterable, Mapping

from corral.api.objects import Key, Object, key_of
from corral.api.quantity import Quantity, parse
from corral.api.selectors import matches, matches_node_term

#: On a claim: the binding is complete. From then on only its loss changes anything.
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
#: On a claim or volume: the control plane chose the other one, not a user.
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
#: On a volume: who made it, and removes it.
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
#: On a claim: where the scheduler wants its volume to be made.
SELECTED_NODE = "volume.kubernetes.io/selected-node"
#: On a claim: who is asked to make its volume.
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
BETA_STORAGE_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
#: The older way to say storageClassName.
BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
#: The label of nodes to which volumes on their disks are tied.
HOSTNAME = "kubernetes.io/hostname"
#: The provisioner of classes whose volumes are made by hand.
NO_PROVISIONER = "kubernetes.io/no-provisioner"


def annotation(obj: Object, name: str) -> str:
    """The annotation's value; '' where there is none."""
    return str((obj["metadata"].get("annotations") or {}).get(name, ""))


def class_of(obj: Object) -> str:
    """The storage class that a claim or volume names; '' for none."""
    annotations = obj["metadata"].get("annotations") or {}
    return str(annotations[BETA_CLASS] if BETA_CLASS in annotations else obj["spec"].get("storageClassName") or "")


def is_delayed(storage_class: Object | None) -> bool:
    """Whether claims of the class wait for a pod to be scheduled."""
    return storage_class is not None and storage_class.get("volumeBindingMode") == "WaitForFirstConsumer"


def is_bound(claim: Object) -> bool:
    """Whether the binding of the claim is complete."""
    return bool(claim["spec"].get("volumeName")) and bool(annotation(claim, BIND_COMPLETED))


def requested(claim: Object) -> Quantity:
    """The size that the claim asks for."""
    return parse(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage", "0"))


def capacity(volume: Object) -> Quantity:
    """The volume's size."""
    return parse((volume["spec"].get("capacity") or {}).get("storage", "0"))


def claim_of(volume: Object) -> Key | None:
    """The claim that the volume is, or is to be, bound to."""
    ref = volume["spec"].get("claimRef")
    return Key(ref.get("namespace", ""), ref.get("name", "")) if ref else None


def serving(volume: Object) -> list[str]:
    """For an index: the claim (`NAMESPACE/NAME`) that a volume is bound to or reserved for; of a free one, `class/NAME`."""
    claim = claim_of(volume)
    return [str(claim)] if claim else [f"class/{class_of(volume)}"]


def sought(claim: Object) -> list[str]:
    """The keys of that index below which the volumes are that might serve a claim: those reserved for it, and the free ones."""
    return [str(key_of(claim)), f"class/{class_of(claim)}"]


def reference(claim: Object) -> Object:
    """The claimRef of a volume that is for this claim and no other."""
    named = {field: claim["metadata"].get(field, "") for field in ("namespace", "name", "uid", "resourceVersion")}
    return {"kind": "PersistentVolumeClaim", "apiVersion": "v1", **named}


def reserved(volume: Object, claim: Object) -> Object:
    """The volume as it is once it was chosen for the claim; one that a user had reserved by name stays the user's choice."""
    chosen = {} if is_for(volume, claim) else {BOUND_BY_CONTROLLER: "yes"}
    annotations = {**(volume["metadata"].get("annotations") or {}), **chosen}
    metadata = {**volume["metadata"], "annotations": annotations}
    return {**volume, "metadata": metadata, "spec": {**volume["spec"], "claimRef": reference(claim)}}


def is_for(volume: Object, claim: Object) -> bool:
    """Whether the volume is bound to the claim, or reserved for one of its name."""
    if claim_of(volume) != key_of(claim):
        return False
    return volume["spec"]["claimRef"].get("uid", "") in ("", claim["metadata"]["uid"])


def mismatch(volume: Object, claim: Object) -> str:
    """Why the volume cannot serve a claim that asks for it by name; '' where it can."""
    if volume["metadata"].get("deletionTimestamp"):
        return f'the volume is marked for deletion "{volume["metadata"]["name"]}"'
    if capacity(volume) < requested(claim):
        return "requested PV is too small"
    if class_of(volume) != class_of(claim):
        return "storageClassName does not match"
    if _attributes_class(volume) != _attributes_class(claim):
        return "volumeAttributesClassName does not match"
    if _mode(volume) != _mode(claim):
        return "incompatible volumeMode"
    return "" if _has_modes(volume, claim) else "incompatible accessMode"


def hostnames(volume: Object) -> list[str] | None:
    """The hostnames to which the volume's node affinity ties it; None where it speaks of anything else, or is not there."""
    terms = ((volume["spec"].get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or ()
    found: list[str] = []
    for term in terms:
        expressions = term.get("matchExpressions") or ()
        here = [e for e in expressions if e["key"] == HOSTNAME and e["operator"] == "In"]
        if not here:
            return None
        found += here[0]["values"]
    return found or None


def reaches(volume: Object, labels: Mapping[str, str], node: str) -> bool:
    """Whether the volume can be used on a node of these labels and this name."""
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or any(matches_node_term(t, labels, node) for t in required.get("nodeSelectorTerms") or ())


def allows(topologies: Iterable[Object] | None, labels: Mapping[str, str]) -> bool:
    """Whether the allowedTopologies of a class (none: everywhere) let a volume be made on a node of these labels."""
    terms = list(topologies or ())
    return not terms or any(
        all(labels.get(e["key"]) in e["values"] for e in term.get("matchLabelExpressions") or ()) for term in terms
    )


def matches_of(claim: Object, volumes: Iterable[Object]) -> list[Object]:
    """The volumes that could serve the claim, best first: the one that is reserved for it alone; else the free ones that fit.

    The smallest is best, after those that can do no more than is asked for.
    """
    fitting = []
    for volume in volumes:
        if volume["metadata"].get("deletionTimestamp") or _mode(volume) != _mode(claim):
            continue
        if capacity(volume) < requested(claim):
            continue
        if volume["spec"].get("claimRef"):
            if is_for(volume, claim):
                return [volume]
        elif _is_free_for(volume, claim):
            fitting.append(volume)
    return sorted(fitting, key=_rank)


def is_available(volume: Object) -> bool:
    """Whether any claim may have it."""
    return (volume.get("status") or {}).get("phase") == "Available" and not volume["spec"].get("claimRef")


def _is_free_for(volume: Object, claim: Object) -> bool:
    return (
        is_available(volume)
        and class_of(volume) == class_of(claim)
        and _attributes_class(volume) == _attributes_class(claim)
        and _has_modes(volume, claim)
        and (claim["spec"].get("selector") is None or _selected(volume, claim))
    )


def _selected(volume: Object, claim: Object) -> bool:
    return matches(claim["spec"]["selector"], volume["metadata"].get("labels") or {})


def _rank(volume: Object) -> tuple[int, Quantity, str]:
    return len(volume["spec"].get("accessModes") or ()), capacity(volume), volume["metadata"]["name"]


def _has_modes(volume: Object, claim: Object) -> bool:
    return set(claim["spec"].get("accessModes") or ()) <= set(volume["spec"].get("accessModes") or ())


def _mode(obj: Object) -> str:
    return obj["spec"].get("volumeMode") or "Filesystem"


def _attributes_class(obj: Object) -> str:
    return obj["spec"].get("volumeAttributesClassName") or ""
