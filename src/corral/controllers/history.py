"""ControllerRevisions: the templates that a DaemonSet or StatefulSet has had, for rollouts and `kubectl rollout undo`.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/controller-revision-v1/
"""

from collections.abc import Iterable, Sequence

import orjson
from msgspec import Struct, field

from corral.api.objects import Object, key_of
from corral.controllers.actions import Action, Create, Delete, Update
from corral.controllers.pods import owner_reference
from corral.controllers.revisions import template_hash

REVISIONS = "controllerrevisions.apps"
HASH_LABEL = "controller-revision-hash"


class History(Struct, frozen=True):
    """The revision of the present template (there, or to be made by `actions`), and the others, oldest first."""

    present: Object
    others: Sequence[Object]
    actions: list[Action] = field(default_factory=list)


def data_of(owner: Object) -> Object:
    """What a revision records: a patch that puts the template back."""
    return {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}


def template_of(revision: Object) -> Object:
    """The template that a revision records."""
    template = dict(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template


def plan(owner: Object, revisions: Iterable[Object]) -> History:
    """Find the revision of the present template, or make it; it gets the highest number."""
    in_order = sorted(revisions, key=lambda r: (r.get("revision", 0), r["metadata"].get("creationTimestamp", "")))
    data = data_of(owner)
    highest = in_order[-1].get("revision", 0) if in_order else 0
    for found in reversed(in_order):
        if found["data"] == data:
            others = [revision for revision in in_order if revision is not found]
            if found.get("revision", 0) == highest:
                return History(found, others)
            newest = {**found, "revision": highest + 1}
            return History(newest, others, [Update(REVISIONS, newest)])
    meta = owner["metadata"]
    hash = template_hash(data, owner.get("status", {}).get("collisionCount", 0))
    metadata = {
        "name": f"{meta['name']}-{hash}",
        "namespace": meta["namespace"],
        "labels": {**owner["spec"]["template"].get("metadata", {}).get("labels", {}), HASH_LABEL: hash},
        "ownerReferences": [owner_reference(owner)],
    }
    # Fields in the order of the alphabet, as Go writes maps: clients compare the bytes with those that they make.
    data = orjson.loads(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
    new = {"kind": "ControllerRevision", "apiVersion": "apps/v1", "metadata": metadata, "data": data, "revision": highest + 1}
    return History(new, in_order, [Create(REVISIONS, new)])


def surplus(owner: Object, others: Sequence[Object], used: Iterable[str]) -> list[Action]:
    """The removal of the oldest revisions beyond the limit; those of names in `used` stay."""
    names = set(used)
    unused = [revision for revision in others if revision["metadata"]["name"] not in names]
    limit = owner["spec"].get("revisionHistoryLimit", 10)
    return [Delete(REVISIONS, key_of(r), r["metadata"]["uid"]) for r in unused[: max(0, len(unused) - limit)]]
