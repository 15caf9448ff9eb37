"""What the scheduler knows of claims and volumes, and what it has promised to pods that are not bound yet.

Claims of a class that waits for its first consumer get their volume here: one that is free and reaches the node, or one that
is made there. https://kubernetes.io/docs/concepts/storage/storage-classes/#volume-binding-mode
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, field

from corral.api import persistentvolumes as facts
from corral.api.objects import Key, Object, key_of
from corral.api.persistentvolumes import SELECTED_NODE, annotation


class Choice(Struct, frozen=True):
    """For the claims of a pod on one node: volumes to bind to them (by name), and those whose volume is to be made there."""

    volumes: Mapping[Key, str] = field(default_factory=dict)
    made: tuple[Key, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.volumes or self.made)


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
    promises: dict[Key, Choice] = field(default_factory=dict)
    _nodes: dict[Key, str] = field(default_factory=dict)

    def promise(self, pod: Key, choice: Choice, node: str) -> None:
        """Keep the volumes of `choice` for the pod, until they are bound or it gives up."""
        if choice:
            self.promises[pod] = choice
            self._nodes[pod] = node

    def release(self, pod: Key) -> None:
        """The pod needs no promise any more."""
        self.promises.pop(pod, None)
        self._nodes.pop(pod, None)

    def promised(self, claim: Key) -> str:
        """The volume that the claim is to get, for whichever pod; '' where none was chosen."""
        return next((c.volumes[claim] for c in self.promises.values() if claim in c.volumes), "")

    def place_of(self, claim: Object) -> str:
        """The node on which the claim's volume is to be made; '' where that is open."""
        key = key_of(claim)
        made = (self._nodes[pod] for pod, choice in self.promises.items() if key in choice.made)
        return annotation(claim, SELECTED_NODE) or next(made, "")

    def choose(self, claims: Iterable[Object], labels: Mapping[str, str], node: str) -> Choice | None:
        """What the unbound claims would get on a node; None where one of them would get nothing."""
        taken = {name for choice in self.promises.values() for name in choice.volumes.values()}
        volumes: dict[Key, str] = {}
        made: list[Key] = []
        for claim in sorted(claims, key=facts.requested):
            key, wanted = key_of(claim), facts.class_of(claim)
            place = self.place_of(claim)
            if place:
                if place != node:
                    return None
                made.append(key)
                continue
            found = facts.best_match(claim, self._reaching(claim, labels, node), taken=taken)
            if found is not None and not facts.reaches(found, labels, node):
                return None
            if found is not None:
                taken.add(found["metadata"]["name"])
                volumes[key] = found["metadata"]["name"]
            elif _can_be_made(self.storage_class(wanted), labels):
                made.append(key)
            else:
                return None
        return Choice(volumes, tuple(made))

    def _reaching(self, claim: Object, labels: Mapping[str, str], node: str) -> list[Object]:
        """What can be used on the node, and what is reserved for the claim wherever it is: no other will do then."""
        candidates = self.candidates(claim)
        return [v for v in candidates if v["spec"].get("claimRef") or facts.reaches(v, labels, node)]


def _can_be_made(storage_class: Object | None, labels: Mapping[str, str]) -> bool:
    if storage_class is None or storage_class.get("provisioner") in ("", facts.NO_PROVISIONER):
        return False
    return facts.allows(storage_class.get("allowedTopologies"), labels)
