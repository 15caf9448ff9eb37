"""Who owns which field: `metadata.managedFields` (KEP-555).

`update_managed_fields` is for writes that send whole objects (create, PUT, patches): whoever changes a field owns it, alone.
Server-side apply is in `api.patch.apply`; it shares the entries, their merging, stripping, capping and order with this module.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import Struct

from corral.api.facts import Type
from corral.api.fieldsets import LEAF, Fields, difference, union, without
from corral.api.objects import Object
from corral.api.typed import compare, shape_of

#: More entries of updates than this are merged, the oldest first, into one named ANCIENT.
MAX_UPDATERS = 10
ANCIENT = "ancient-changes"
BEFORE_FIRST_APPLY = "before-first-apply"

_METADATA = (
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
)
_STRIPPED: Fields = {
    "f:apiVersion": LEAF,
    "f:kind": LEAF,
    "f:metadata": {".": LEAF, **{"f:" + name: LEAF for name in _METADATA}},
}


class Manager(NamedTuple):
    """What tells entries apart. `api_version` is "" for Apply: an applier has one entry in all versions."""

    operation: str
    name: str
    api_version: str
    subresource: str


class Entry(Struct):
    """What a manager owns. `time` is as in JSON, "" where there is none."""

    api_version: str
    fields: Fields | None
    time: str = ""


Managers = dict[Manager, Entry]

#: An object of the version at hand in another one, with that one's type; None where it is no more served.
InVersion = Callable[[Object, str], tuple[Object, Type] | None]


def manager_name(field_manager: str, user_agent: str) -> str:
    """The manager of a request: its `fieldManager`, or its user agent up to the first slash (128 characters at most)."""
    return field_manager or "".join(c for c in user_agent.partition("/")[0] if c.isprintable())[:128] or "unknown"


def timestamp(now_s: float) -> str:
    """RFC 3339, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s))


def decode(entries: Any) -> Managers | None:
    """The managers of `metadata.managedFields`; None when it cannot be understood."""
    managers: Managers = {}
    for entry in entries or ():
        operation = entry.get("operation")
        if operation not in ("Apply", "Update") or entry.get("fieldsType", "FieldsV1") != "FieldsV1":
            return None
        api_version = entry.get("apiVersion", "")
        name = Manager(
            operation, entry.get("manager", ""), "" if operation == "Apply" else api_version, entry.get("subresource", "")
        )
        managers[name] = Entry(api_version, entry.get("fieldsV1") or None, entry.get("time") or "")
    return managers


def encode(managers: Managers) -> list[Object]:
    """The entries of `metadata.managedFields` in order: appliers first, then by time and name."""
    encoded = []
    for who, entry in sorted(
        managers.items(), key=lambda m: (m[0].operation, m[1].time, m[0].name, m[1].api_version, m[0].subresource)
    ):
        shown: Object = {"manager": who.name, "operation": who.operation, "apiVersion": entry.api_version}
        if entry.time:
            shown["time"] = entry.time
        shown["fieldsType"] = "FieldsV1"
        shown["fieldsV1"] = entry.fields or {}
        if who.subresource:
            shown["subresource"] = who.subresource
        encoded.append(shown)
    return encoded


def update_managed_fields(
    live: Object | None,
    new: Object,
    manager: str,
    api_version: str,
    subresource: str,
    now_s: float,
    schema: Type,
    reset: Fields | None = None,
    in_version: InVersion | None = None,
) -> None:
    """Set `new["metadata"]["managedFields"]`: `manager` owns what differs from `live` (None: a create), others lose it.

    Call it before admission and before `Rules.prepare_*`: what those fill in belongs to nobody. `reset` are fields that this
    endpoint does not write (`{"f:status": {}}`): nobody gains or loses them. `in_version` tells what changed to
    owners who wrote in another version. Nothing but the metadata of `new` is changed; its entries share nested dicts with
    those of `live`.
    """
    meta = new.setdefault("metadata", {})
    managers = _starting_point(live, meta, subresource)
    meta.pop("managedFields", None)
    if not managers and live is not None and live["metadata"].get("uid"):
        return
    before = {} if live is None else {**live, "metadata": _without_entries(live["metadata"])}
    try:
        changed, gone = compare(shape_of(schema), before, new)
    except ValueError:
        return  # as the reference: a list that cannot be understood ends the tracking of this object
    if reset:
        changed, gone = without(changed, reset), without(gone, reset)
    if changed is not None or gone is not None:
        took = Changes(before, new, api_version, changed, gone, reset, in_version)
        _take(managers, took)
        own = difference(changed, _STRIPPED)
        if own is not None:
            who = Manager("Update", manager or "unknown", api_version, subresource)
            previous = managers.get(who)
            managers[who] = Entry(api_version, union(own, previous.fields if previous else None), timestamp(now_s))
        _cap(managers)
    if managers:
        meta["managedFields"] = encode(managers)


def _without_entries(meta: Object) -> Object:
    return {k: v for k, v in meta.items() if k != "managedFields"} if "managedFields" in meta else meta


def _starting_point(live: Object | None, meta: Object, subresource: str) -> Managers:
    live_entries = live["metadata"].get("managedFields") if live is not None else None
    sent = meta.get("managedFields")
    if subresource or sent is None or sent is live_entries:
        return decode(live_entries) or {}
    if sent in ([], [{}]):
        return {}  # how a client asks to forget all owners
    return decode(sent) or decode(live_entries) or {}


class Changes:
    """What a write changed and took away, in the words of whatever version an owner wrote in."""

    def __init__(
        self,
        old: Object,
        new: Object,
        api_version: str,
        changed: Fields | None,
        gone: Fields | None,
        reset: Fields | None,
        in_version: InVersion | None,
    ) -> None:
        self._old, self._new, self._reset, self._in_version = old, new, reset, in_version
        self._known: dict[str, tuple[Fields | None, Fields | None] | None] = {api_version: (changed, gone)}

    def seen_in(self, api_version: str) -> tuple[Fields | None, Fields | None] | None:
        """What changed and what is gone; None where that version is no more served: who wrote in it owns nothing any more."""
        if api_version not in self._known:
            self._known[api_version] = self._compare(api_version)
        return self._known[api_version]

    def _compare(self, api_version: str) -> tuple[Fields | None, Fields | None] | None:
        if self._in_version is None:
            return next(iter(self._known.values()))
        old, new = self._in_version(self._old, api_version), self._in_version(self._new, api_version)
        if old is None or new is None:
            return None
        try:
            changed, gone = compare(shape_of(new[1]), old[0], new[0])
        except ValueError:
            return None, None
        return (without(changed, self._reset), without(gone, self._reset)) if self._reset else (changed, gone)


def _take(managers: Managers, changes: Changes) -> None:
    for who, entry in list(managers.items()):
        seen = changes.seen_in(entry.api_version)
        left = None if seen is None else difference(difference(entry.fields, seen[0]), seen[1])
        if left is None:
            del managers[who]
        elif left is not entry.fields:
            managers[who] = Entry(entry.api_version, left, entry.time)


def strip(fields: Fields | None) -> Fields | None:
    """Without what nobody owns: names, uid, times and the like."""
    return difference(fields, _STRIPPED)


def _cap(managers: Managers) -> None:
    updaters = sorted((w for w in managers if w.operation == "Update"), key=lambda w: (managers[w].time, w))
    excess = len(updaters) - MAX_UPDATERS
    first: dict[str, Manager] = {}
    for who in updaters:
        if excess <= 0:
            return
        entry = managers[who]
        if entry.api_version not in first:
            first[entry.api_version] = who
            continue
        bucket = Manager("Update", ANCIENT, entry.api_version, "")
        if bucket not in managers:
            managers[bucket] = managers.pop(first[entry.api_version])
        merged = union(entry.fields, managers[bucket].fields)
        if who != bucket:
            del managers[who]
        managers[bucket] = Entry(entry.api_version, merged, entry.time)
        excess -= 1


def same_but_for_times(a: Object, b: Object) -> bool:
    """Whether two objects differ in nothing but the times of their managed fields: such a write is not written."""
    if a is b:
        return True
    mine, theirs = a["metadata"].get("managedFields"), b["metadata"].get("managedFields")
    if mine != theirs:
        if len(mine or ()) != len(theirs or ()):
            return False
        for x, y in zip(mine, theirs, strict=True):
            if {**x, "time": None} != {**y, "time": None}:
                return False
    ignored = ("metadata",)
    if {k: v for k, v in a.items() if k not in ignored} != {k: v for k, v in b.items() if k not in ignored}:
        return False
    return _without_entries(a["metadata"]) == _without_entries(b["metadata"])
