"""The claims of a StatefulSet's pods: made before them, and kept or deleted as persistentVolumeClaimRetentionPolicy says.

A claim that is to go with its pod, or with the set, has that as its owner; the garbage collector does the rest (KEP-1847).
"""

from collections.abc import Callable

from corral.api.objects import Object, key_of
from corral.controllers.actions import Action, Create, Patch
from corral.controllers.pods import owner_reference

CLAIMS = "persistentvolumeclaims"

#: The claim of that name in the set's namespace.
Find = Callable[[str], Object | None]


def claim_name(owner: Object, template: Object, number: int) -> str:
    """The name of an ordinal's claim."""
    return f"{template['metadata']['name']}-{owner['metadata']['name']}-{number}"


def names_of(owner: Object, number: int) -> dict[str, str]:
    """Volume → claim of an ordinal."""
    templates = owner["spec"].get("volumeClaimTemplates") or ()
    return {template["metadata"]["name"]: claim_name(owner, template, number) for template in templates}


def is_of(owner: Object, name: str) -> bool:
    """Whether a claim of that name is one of the set's."""
    stem, _, number = name.rpartition("-")
    templates = owner["spec"].get("volumeClaimTemplates") or ()
    return number.isdecimal() and any(f"{t['metadata']['name']}-{owner['metadata']['name']}" == stem for t in templates)


def plan_missing(owner: Object, number: int, find: Find) -> list[Action]:
    """Make the claims of an ordinal that are not there."""
    actions: list[Action] = []
    labels = owner["spec"]["selector"].get("matchLabels", {})
    for template in owner["spec"].get("volumeClaimTemplates") or ():
        name, meta = claim_name(owner, template, number), template["metadata"]
        if find(name) is not None:
            continue
        metadata = {
            **{k: v for k, v in meta.items() if k in ("annotations",)},
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": {**meta.get("labels", {}), **labels},
        }
        if _policy(owner, "whenDeleted") == "Delete":
            metadata["ownerReferences"] = [owner_reference(owner)]
        claim = {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": metadata, "spec": template["spec"]}
        actions.append(Create(CLAIMS, claim))
    return actions


def plan_owners(owner: Object, pod: Object, number: int, *, condemned: bool, find: Find) -> list[Action]:
    """Have the claims of a pod owned by whom they are to go with: the set, the pod (if it is `condemned`), or nobody."""
    actions: list[Action] = []
    with_pod = condemned and _policy(owner, "whenScaled") == "Delete"
    with_set = _policy(owner, "whenDeleted") == "Delete" and not with_pod
    for name in names_of(owner, number).values():
        claim = find(name)
        if claim is None:
            continue
        present = claim["metadata"].get("ownerReferences") or []
        ours = {owner["metadata"]["uid"], pod["metadata"]["uid"]}
        # A former pod of this name was to take the claim along; this one goes on with it.
        wanted = [ref for ref in present if ref["uid"] not in ours and (ref["kind"], ref["name"]) != ("Pod", _name(pod))]
        if with_pod:
            wanted.append(owner_reference({"apiVersion": "v1", "kind": "Pod", **pod}))
        elif with_set:
            wanted.append(owner_reference(owner))
        if [ref["uid"] for ref in wanted] != [ref["uid"] for ref in present]:
            meta = claim["metadata"]
            metadata = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"], "ownerReferences": wanted or None}
            actions.append(Patch(CLAIMS, key_of(claim), {"metadata": metadata}))
    return actions


def _policy(owner: Object, when: str) -> str:
    return str((owner["spec"].get("persistentVolumeClaimRetentionPolicy") or {}).get(when, "Retain"))


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])
