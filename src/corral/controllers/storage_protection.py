"""Takes the finalizer off claims, volumes and their attributes classes that are being deleted and that nothing uses.

Admission puts the finalizer on. https://kubernetes.io/docs/concepts/storage/persistent-volumes/#storage-object-in-use-protection
"""

from corral.api.objects import Key, Object
from corral.api.podreferences import claim_of
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Update
from corral.controllers.pods import is_finished
from corral.loop.controller import Controller

CLAIMS, VOLUMES, CLASSES = "persistentvolumeclaims", "persistentvolumes", "volumeattributesclasses.storage.k8s.io"
FINALIZERS = {
    CLAIMS: "kubernetes.io/pvc-protection",
    VOLUMES: "kubernetes.io/pv-protection",
    CLASSES: "kubernetes.io/vac-protection",
}


def plan(resource: str, obj: Object, in_use: bool) -> list[Action]:
    """Let go of an object that is being deleted, unless it is in use."""
    meta = obj["metadata"]
    finalizer = FINALIZERS[resource]
    if in_use or not meta.get("deletionTimestamp") or finalizer not in meta.get("finalizers", ()):
        return []
    left = [name for name in meta["finalizers"] if name != finalizer]
    return [Update(resource, {**obj, "metadata": {**meta, "finalizers": left}})]


def claims_of(pod: Object) -> list[str]:
    """Index: the claims (`NAMESPACE/NAME`) that a pod on a node uses. Pods that wait for a node or have ended use none."""
    if not pod["spec"].get("nodeName") or is_finished(pod):
        return []
    namespace = pod["metadata"]["namespace"]
    names = (claim_of(pod, volume) for volume in pod["spec"].get("volumes") or ())
    return [f"{namespace}/{name}" for name in names if name]


def classes_of(obj: Object) -> list[str]:
    """Index: the attributes classes that a claim or a volume names."""
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    target = (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName")
    names = (spec.get("volumeAttributesClassName"), status.get("currentVolumeAttributesClassName"), target)
    return [name for name in names if name]


def build(client: Client, informers: Informers) -> list[Controller]:
    """One controller for each of the three resources."""
    actor = Actor(client)
    pods = informers.get("pods", {"claim": claims_of})
    claims, volumes = informers.get(CLAIMS, {"class": classes_of}), informers.get(VOLUMES, {"class": classes_of})
    classes = informers.get(CLASSES)

    async def reconcile_claim(key: Key) -> float | None:
        claim = claims.get(*key)
        if claim is None:
            return None
        return await actor.act(plan(CLAIMS, claim, bool(pods.indexed("claim", str(key)))))

    async def reconcile_volume(key: Key) -> float | None:
        volume = volumes.get(*key)
        if volume is None:
            return None
        return await actor.act(plan(VOLUMES, volume, (volume.get("status") or {}).get("phase") == "Bound"))

    async def reconcile_class(key: Key) -> float | None:
        found = classes.get(*key)
        if found is None:
            return None
        in_use = any(informer.indexed("class", key.name) for informer in (claims, volumes))
        return await actor.act(plan(CLASSES, found, in_use))

    def keys_of_pod(pod: Object) -> list[Key]:
        return [Key(*name.split("/", 1)) for name in claims_of(pod)]

    def keys_of_user(obj: Object) -> list[Key]:
        return [Key("", name) for name in classes_of(obj)]

    of_claims = Controller("pvc-protection", reconcile_claim, workers=1)
    of_claims.watch(claims)
    of_claims.watch(pods, keys_of_pod)
    of_volumes = Controller("pv-protection", reconcile_volume, workers=1)
    of_volumes.watch(volumes)
    of_classes = Controller("vac-protection", reconcile_class, workers=1)
    of_classes.watch(classes)
    for informer in (claims, volumes):
        of_classes.watch(informer, keys_of_user)
    return [of_claims, of_volumes, of_classes]
