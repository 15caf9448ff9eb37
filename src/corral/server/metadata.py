"""What the system itself writes into an object's metadata, on create and on update. Pure; validation is `api.metadata`."""

import random
import uuid

from corral.api.errors import ApiError, bad_request
from corral.api.objects import Object
from corral.api.rules import Rules
from corral.base.clock import rfc3339

#: Letters of generated names: no vowels (no words), none that look alike.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_CHARS = 5
_GENERATED_LIMIT_CHARS = 63

NOT_SPEC = frozenset({"kind", "apiVersion", "metadata", "status"})


def generated_name(base: str) -> str:
    """A name that begins with `base`, with a random end, at most 63 characters long."""
    return base[: _GENERATED_LIMIT_CHARS - _SUFFIX_CHARS] + "".join(random.choices(_LETTERS, k=_SUFFIX_CHARS))


def check_place(obj: Object, namespace: str, name: str) -> None:
    """The object's namespace and name must be those of the request; what is missing is filled in. Raises ApiError (400)."""
    meta = obj.setdefault("metadata", {})
    found = meta.get("namespace", "")
    if not namespace:
        meta.pop("namespace", None)
    elif not found:
        meta["namespace"] = namespace
    elif found != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if not name:
        return
    found = meta.get("name", "")
    if not found:
        raise bad_request("name must be provided")
    if found != name:
        raise bad_request(f"the name of the object ({found}) does not match the name on the URL ({name})")


def begin(meta: Object, now_s: float) -> None:
    """Fill in a new object's system fields. Raises ApiError for a resourceVersion, which a new object cannot have."""
    version = meta.pop("resourceVersion", "")
    if version.isdigit() and version != "0":
        raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
        meta.pop(name, None)
    meta["uid"] = str(uuid.uuid4())
    meta["creationTimestamp"] = rfc3339(now_s)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = generated_name(meta["generateName"])


def carry_over(meta: Object, old: Object) -> None:
    """Keep in `meta` what an update cannot change."""
    if not meta.get("uid"):
        meta["uid"] = old.get("uid", "")
    meta.pop("selfLink", None)
    for name in ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        if name in old:
            meta[name] = old[name]
        else:
            meta.pop(name, None)


def next_generation(new: Object, old: Object, rules: Rules) -> None:
    """Count one more generation if anything but metadata and status has changed."""
    if not rules.has_generation:
        return
    ignored = NOT_SPEC if rules.has_status else NOT_SPEC - {"status"}
    mine = {name: value for name, value in new.items() if name not in ignored}
    theirs = {name: value for name, value in old.items() if name not in ignored}
    labels = (new["metadata"].get("labels") or {}, old["metadata"].get("labels") or {})
    relabelled = rules.generation_counts_labels and labels[0] != labels[1]
    if mine != theirs or relabelled:
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
