"""Binds claims to PersistentVolumes and lets volumes go when their claims are gone. What to do says `volumebinding`.

https://kubernetes.io/docs/concepts/storage/persistent-volumes/
"""

from collections.abc import Iterable

from corral.api import persistentvolumes as facts
from corral.api.defaultclasses import STORAGE, default_class
from corral.api.errors import ApiError
from corral.api.objects import Key, Object, key_of
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers
from corral.controllers.actions import Actor
from corral.controllers.volumebinding import CLAIMS, CLASSES, VOLUMES, Offer, plan_claim, plan_volume
from corral.loop.controller import Controller


def waiting_of(claim: Object) -> list[str]:
    """Index: the class (`class/NAME`) of a claim that is not bound; of a claim with a volumeName, that (`volume/NAME`)."""
    name = claim["spec"].get("volumeName")
    if name:
        return [f"volume/{name}"]
    return [f"class/{facts.class_of(claim)}"]


class Binder:
    """The keys are claims, and volumes."""

    def __init__(self, client: Client, informers: Informers, recorder: Recorder) -> None:
        self._actor = Actor(client, recorder)
        self.claims = informers.get(CLAIMS, {"waiting": waiting_of})
        self.volumes = informers.get(VOLUMES, {"serving": facts.serving})
        self.classes = informers.get(CLASSES)
        #: By claim: the volumes for which it was woken.
        self._offers: dict[Key, set[str]] = {}

    async def reconcile_claim(self, key: Key) -> float | None:
        """One look at a claim."""
        claim = self.claims.get(*key)
        if claim is None:
            return None
        name, wanted = claim["spec"].get("volumeName"), facts.class_of(claim)
        named = self.volumes.get("", name) if name else None
        candidates = [volume for found in facts.sought(claim) for volume in self.volumes.indexed("serving", found)]
        offer = Offer(self.classes.get("", wanted) if wanted else None, default_class(self.classes.objects(), STORAGE))
        return await self._actor.act(plan_claim(claim, named, candidates, offer))

    async def reconcile_volume(self, key: Key) -> float | None:
        """One look at a volume."""
        volume = self.volumes.get(*key)
        if volume is None:
            return None
        claim = await self._claim_of(volume)
        return await self._actor.act(plan_volume(volume, claim))

    async def _claim_of(self, volume: Object) -> Object | None:
        """The claim that a volume names. That it is gone, the API itself must say: what follows may delete data."""
        key = facts.claim_of(volume)
        if key is None:
            return None
        claim, uid = self.claims.get(*key), volume["spec"]["claimRef"].get("uid")
        if not uid or (claim is not None and claim["metadata"]["uid"] == uid):
            return claim
        try:
            return await self._actor.client.get(CLAIMS, key.name, key.namespace)
        except ApiError as error:
            if error.code != 404:
                raise
            return None

    def claims_of_volume(self, volume: Object) -> list[Key]:
        """The claim that a volume names, and those that name it."""
        claim = facts.claim_of(volume)
        asking = self.claims.indexed("waiting", f"volume/{volume['metadata']['name']}")
        return [*([claim] if claim else []), *map(key_of, asking)]

    def offer(self, volume: Object) -> Key | None:
        """The claim to be woken for a volume that is available: one that it fits, and that was not woken for another."""
        if not facts.is_available(volume):
            return None
        waiting = self.claims.keys("waiting", f"class/{facts.class_of(volume)}")
        for key in sorted(waiting, key=self._offers.__contains__):
            claim = self.claims.get(*key)
            if claim is not None and facts.matches_of(claim, [volume]):
                self._offers.setdefault(key, set()).add(volume["metadata"]["name"])
                return key
        return None

    def left_by(self, claim: Key) -> list[Object]:
        """The volumes for which a claim was woken that has changed since: if they are still free, another may want them."""
        volumes = (self.volumes.get("", name) for name in self._offers.pop(claim, ()))
        return [volume for volume in volumes if volume is not None]

    def claims_of_class(self, storage_class: Object) -> list[Key]:
        """The claims that wait for a class, or for any class."""
        names = (storage_class["metadata"]["name"], "")
        return [key_of(claim) for name in names for claim in self.claims.indexed("waiting", f"class/{name}")]

    def volumes_of_claim(self, claim: Object) -> list[Key]:
        """The volumes for which a change of the claim matters."""
        name = claim["spec"].get("volumeName")
        named = [Key("", name)] if name else []
        return [*named, *map(key_of, self.volumes.indexed("serving", str(key_of(claim))))]


def build(client: Client, informers: Informers, clock: Clock) -> list[Controller]:
    """A controller for claims and one for volumes."""
    recorder = Recorder(client, "persistentvolume-controller", clock)
    binder = Binder(client, informers, recorder)
    # One at a time: two claims at once would mostly want the same volume.
    claims = Controller("persistentvolume-binder-claims", binder.reconcile_claim, workers=1, clock=clock)
    claims.companions = (recorder.run,)
    claims.watch(binder.claims)
    claims.watch(binder.volumes, binder.claims_of_volume)
    claims.watch(binder.classes, binder.claims_of_class)

    def offer(volumes: Iterable[Object]) -> None:
        for volume in volumes:
            key = binder.offer(volume)
            if key is not None:
                claims.queue.add(key)

    # Not to all that wait: each look at a claim is a look at all volumes, and told as an event where nothing fits.
    binder.volumes.listen(lambda change: offer([change.new.object] if change.new else ()))
    binder.claims.listen(lambda change: offer(binder.left_by(change.key)))
    volumes = Controller("persistentvolume-binder-volumes", binder.reconcile_volume, workers=1, clock=clock)
    volumes.watch(binder.volumes)
    volumes.watch(binder.claims, binder.volumes_of_claim)
    return [claims, volumes]
