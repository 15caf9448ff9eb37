"""Has the volumes of a pod bound before the pod is: what `volumes` has promised is written, and waited for.

https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
"""

import asyncio
from collections.abc import Callable, Iterable

from corral.api import persistentvolumes as facts
from corral.api.objects import Key, Object
from corral.api.persistentvolumes import SELECTED_NODE, annotation
from corral.client.client import Client
from corral.client.informer import Change, Informer, Informers
from corral.scheduler.snapshot import NodeInfo
from corral.scheduler.volumes import Choice, Volumes

#: As long as a volume may take.
PATIENCE_S = 600.0


class VolumesError(Exception):
    """The volumes of a pod could not be bound; people see the text in the event FailedScheduling."""


class VolumeBinder:
    """`known` is what the scheduler decides from."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._claims = informers.get("persistentvolumeclaims")
        self._volumes = informers.get("persistentvolumes", {"serving": facts.serving})
        self._classes = informers.get("storageclasses.storage.k8s.io")
        self._waiting: dict[Key, asyncio.Event] = {}
        self.known = Volumes(
            claim=lambda key: self._claims.get(*key),
            volume=lambda name: self._volumes.get("", name),
            storage_class=lambda name: self._classes.get("", name),
            candidates=self._candidates,
        )
        self.listen(lambda _: self._wake(self._waiting.values()))

    @property
    def informers(self) -> tuple[Informer, ...]:
        """What it knows from."""
        return self._claims, self._volumes, self._classes

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` for every change of storage."""
        for informer in self.informers:
            informer.listen(listener)

    def look_again(self, pod: Key) -> None:
        """The pod has gone, or changed."""
        self._wake([self._waiting[pod]] if pod in self._waiting else [])

    async def bind(self, pod: Key, node: NodeInfo, wanted: Callable[[], bool]) -> None:
        """Have the promised volumes of a pod on `node` bound, for as long as it is `wanted`. Raises VolumesError, ApiError."""
        choice = self.known.promises.get(pod)
        if choice is None:
            return
        for claim, name in choice.volumes.items():
            await self._reserve(claim, name)
        revisions = {claim: await self._select(claim, node.name) for claim in choice.made}
        event = self._waiting[pod] = asyncio.Event()
        try:
            async with asyncio.timeout(PATIENCE_S):
                while wanted() and not self._are_bound(choice, node, revisions):
                    event.clear()
                    await event.wait()
        except TimeoutError:
            raise VolumesError("timed out waiting for the condition") from None
        finally:
            del self._waiting[pod]

    def _candidates(self, claim: Object) -> list[Object]:
        return [volume for key in facts.sought(claim) for volume in self._volumes.indexed("serving", key)]

    async def _reserve(self, key: Key, name: str) -> None:
        """Have a free volume name the claim; the controller of volumes does the rest."""
        claim, volume = self._claim(key), self._volumes.get("", name)
        if volume is None:
            raise VolumesError(f'pv "{name}" not found')
        if facts.is_bound(claim) or (volume["spec"].get("claimRef") or {}).get("uid") == claim["metadata"]["uid"]:
            return
        if facts.claim_of(volume) and not facts.is_for(volume, claim):
            raise VolumesError(f'pv "{name}" is bound to another claim')
        await self._client.update("persistentvolumes", facts.reserved(volume, claim))

    async def _select(self, key: Key, node: str) -> int:
        """Ask for the claim's volume to be made on `node`; from which revision on that shows."""
        claim = self._claim(key)
        if annotation(claim, SELECTED_NODE) != node:
            metadata = {"uid": claim["metadata"]["uid"], "annotations": {SELECTED_NODE: node}}
            claim = await self._client.patch("persistentvolumeclaims", key.name, {"metadata": metadata}, key.namespace)
        return int(claim["metadata"]["resourceVersion"])

    def _are_bound(self, choice: Choice, node: NodeInfo, revisions: dict[Key, int]) -> bool:
        """Whether all are; raises VolumesError where one of them will not be."""
        return all(self._is_bound(key, node, revisions.get(key)) for key in (*choice.volumes, *choice.made))

    def _is_bound(self, key: Key, node: NodeInfo, asked_at: int | None) -> bool:
        claim = self._claim(key)
        if facts.is_bound(claim):
            name = claim["spec"]["volumeName"]
            volume = self._volumes.get("", name)
            if volume is not None and not facts.reaches(volume, node.labels, node.name):
                raise VolumesError(f'pv "{name}" node affinity doesn\'t match node "{node.name}"')
            return volume is not None
        shows = asked_at is not None and int(claim["metadata"]["resourceVersion"]) >= asked_at
        if shows and annotation(claim, SELECTED_NODE) != node.name:
            raise VolumesError(f'provisioning failed for PVC "{key.name}"')
        return False

    def _claim(self, key: Key) -> Object:
        claim = self._claims.get(*key)
        if claim is None:
            raise VolumesError(f'persistentvolumeclaim "{key.name}" not found')
        return claim

    @staticmethod
    def _wake(events: Iterable[asyncio.Event]) -> None:
        for event in events:
            event.set()
