"""How claims and volumes come together and part: pure plans of the PersistentVolume controller.

Each plan looks at one claim or one volume, and at the other one that it names. The volume is written first: a claim that lost
the race for it finds another. https://kubernetes.io/docs/concepts/storage/persistent-volumes/#lifecycle-of-a-volume-and-claim
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from corral.api import persistentvolumes as facts
from corral.api.objects import Object, key_of
from corral.api.persistentvolumes import BIND_COMPLETED, BOUND_BY_CONTROLLER, PROVISIONED_BY, SELECTED_NODE, annotation
from corral.controllers.actions import Action, Note, Patch, Update

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "storageclasses.storage.k8s.io"
NOTHING_FITS = "no persistent volumes available for this claim and no storage class is set"
WAITS = "waiting for first consumer to be created before binding"
LOST_REFERENCE = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
LOST_VOLUME = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
MISBOUND = "Two claims are bound to the same volume, this one is bound incorrectly"
NO_DELETER = "no deletable volume plugin matched"


class Offer(Struct, frozen=True):
    """What there is for a claim: its class (None: no such one), and the default for a claim that names none ('': none)."""

    storage_class: Object | None = None
    default_class: str = ""


def plan_claim(claim: Object, named: Object | None, candidates: Iterable[Object], offer: Offer) -> list[Action]:
    """One look at a claim. `named` is the volume of its volumeName; `candidates` those that might serve it."""
    if annotation(claim, BIND_COMPLETED):
        return _plan_bound(claim, named)
    if claim["spec"].get("volumeName"):
        return _plan_named(claim, named)
    delayed = facts.is_delayed(offer.storage_class)
    found = next(iter(facts.matches_of(claim, candidates)), None)
    # Of a class that waits, the scheduler chooses; what is reserved for the claim has been chosen.
    if found is not None and (not delayed or facts.claim_of(found)):
        return bind(claim, found)
    if offer.default_class and claim["spec"].get("storageClassName") is None and not facts.class_of(claim):
        return [_of_claim(claim, {"spec": {"storageClassName": offer.default_class}})]
    if delayed and not annotation(claim, SELECTED_NODE):
        return [Note(claim, "Normal", "WaitForFirstConsumer", WAITS), *_claim_status(claim, "Pending", None)]
    if facts.class_of(claim):
        return [*_ask_provisioner(claim, offer.storage_class), *_claim_status(claim, "Pending", None)]
    return [Note(claim, "Normal", "FailedBinding", NOTHING_FITS), *_claim_status(claim, "Pending", None)]


def plan_volume(volume: Object, claim: Object | None) -> list[Action]:
    """One look at a volume. `claim` is the one of its claimRef's name; None where there is none."""
    ref = volume["spec"].get("claimRef")
    if not ref or not ref.get("uid"):
        return _volume_status(volume, "Available")
    if claim is None or claim["metadata"]["uid"] != ref["uid"]:
        return _release(volume)
    name = claim["spec"].get("volumeName")
    if not name:
        return []  # The claim's plan goes on.
    if name == volume["metadata"]["name"]:
        return _volume_status(volume, "Bound")
    if annotation(volume, PROVISIONED_BY) and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
        return _release(volume)
    return _unbind(volume)


def bind(claim: Object, volume: Object) -> list[Action]:
    """Have both name each other and say that they are Bound; what is so already is left out."""
    actions: list[Action] = []
    if not volume["spec"].get("claimRef", {}).get("uid"):
        actions.append(Update(VOLUMES, facts.reserved(volume, claim)))
    name = volume["metadata"]["name"]
    actions += _volume_status(volume, "Bound")
    wanted = {BIND_COMPLETED: "yes"} | ({} if claim["spec"].get("volumeName") else {BOUND_BY_CONTROLLER: "yes"})
    lacking = {key: value for key, value in wanted.items() if not annotation(claim, key)}
    if lacking or claim["spec"].get("volumeName") != name:
        actions.append(_of_claim(claim, {"metadata": {"annotations": lacking}, "spec": {"volumeName": name}}))
    return [*actions, *_claim_status(claim, "Bound", volume)]


def _plan_bound(claim: Object, volume: Object | None) -> list[Action]:
    if not claim["spec"].get("volumeName"):
        return _lose(claim, "ClaimLost", LOST_REFERENCE)
    if volume is None:
        return _lose(claim, "ClaimLost", LOST_VOLUME)
    ref = volume["spec"].get("claimRef")
    if not ref or facts.is_for(volume, claim):
        return bind(claim, volume)
    return _lose(claim, "ClaimMisbound", MISBOUND)


def _plan_named(claim: Object, volume: Object | None) -> list[Action]:
    """A claim whose user asked for one volume."""
    pending = _claim_status(claim, "Pending", None)
    if volume is None:
        return pending
    name = volume["metadata"]["name"]
    if not volume["spec"].get("claimRef"):
        why = facts.mismatch(volume, claim)
        if why:
            return [Note(claim, "Warning", "VolumeMismatch", f'Cannot bind to requested volume "{name}": {why}'), *pending]
        return bind(claim, volume)
    if facts.is_for(volume, claim):
        return bind(claim, volume)
    return [Note(claim, "Warning", "FailedBinding", f'volume "{name}" already bound to a different claim.'), *pending]


def _ask_provisioner(claim: Object, storage_class: Object | None) -> list[Action]:
    if storage_class is None:
        text = f'storageclass.storage.k8s.io "{facts.class_of(claim)}" not found'
        return [Note(claim, "Warning", "ProvisioningFailed", text)]
    name = storage_class["provisioner"]
    if name == facts.NO_PROVISIONER:
        return [Note(claim, "Warning", "ProvisioningFailed", f"no volume plugin matched name: {name}")]
    actions: list[Action] = []
    if annotation(claim, facts.STORAGE_PROVISIONER) != name:
        asked = dict.fromkeys((facts.BETA_STORAGE_PROVISIONER, facts.STORAGE_PROVISIONER), name)
        actions.append(_of_claim(claim, {"metadata": {"annotations": asked}}))
    text = (
        f"Waiting for a volume to be created either by the external provisioner '{name}' or manually by the system "
        "administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
    )
    return [*actions, Note(claim, "Normal", "ExternalProvisioning", text)]


def _release(volume: Object) -> list[Action]:
    """Its claim is gone. What is left to do with it, its reclaim policy says; who made it removes it."""
    actions = []
    if _phase(volume) not in ("Released", "Failed"):
        actions += _volume_status(volume, "Released")
    policy = volume["spec"].get("persistentVolumeReclaimPolicy")
    if policy == "Recycle":
        return [*actions, *_fail(volume, "VolumeFailedRecycle", "Volume type does not support recycling")]
    if policy == "Delete" and not annotation(volume, PROVISIONED_BY) and "csi" not in volume["spec"]:
        name = volume["metadata"]["name"]
        return _fail(volume, "VolumeFailedDelete", f'error getting deleter volume plugin for volume "{name}": {NO_DELETER}')
    return actions


def _unbind(volume: Object) -> list[Action]:
    """The claim was served by another volume: this one is free again, or reserved again where a user did that."""
    spec = dict(volume["spec"])
    if annotation(volume, BOUND_BY_CONTROLLER):
        del spec["claimRef"]
    else:
        spec["claimRef"] = {key: value for key, value in spec["claimRef"].items() if key != "uid"}
    meta = volume["metadata"]
    annotations = {name: text for name, text in (meta.get("annotations") or {}).items() if name != BOUND_BY_CONTROLLER}
    free = {**volume, "metadata": {**meta, "annotations": annotations}, "spec": spec}
    return [Update(VOLUMES, free), *_volume_status(volume, "Available")]


def _lose(claim: Object, reason: Literal["ClaimLost", "ClaimMisbound"], message: str) -> list[Action]:
    if (claim.get("status") or {}).get("phase") == "Lost":
        return []
    return [*_claim_status(claim, "Lost", None), Note(claim, "Warning", reason, message)]


def _fail(volume: Object, reason: str, message: str) -> list[Action]:
    if _phase(volume) == "Failed":
        return []
    return [*_volume_status(volume, "Failed", message), Note(volume, "Warning", reason, message)]


def _claim_status(claim: Object, phase: str, volume: Object | None) -> list[Action]:
    """What makes the claim's status so. A bound claim's size changes only when its volume has grown in earnest."""
    status = claim.get("status") or {}
    wanted: Object = {"phase": phase}
    if volume is None:
        wanted |= {field: None for field in ("accessModes", "capacity") if field in status}
    else:
        wanted["accessModes"] = volume["spec"].get("accessModes")
        if status.get("phase") != "Bound" or not status.get("capacity"):
            wanted["capacity"] = volume["spec"].get("capacity")
    if all(status.get(field) == value for field, value in wanted.items()):
        return []
    return [_of_claim(claim, {"status": wanted}, "status")]


def _volume_status(volume: Object, phase: str, message: str = "") -> list[Action]:
    if _phase(volume) == phase:
        return []
    status: Object = {"phase": phase}
    if message or (volume.get("status") or {}).get("message"):
        status["message"] = message or None
    patch = {"metadata": {"uid": volume["metadata"]["uid"]}, "status": status}
    return [Patch(VOLUMES, key_of(volume), patch, subresource="status")]


def _of_claim(claim: Object, patch: Object, subresource: str = "") -> Patch:
    """A patch of this claim, and not of another of its name."""
    metadata = {**patch.get("metadata", {}), "uid": claim["metadata"]["uid"]}
    return Patch(CLAIMS, key_of(claim), {**patch, "metadata": metadata}, subresource=subresource)


def _phase(volume: Object) -> str:
    return str((volume.get("status") or {}).get("phase", ""))
