"""Makes and removes the volumes of classes whose provisioner is the cluster itself: folders on the disks of its nodes.

The node of the pod that comes first makes the folder; from then on the volume, and all that use it, belong to that node. When
the claim is gone and the reclaim policy is Delete, the node removes the folder, and only then does the volume go.
https://kubernetes.io/docs/concepts/storage/dynamic-provisioning/
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

from msgspec import Struct

from corral.api import persistentvolumes as facts
from corral.api.errors import ApiError
from corral.api.objects import Key, Object, key_of
from corral.api.persistentvolumes import HOSTNAME, PROVISIONED_BY, SELECTED_NODE, annotation
from corral.api.quantity import parse
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Create, Delete, Note, Patch
from corral.controllers.conditions import is_true
from corral.controllers.volumebinding import CLAIMS, CLASSES, VOLUMES
from corral.loop.controller import Controller

PROVISIONER = "corral.dev/node-disk"
#: Keeps a volume until its folder is gone, whoever deletes it.
FINALIZER = "external-provisioner.volume.kubernetes.io/finalizer"

#: Asks a node (its name) to make or remove the folder of a volume (its name); the folder's path.
#: Raises ApiError (404) where there is no such node, OSError where it cannot be asked or cannot do it.
Folder = Callable[[Literal["make", "remove"], str, str], Awaitable[str]]


class Order(Struct, frozen=True):
    """A volume to be made for a claim: on which node, by which class."""

    claim: Object
    node: Object
    storage_class: Object

    @property
    def name(self) -> str:
        """The volume's name: with the claim's uid, so that it is made once."""
        return f"pvc-{self.claim['metadata']['uid']}"


def plan_order(claim: Object, storage_class: Object | None, nodes: Iterable[Object]) -> Order | str | None:
    """The volume that the claim waits for; why it cannot be made; None where nothing is to be done."""
    if storage_class is None or annotation(claim, facts.STORAGE_PROVISIONER) != PROVISIONER:
        return None
    if claim["spec"].get("volumeName") or claim["metadata"].get("deletionTimestamp"):
        return None
    if facts.is_delayed(storage_class) and not annotation(claim, SELECTED_NODE):
        return None
    why = _unfit(claim["spec"])
    if why:
        return why
    node = _node_for(claim, storage_class, nodes)
    return "no node is ready" if node is None else Order(claim, node, storage_class)


def volume_of(order: Order, path: str) -> Object:
    """The volume whose folder is `path` on the node."""
    claim, chosen = order.claim, order.storage_class
    asked = claim["spec"]
    hostname = order.node["metadata"].get("labels", {}).get(HOSTNAME, order.node["metadata"]["name"])
    here = {"key": HOSTNAME, "operator": "In", "values": [hostname]}
    spec = {
        "accessModes": asked["accessModes"],
        "capacity": {"storage": asked["resources"]["requests"]["storage"]},
        "claimRef": facts.reference(claim),
        "local": {"path": path},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        "persistentVolumeReclaimPolicy": chosen.get("reclaimPolicy", "Delete"),
        "storageClassName": chosen["metadata"]["name"],
        "volumeMode": "Filesystem",
    }
    metadata = {"name": order.name, "annotations": {PROVISIONED_BY: PROVISIONER}, "finalizers": [FINALIZER]}
    return {"kind": "PersistentVolume", "apiVersion": "v1", "metadata": metadata, "spec": spec}


def is_to_be_removed(volume: Object) -> bool:
    """Whether the volume's data has had its day."""
    released = (volume.get("status") or {}).get("phase") in ("Released", "Failed")
    return released and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"


def plan_parting(volume: Object) -> list[Action]:
    """Let a volume go whose folder is gone, or stays for good."""
    meta = volume["metadata"]
    left = [name for name in meta.get("finalizers") or () if name != FINALIZER]
    actions: list[Action] = []
    if not meta.get("deletionTimestamp"):
        actions.append(Delete(VOLUMES, key_of(volume), meta["uid"]))
    if len(left) != len(meta.get("finalizers") or ()):
        actions.append(Patch(VOLUMES, key_of(volume), {"metadata": {"uid": meta["uid"], "finalizers": left or None}}))
    return actions


def plan_growth(claim: Object, volume: Object | None) -> list[Action]:
    """A claim that asks for more gets it: a folder has no size of its own."""
    if volume is None or annotation(volume, PROVISIONED_BY) != PROVISIONER or not facts.is_bound(claim):
        return []
    asked = {"storage": claim["spec"]["resources"]["requests"]["storage"]}
    actions: list[Action] = []
    if facts.requested(claim) > facts.capacity(volume):
        actions.append(Patch(VOLUMES, key_of(volume), {"spec": {"capacity": asked}}))
    held = (claim.get("status") or {}).get("capacity") or {}
    if held and parse(held["storage"]) < facts.requested(claim):
        patch = {"metadata": {"uid": claim["metadata"]["uid"]}, "status": {"capacity": asked}}
        actions.append(Patch(CLAIMS, key_of(claim), patch, subresource="status"))
        actions.append(Note(claim, "Normal", "VolumeResizeSuccessful", "Resize volume succeeded"))
    return actions


def node_of(volume: Object, nodes: Iterable[Object]) -> str:
    """The node that a volume lies on; '' where there is none (any more)."""
    names = (n["metadata"] for n in nodes)
    return next((m["name"] for m in names if facts.reaches(volume, m.get("labels") or {}, m["name"])), "")


def _unfit(spec: Object) -> str:
    if spec.get("volumeMode") == "Block":
        return "a folder cannot be used as a block device: volumeMode must be Filesystem"
    if spec.get("selector"):
        return "claim Selector is not supported"
    return "a folder cannot be filled from a data source" if spec.get("dataSource") or spec.get("dataSourceRef") else ""


def _node_for(claim: Object, storage_class: Object, nodes: Iterable[Object]) -> Object | None:
    """The node that the scheduler chose; for a class that does not wait for it, the first that is ready and allowed."""
    by_name = {node["metadata"]["name"]: node for node in nodes}
    chosen = annotation(claim, SELECTED_NODE)
    if chosen:
        return by_name.get(chosen) or {"metadata": {"name": chosen}}
    allowed = storage_class.get("allowedTopologies")
    ready = (node for _, node in sorted(by_name.items()) if _is_ready(node))
    return next((n for n in ready if facts.allows(allowed, n["metadata"].get("labels") or {})), None)


def _is_ready(node: Object) -> bool:
    return is_true(node, "Ready") and not node["spec"].get("unschedulable")


class Provisioner:
    """The keys are claims, and volumes."""

    def __init__(self, client: Client, informers: Informers, recorder: Recorder, folder: Folder) -> None:
        self._actor = Actor(client, recorder)
        self._folder = folder
        self.claims, self.volumes = informers.get(CLAIMS), informers.get(VOLUMES)
        self.classes, self.nodes = informers.get(CLASSES), informers.get("nodes")

    async def reconcile_claim(self, key: Key) -> float | None:
        """Make the volume of a claim that waits for one; let that of one that has one grow."""
        claim = self.claims.get(*key)
        if claim is None:
            return None
        name = claim["spec"].get("volumeName")
        if name:
            return await self._actor.act(plan_growth(claim, self.volumes.get("", name)))
        order = plan_order(claim, self.classes.get("", facts.class_of(claim)), self.nodes.objects())
        if isinstance(order, str):
            return await self._actor.act([_failed(claim, order)])
        if order is None or self.volumes.get("", order.name) is not None:
            return None
        text = f'External provisioner is provisioning volume for claim "{key}"'
        await self._actor.act([Note(claim, "Normal", "Provisioning", text)])
        try:
            path = await self._folder("make", order.node["metadata"]["name"], order.name)
        except (ApiError, OSError) as error:
            await self._actor.act([_failed(claim, str(error)), *_choose_again(claim, error)])
            raise
        said = Note(claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {order.name}")
        return await self._actor.act([Create(VOLUMES, volume_of(order, path)), said])

    async def reconcile_volume(self, key: Key) -> float | None:
        """Remove the folder of a volume that is no longer wanted, then the volume."""
        volume = self.volumes.get(*key)
        if volume is None or annotation(volume, PROVISIONED_BY) != PROVISIONER:
            return None
        if is_to_be_removed(volume):
            await self._remove(volume)
            return await self._actor.act(plan_parting(volume))
        if volume["metadata"].get("deletionTimestamp") and (volume.get("status") or {}).get("phase") != "Bound":
            return await self._actor.act(plan_parting(volume))
        return None

    async def _remove(self, volume: Object) -> None:
        """Raises OSError, after it was told to people, where the node cannot do it now. With the node the data has gone."""
        node = node_of(volume, self.nodes.objects())
        if not node:
            return
        try:
            await self._folder("remove", node, volume["metadata"]["name"])
        except OSError as error:
            patch = {"status": {"phase": "Failed", "message": str(error)}}
            actions: list[Action] = [Note(volume, "Warning", "VolumeFailedDelete", str(error))]
            if (volume.get("status") or {}).get("message") != str(error):
                actions.append(Patch(VOLUMES, key_of(volume), patch, subresource="status"))
            await self._actor.act(actions)
            raise


def _failed(claim: Object, why: str) -> Note:
    text = f'failed to provision volume with StorageClass "{facts.class_of(claim)}": {why}'
    return Note(claim, "Warning", "ProvisioningFailed", text)


def _choose_again(claim: Object, error: Exception) -> list[Action]:
    """Where the chosen node is gone, the scheduler has to choose another."""
    if not isinstance(error, ApiError) or error.code != 404 or not annotation(claim, SELECTED_NODE):
        return []
    metadata = {"uid": claim["metadata"]["uid"], "annotations": {SELECTED_NODE: None}}
    return [Patch(CLAIMS, key_of(claim), {"metadata": metadata})]


def build(client: Client, informers: Informers, clock: Clock, folder: Folder) -> list[Controller]:
    """A controller for claims and one for volumes."""
    recorder = Recorder(client, PROVISIONER, clock)
    this = Provisioner(client, informers, recorder, folder)
    claims = Controller("node-disk-provisioner", this.reconcile_claim, clock=clock, companions=(recorder.run,))
    claims.watch(this.claims)
    volumes = Controller("node-disk-remover", this.reconcile_volume, clock=clock)
    volumes.watch(this.volumes)
    return [claims, volumes]
