"""What the scheduler knows of claims and volumes, and what it has promised to pods that are not bound yet.

Claims of a class that waits for its first consumer get their volume here: one that is free and reaches the node, or one that
is made there. https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from heapq import merge
from operator import itemgetter

from msgspec import Struct

from corral.api import persistentvolumes as facts
from corral.api.objects import Key, Object, key_of
from corral.api.persistentvolumes import SELECTED_NODE, annotation

#: A volume and its rank: the lowest is best.
Ranked = tuple[int, Object]


class Want(Struct, frozen=True):
    """A claim that waits for its first consumer: the volumes that could serve it, best first, and where one could be made.

    Volumes that are tied to hosts are found by hostname: with one on each of a thousand nodes, a node looks at its own only.
    """

    claim: Key
    by_host: Mapping[str, Sequence[Ranked]] = {}
    others: Sequence[Ranked] = ()
    #: Whether a volume is reserved for the claim: no other will do then.
    reserved: bool = False
    #: Nodes of these topologies (none: all), where a volume of the class can be made; None: nowhere.
    made_in: Sequence[Object] | None = None
    #: Where its volume is being made; '' where that is open.
    place: str = ""

    def volume_for(self, labels: Mapping[str, str], node: str, taken: Collection[str]) -> str:
        """The best volume on a node that is not `taken`; '' where there is none."""
        own = self.by_host.get(labels.get(facts.HOSTNAME, ""), ())
        for _, volume in merge(own, self.others, key=itemgetter(0)):
            name: str = volume["metadata"]["name"]
            if name not in taken and facts.reaches(volume, labels, node):
                return name
        return ""


class Choice(Struct, frozen=True):
    """For the claims of a pod on one node: volumes to bind to them (by name), and those whose volume is to be made there."""

    volumes: Mapping[Key, str] = {}
    made: tuple[Key, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.volumes or self.made)


def choose(wants: Iterable[Want], labels: Mapping[str, str], node: str, taken: Collection[str]) -> Choice | None:
    """What claims get on a node; None where one of them would get nothing. `taken`: the volumes promised to others."""
    volumes: dict[Key, str] = {}
    made: list[Key] = []
    for want in wants:
        if want.place:
            if want.place != node:
                return None
            made.append(want.claim)
            continue
        mine = {*taken, *volumes.values()} if volumes else taken
        name = want.volume_for(labels, node, mine)
        if name:
            volumes[want.claim] = name
        elif want.made_in is not None and not want.reserved and facts.allows(want.made_in, labels):
            made.append(want.claim)
        else:
            return None
    return Choice(volumes, tuple(made))


def _none(_: str) -> Object | None:
    return None


def _no_claim(_: Key) -> Object | None:
    return None


def _no_volumes(_: Object) -> Sequence[Object]:
    return ()


class Volumes(Struct):
    """The cluster's storage, as functions; `candidates` are the volumes that are free in a claim's class or reserved for it."""

    claim: Callable[[Key], Object | None] = _no_claim
    volume: Callable[[str], Object | None] = _none
    storage_class: Callable[[str], Object | None] = _none
    candidates: Callable[[Object], Sequence[Object]] = _no_volumes
    #: By pod: what it was promised.
    promises: dict[Key, Choice] = {}
    #: The same by claim and by volume: which volume, where one is made and for how many pods, and which volumes are promised.
    _volumes: dict[Key, str] = {}
    _places: dict[Key, tuple[str, int]] = {}
    taken: set[str] = set()

    def promise(self, pod: Key, choice: Choice, node: str) -> None:
        """Keep the volumes of `choice` for the pod, until they are bound or it gives up."""
        self.release(pod)
        if not choice:
            return
        self.promises[pod] = choice
        self._volumes.update(choice.volumes)
        self.taken.update(choice.volumes.values())
        for claim in choice.made:
            self._places[claim] = node, self._places.get(claim, ("", 0))[1] + 1

    def release(self, pod: Key) -> None:
        """The pod needs no promise any more."""
        choice = self.promises.pop(pod, None)
        if choice is None:
            return
        for claim, name in choice.volumes.items():
            self._volumes.pop(claim, None)
            self.taken.discard(name)
        for claim in choice.made:
            node, pods = self._places.pop(claim)
            if pods > 1:
                self._places[claim] = node, pods - 1

    def promised(self, claim: Key) -> str:
        """The volume that the claim is to get, for whichever pod; '' where none was chosen."""
        return self._volumes.get(claim, "")

    def want(self, claim: Object) -> Want:
        """What there is for a claim that waits."""
        key = key_of(claim)
        place = annotation(claim, SELECTED_NODE) or self._places.get(key, ("", 0))[0]
        if place:
            return Want(key, place=place)
        storage_class = self.storage_class(facts.class_of(claim)) or {}
        by_hand = storage_class.get("provisioner", "") in ("", facts.NO_PROVISIONER)
        made_in = None if by_hand else storage_class.get("allowedTopologies") or ()
        by_host: dict[str, list[Ranked]] = {}
        others: list[Ranked] = []
        fitting = facts.matches_of(claim, self.candidates(claim))
        for ranked in enumerate(fitting):
            hosts = facts.hostnames(ranked[1])
            if hosts is None:
                others.append(ranked)
            for host in hosts or ():
                by_host.setdefault(host, []).append(ranked)
        reserved = bool(fitting and facts.claim_of(fitting[0]))
        return Want(key, by_host, others, reserved, made_in)
