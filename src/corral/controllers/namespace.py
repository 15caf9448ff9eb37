"""Ends namespaces: while one is being deleted, all it holds is deleted, pods first; then the finalizer `kubernetes` goes.

https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/ and KEP-5080 (pods before all else).
"""

import asyncio
from collections.abc import Mapping, Sequence

from corral.api.errors import ApiError
from corral.api.objects import Key, Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers import extensions
from corral.controllers.conditions import with_condition
from corral.loop.controller import Controller

FINALIZER = "kubernetes"
#: What is left is looked at again after this time, should no event (a pod that has ended) come earlier.
AGAIN_S = 1.0


def with_progress(
    conditions: Sequence[Object],
    remaining: Mapping[str, Sequence[Object]],
    failure: str,
    now_s: float,
    undiscovered: Sequence[str] = (),
) -> list[Object]:
    """The conditions of a namespace that is being deleted.

    `remaining`: what is left, by `plural.group` (`pods.`); `undiscovered`: group versions that do not say what they have.
    """
    counts = sorted(f"{name} has {len(objects)} resource instances" for name, objects in remaining.items() if objects)
    holders: dict[str, int] = {}
    for obj in (obj for objects in remaining.values() for obj in objects):
        for finalizer in obj["metadata"].get("finalizers", ()):
            holders[finalizer] = holders.get(finalizer, 0) + 1
    held = sorted(f"{finalizer} in {count} resource instances" for finalizer, count in holders.items())
    wanted = [
        ("NamespaceDeletionDiscoveryFailure", "True", "DiscoveryFailed", _undiscovered(undiscovered))
        if undiscovered
        else ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            "False",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        ("NamespaceDeletionContentFailure", "True", "ContentDeletionFailed", failure)
        if failure
        else (
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain", "Some resources are remaining: " + ", ".join(counts))
        if counts
        else ("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"),
        (
            "NamespaceFinalizersRemaining",
            "True",
            "SomeFinalizersRemain",
            "Some content in the namespace has finalizers remaining: " + ", ".join(held),
        )
        if held
        else ("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
    ]
    result = list(conditions)
    for type, status, reason, message in wanted:
        current = next((c for c in result if c["type"] == type), None)
        if current is None or (current["status"], current.get("message")) != (status, message):
            result = with_condition(result, type, status, reason, message, now_s, updated=True)
    return result


def _undiscovered(group_versions: Sequence[str]) -> str:
    stale = ", ".join(f"{one}: stale GroupVersion discovery: {one}" for one in group_versions)
    return (
        f"Discovery failed for some groups, {len(group_versions)} failing: "
        f"unable to retrieve the complete list of server APIs: {stale}"
    )


class NamespaceController:
    """Its keys are namespaces."""

    def __init__(self, client: Client, informers: Informers, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._namespaces = informers.get("namespaces")
        self._api_services = informers.get(extensions.API_SERVICES)

    async def reconcile(self, key: Key) -> float | None:
        """Delete what is in the namespace, tell what is left, let go of it when nothing is."""
        namespace = self._namespaces.get("", key.name)
        if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
            return None
        if FINALIZER not in namespace["spec"].get("finalizers", ()):
            return None
        remaining, failure, undiscovered = await self._empty(key.name)
        status = namespace.get("status", {})
        left = any(remaining.values()) or failure or undiscovered
        if left or status.get("phase") != "Terminating":
            now_s = self._clock.now()
            conditions = with_progress(status.get("conditions", ()), remaining, failure, now_s, undiscovered)
            new = {**status, "phase": "Terminating", "conditions": conditions}
            if new != status:
                namespace = await self._client.update("namespaces", {**namespace, "status": new}, subresource="status")
        if left:
            return AGAIN_S
        finalizers = [f for f in namespace["spec"]["finalizers"] if f != FINALIZER]
        done = {**namespace, "spec": {**namespace["spec"], "finalizers": finalizers}}
        await self._client.update("namespaces", done, subresource="finalize")
        return None

    async def _empty(self, namespace: str) -> tuple[dict[str, list[Object]], str, list[str]]:
        """Ask for the deletion of everything; what is still there, what went wrong, and who does not say what there is."""
        pods, failure = await self._delete("pods", namespace)
        if pods or failure:
            return {"pods.": pods}, failure, []
        resources = [r for r in self._client.catalog if r.namespaced and {"list", "delete"} <= set(r.verbs)]
        names = list(dict.fromkeys(r.group_resource for r in resources))
        results = await asyncio.gather(*(self._delete(name, namespace) for name in names))
        failures = [failure for _, failure in results if failure]
        remaining = {f"{n}" if "." in n else f"{n}.": objects for n, (objects, _) in zip(names, results, strict=True)}
        others = await extensions.empty(self._client, self._api_services.objects(), namespace)
        return remaining | others.remaining, "; ".join([*failures, *others.failures]), others.undiscovered

    async def _delete(self, resource: str, namespace: str) -> tuple[list[Object], str]:
        try:
            items = (await self._client.list(resource, namespace)).items
            if items:
                if "deletecollection" in self._client.resource(resource).verbs:
                    await self._client.delete_collection(resource, namespace)
                else:
                    for item in items:
                        await self._client.delete(resource, item.key.name, namespace, propagation="Background")
                items = (await self._client.list(resource, namespace)).items
        except ApiError as error:
            # Not served any more, or not with this verb: nothing to delete.
            return [], "" if error.code in (404, 405) else f"unable to delete {resource}: {error}"
        return [item.object for item in items], ""


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    namespaces, pods = informers.get("namespaces"), informers.get("pods")
    this = NamespaceController(client, informers, clock)

    def of_pod(pod: Object) -> list[Key]:
        namespace = namespaces.get("", pod["metadata"]["namespace"])
        ending = namespace is not None and namespace["metadata"].get("deletionTimestamp")
        return [Key("", pod["metadata"]["namespace"])] if ending else []

    controller = Controller("namespace", this.reconcile, clock=clock)
    controller.watch(namespaces)
    controller.watch(pods, of_pod)
    controller.watch(informers.get(extensions.API_SERVICES), lambda _: ())
    return controller
