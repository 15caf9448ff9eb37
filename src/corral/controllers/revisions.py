"""The history of a Deployment: which ReplicaSet holds which template, names by hash, revision numbers, what may be forgotten.

https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#revision-history-limit
"""

from collections.abc import Iterable, Mapping, Sequence

import orjson

from corral.api.objects import Object, controller_of
from corral.controllers.pods import owner_reference

HASH_LABEL = "pod-template-hash"
REVISION_KEY = "deployment.kubernetes.io/revision"
HISTORY_KEY = "deployment.kubernetes.io/revision-history"
DESIRED_KEY = "deployment.kubernetes.io/desired-replicas"
MAX_KEY = "deployment.kubernetes.io/max-replicas"

#: Annotations of a deployment that are not handed down.
_OWN_KEYS = frozenset(
    [
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION_KEY,
        HISTORY_KEY,
        DESIRED_KEY,
        MAX_KEY,
    ]
)
#: Characters of a hash in a name: without vowels, so that no words appear.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_HISTORY_LIMIT_CHARS = 2000


def template_hash(template: Object, collisions: int) -> str:
    """The hash (FNV-1a, 32 bits) of a template, in letters fit for a name; another one for each count of collisions."""
    value = 0x811C9DC5
    data = orjson.dumps(template, option=orjson.OPT_SORT_KEYS) + (b"" if collisions == 0 else str(collisions).encode())
    for byte in data:
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(value))


def same_template(one: Object, other: Object) -> bool:
    """Whether two templates are equal but for the hash label."""
    return _bare(one) == _bare(other)


def split(deployment: Object, replica_sets: Iterable[Object]) -> tuple[Object | None, list[Object]]:
    """The ReplicaSet of the present template (the oldest, if several) and all others, oldest first."""
    in_order = sorted(replica_sets, key=_age)
    template = deployment["spec"]["template"]
    new = next((rs for rs in in_order if same_template(rs["spec"]["template"], template)), None)
    return new, [rs for rs in in_order if rs is not new]


def is_of(deployment: Object, replica_set: Object) -> bool:
    """Whether the ReplicaSet is the deployment's and has its present template."""
    controller = controller_of(replica_set)
    ours = controller is not None and controller["uid"] == deployment["metadata"]["uid"]
    return ours and same_template(replica_set["spec"]["template"], deployment["spec"]["template"])


def revision(replica_set: Object) -> int:
    """Its revision number; 0 where it has none."""
    text = replica_set["metadata"].get("annotations", {}).get(REVISION_KEY, "")
    return int(text) if text.isdecimal() else 0


def next_name(deployment: Object) -> str:
    """The name of the ReplicaSet for the present template."""
    return f"{deployment['metadata']['name']}-{_next_hash(deployment)}"


def new_replica_set(deployment: Object, old: Sequence[Object], replicas: int, max_replicas: int) -> Object:
    """The ReplicaSet to create for the present template."""
    meta, spec = deployment["metadata"], deployment["spec"]
    hashed = {HASH_LABEL: _next_hash(deployment)}
    template_meta = spec["template"].get("metadata", {})
    labels = {**template_meta.get("labels", {}), **hashed}
    annotations = _handed_down(meta.get("annotations", {}), {})
    annotations |= {
        REVISION_KEY: str(_newest(old) + 1),
        DESIRED_KEY: str(spec["replicas"]),
        MAX_KEY: str(max_replicas),
    }
    selector = spec["selector"]
    new_spec: Object = {
        "replicas": replicas,
        "selector": {**selector, "matchLabels": {**selector.get("matchLabels", {}), **hashed}},
        "template": {**spec["template"], "metadata": {**template_meta, "labels": labels}},
    }
    if spec.get("minReadySeconds"):
        new_spec["minReadySeconds"] = spec["minReadySeconds"]
    metadata = {
        "name": next_name(deployment),
        "namespace": meta["namespace"],
        "labels": labels,
        "annotations": annotations,
        "ownerReferences": [owner_reference(deployment)],
    }
    return {"kind": "ReplicaSet", "apiVersion": "apps/v1", "metadata": metadata, "spec": new_spec}


def settled(deployment: Object, new: Object, old: Sequence[Object]) -> Object:
    """The new ReplicaSet with the highest revision and what it has from the deployment; `new` itself if it has all that."""
    annotations = _handed_down(deployment["metadata"].get("annotations", {}), new["metadata"].get("annotations", {}))
    before, wanted = revision(new), _newest(old) + 1
    if before < wanted:
        annotations[REVISION_KEY] = str(wanted)
        if before:  # It was the newest before: this is a rollback.
            history = [*filter(None, annotations.get(HISTORY_KEY, "").split(",")), str(before)]
            while len(",".join(history)) > _HISTORY_LIMIT_CHARS:
                history.pop(0)
            annotations[HISTORY_KEY] = ",".join(history)
    spec = {**new["spec"]}
    spec.pop("minReadySeconds", None)
    if deployment["spec"].get("minReadySeconds"):
        spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
    result = {**new, "metadata": {**new["metadata"], "annotations": annotations}, "spec": spec}
    return new if result == new else result


def resized(deployment: Object, replica_set: Object, replicas: int, max_replicas: int) -> Object:
    """The ReplicaSet with another size, and the sizes of the deployment that it was made for."""
    sizes = {DESIRED_KEY: str(deployment["spec"]["replicas"]), MAX_KEY: str(max_replicas)}
    annotations = {**replica_set["metadata"].get("annotations", {}), **sizes}
    metadata = {**replica_set["metadata"], "annotations": annotations}
    return {**replica_set, "metadata": metadata, "spec": {**replica_set["spec"], "replicas": replicas}}


def beyond_history(deployment: Object, old: Sequence[Object]) -> list[Object]:
    """The old ReplicaSets that the history limit has no room for: the lowest revisions, and only empty ones."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    if limit is None:
        return []
    alive = sorted((rs for rs in old if not rs["metadata"].get("deletionTimestamp")), key=revision)
    surplus = alive[: max(0, len(alive) - limit)]
    return [rs for rs in surplus if _is_empty(rs)]


def _is_empty(replica_set: Object) -> bool:
    status = replica_set.get("status", {})
    seen = replica_set["metadata"].get("generation", 0) <= status.get("observedGeneration", 0)
    return seen and not replica_set["spec"].get("replicas") and not status.get("replicas")


def _next_hash(deployment: Object) -> str:
    return template_hash(deployment["spec"]["template"], deployment.get("status", {}).get("collisionCount", 0))


def _newest(replica_sets: Iterable[Object]) -> int:
    return max(map(revision, replica_sets), default=0)


def _handed_down(own: Mapping[str, str], present: Mapping[str, str]) -> dict[str, str]:
    return {**present, **{key: value for key, value in own.items() if key not in _OWN_KEYS}}


def _bare(template: Object) -> Object:
    meta = dict(template.get("metadata") or {})
    labels = {key: value for key, value in meta.pop("labels", {}).items() if key != HASH_LABEL}
    meta.pop("creationTimestamp", None)
    return {**template, "metadata": {**meta, "labels": labels}}


def _age(replica_set: Object) -> tuple[str, str]:
    return replica_set["metadata"].get("creationTimestamp", ""), replica_set["metadata"]["name"]
