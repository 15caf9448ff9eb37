"""Makes the claims of pods' generic ephemeral volumes; they go with their pods (KEP-1698).

https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#generic-ephemeral-volumes
"""

from collections.abc import Callable

from corral.api.objects import Key, Object, key_of
from corral.api.podreferences import claim_of
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Create
from corral.controllers.pods import is_finished, owner_reference
from corral.loop.controller import Controller

CLAIMS = "persistentvolumeclaims"


def plan(pod: Object, exists: Callable[[str], bool]) -> list[Action]:
    """Make each claim that is not there; one of its name that is somebody else's keeps the pod waiting."""
    meta = pod["metadata"]
    if meta.get("deletionTimestamp") or is_finished(pod):
        return []
    actions: list[Action] = []
    for volume in ephemeral(pod):
        name = claim_of(pod, volume)
        if exists(name):
            continue
        template = volume["ephemeral"]["volumeClaimTemplate"]
        given = {k: v for k, v in (template.get("metadata") or {}).items() if k in ("labels", "annotations")}
        owner = owner_reference({"apiVersion": "v1", "kind": "Pod", **pod})
        metadata = {**given, "name": name, "namespace": meta["namespace"], "ownerReferences": [owner]}
        claim = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": metadata, "spec": template["spec"]}
        actions.append(Create(CLAIMS, claim))
    return actions


def ephemeral(pod: Object) -> list[Object]:
    """The volumes of a pod that have a claim of their own."""
    return [volume for volume in pod["spec"].get("volumes") or () if (volume.get("ephemeral") or {}).get("volumeClaimTemplate")]


def build(client: Client, informers: Informers) -> Controller:
    """The controller; its keys are pods."""
    pods, claims, actor = informers.get("pods"), informers.get(CLAIMS), Actor(client)

    async def reconcile(key: Key) -> float | None:
        pod = pods.get(*key)
        if pod is None:
            return None
        return await actor.act(plan(pod, lambda name: claims.get(key.namespace, name) is not None))

    def owners_of(claim: Object) -> list[Key]:
        namespace = claim["metadata"]["namespace"]
        return [Key(namespace, o["name"]) for o in claim["metadata"].get("ownerReferences") or () if o["kind"] == "Pod"]

    controller = Controller("ephemeral-volume-controller", reconcile)
    controller.watch(pods, lambda pod: [key_of(pod)] if ephemeral(pod) else [])
    controller.watch(claims, owners_of)
    return controller
