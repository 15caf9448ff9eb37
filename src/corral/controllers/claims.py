"""Which objects belong to an owner: adopted when they match its selector, released when not.

https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#non-template-pod-acquisitions
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field

from corral.api.objects import Key, Object, controller_of, key_of
from corral.api.selectors import matches as matches_selector
from corral.client.informer import Informer
from corral.controllers.actions import Action, Patch
from corral.controllers.pods import owner_reference

Fits = Callable[[Object, Mapping[str, str]], bool]


class Claims(Struct, frozen=True):
    """`owned` are the owner's already; `adopted` will be once the patches of `actions` have succeeded."""

    owned: list[Object] = field(default_factory=list)
    adopted: list[Object] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)


def plan_claims(
    owner: Object, resource: str, candidates: Iterable[Object], matches: Callable[[Mapping[str, str]], bool]
) -> Claims:
    """Sort `candidates` (objects of `resource` in the owner's namespace)."""
    claims = Claims()
    uid, ending = owner["metadata"]["uid"], bool(owner["metadata"].get("deletionTimestamp"))
    for candidate in candidates:
        meta = candidate["metadata"]
        controller = controller_of(candidate)
        fits = matches(meta.get("labels", {}))
        if controller is None:
            if fits and not ending and not meta.get("deletionTimestamp"):
                claims.adopted.append(candidate)
                claims.actions.append(_patch(resource, candidate, owner_reference(owner)))
        elif controller["uid"] == uid:
            if fits:
                claims.owned.append(candidate)
            elif not ending:
                claims.actions.append(_patch(resource, candidate, {"$patch": "delete", "uid": uid}))
    return claims


def selects(owner: Object, labels: Mapping[str, str]) -> bool:
    """Whether the owner's label selector matches."""
    return matches_selector(owner["spec"].get("selector"), labels)


def claimants(obj: Object, kind: str, owners: Informer, fits: Fits = selects) -> list[Key]:
    """Whose `obj` is, if its controller is of `kind`; of one without a controller, who of its namespace might adopt it.

    `owners` has the index `namespace`.
    """
    controller, meta = controller_of(obj), obj["metadata"]
    if controller is not None:
        return [Key(meta["namespace"], controller["name"])] if controller["kind"] == kind else []
    found = owners.indexed("namespace", meta["namespace"])
    return [key_of(owner) for owner in found if fits(owner, meta.get("labels", {}))]


def by_controller(obj: Object) -> list[str]:
    """Index: the uid of the controller; of objects without one, `orphan/` and the namespace."""
    controller = controller_of(obj)
    return [controller["uid"]] if controller is not None else [orphans_of(obj["metadata"].get("namespace", ""))]


def orphans_of(namespace: str) -> str:
    """The value under which `by_controller` files what has no controller."""
    return f"orphan/{namespace}"


def _patch(resource: str, candidate: Object, reference: Object) -> Patch:
    # With the uid the patch fails rather than hit another object of the same name.
    patch = {"metadata": {"ownerReferences": [reference], "uid": candidate["metadata"]["uid"]}}
    return Patch(resource, key_of(candidate), patch, type="strategic")
