"""Server-side apply: the wanted fields of one manager, merged with everybody else's (KEP-555).

`apply` is pure. It raises 409 with one cause a field when another manager owns a field that would change, unless `force`.
"""

import json
from typing import Any

from corral.api.errors import ApiError, bad_request
from corral.api.facts import Type
from corral.api.fieldsets import Fields, difference, intersection, paths, union, without
from corral.api.managedfields import (
    BEFORE_FIRST_APPLY,
    Changes,
    Entry,
    InVersion,
    Manager,
    Managers,
    decode,
    encode,
    strip,
    timestamp,
    update_managed_fields,
)
from corral.api.objects import Object
from corral.api.patch.merging import declared, field_set, merge, remove
from corral.api.typed import Shape, compare, shape_of

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
KUBECTL = "kubectl"


class _ConflictError(Exception):
    def __init__(self, fields: dict[Manager, Fields]) -> None:
        super().__init__()
        self.fields = fields


def apply(
    live: Object | None,
    applied: Object,
    manager: str,
    api_version: str,
    kind: str,
    subresource: str,
    now_s: float,
    schema: Type,
    *,
    force: bool = False,
    reset: Fields | None = None,
    in_version: InVersion | None = None,
) -> Object:
    """The object after `manager` applied `applied` (live None: a create), with managed fields and without defaults.

    Fields that the manager applied before and not now are removed when nobody else owns them. Neither argument is changed; the
    result shares what did not change. `reset` are fields that this endpoint does not write, e.g. `{"f:status": {}}`;
    `in_version` tells what changed to owners who wrote in another version.
    """
    sent, of_kind = (value if isinstance(value := applied.get(name), str) else "" for name in ("apiVersion", "kind"))
    if (sent, of_kind) != (api_version, kind):
        group, _, version = sent.rpartition("/")
        raise bad_request(f"invalid object type: {group}/{version}, Kind={of_kind}")
    if applied.get("metadata", {}).get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    shape = shape_of(schema)
    errors: list[str] = []
    wanted = field_set(shape, applied, errors)
    if errors:
        raise _not_typed("patch", applied, api_version, errors)
    base, managers = _starting_point(live, api_version, subresource, now_s, schema)
    step = _Step(shape, base, applied, wanted, Manager("Apply", manager, "", subresource), api_version, reset, in_version)
    try:
        result, after = step.run(managers, force)
    except _ConflictError as conflicts:
        left = _not_forgiven(conflicts.fields, shape, base) if manager == KUBECTL and not subresource else conflicts.fields
        if left:
            raise _conflict(left) from None
        result, after = step.run(managers, True)
    except ValueError as error:
        # What an update may store and nobody can apply over: an item of a list with keys that has none.
        field_set(shape, base, errors)
        raise _not_typed("live", base, api_version, errors or [str(error)]) from None
    return _finish(step, managers, after, result, now_s)


def _finish(step: "_Step", before: Managers, after: Managers, result: Object, now_s: float) -> Object:
    who = step.who
    if who in after:
        after[who].fields = strip(after[who].fields)
        if after[who].fields is None:
            del after[who]
    previous = before.get(who)
    changed = result != step.live or previous is None or who not in after or previous.fields != after[who].fields
    if who in after:
        after[who].time = timestamp(now_s) if changed or previous is None else previous.time
    meta = dict(result.get("metadata", {}))
    if after:
        meta["managedFields"] = encode(after)
    if who.name == KUBECTL and LAST_APPLIED in step.live.get("metadata", {}).get("annotations", {}):
        meta["annotations"] = {**meta.get("annotations", {}), LAST_APPLIED: _last_applied(step.applied)}
    return {**result, "metadata": meta}


def _starting_point(
    live: Object | None, api_version: str, subresource: str, now_s: float, schema: Type
) -> tuple[Object, Managers]:
    if live is None:
        return {}, {}
    meta = {k: v for k, v in live["metadata"].items() if k != "managedFields"}
    base = {**live, "metadata": meta}
    managers = decode(live["metadata"].get("managedFields")) or {}
    if not managers:
        whole = {**live, "metadata": dict(meta)}
        update_managed_fields(None, whole, BEFORE_FIRST_APPLY, api_version, subresource, now_s, schema)
        managers = decode(whole["metadata"].get("managedFields")) or {}
    return base, managers


class _Step:
    """One attempt to apply; the same inputs are run a second time with force when kubectl's own fields conflict."""

    def __init__(
        self,
        shape: Shape,
        live: Object,
        applied: Object,
        wanted: Fields | None,
        who: Manager,
        api_version: str,
        reset: Fields | None,
        in_version: InVersion | None,
    ) -> None:
        self.shape = shape
        self.live = live
        self.applied = applied
        self.wanted = without(wanted, reset) if reset else wanted
        self.who = who
        self.api_version = api_version
        self.reset = reset
        self.in_version = in_version

    def run(self, before: Managers, force: bool) -> tuple[Object, Managers]:
        """The new object and owners. Raises _ConflictError."""
        managers = {who: Entry(e.api_version, e.fields, e.time) for who, e in before.items()}
        merged: Object = merge(self.shape, self.live, self.applied)
        last = managers.get(self.who)
        managers[self.who] = Entry(self.api_version, self.wanted)
        if last is not None and last.fields is not None:
            merged = self._prune(merged, managers, last.fields)
        self._settle(merged, managers, force)
        return merged, managers

    def _prune(self, merged: Object, managers: Managers, last: Fields) -> Object:
        """Remove what this manager applied last time and nobody owns now."""
        if difference(last, self.wanted) is None:
            return merged  # All of it is applied again.
        shape = self.shape
        last = declared(shape, last)
        pruned = remove(shape, merged, last) or {}
        owned: Fields | None = None
        for entry in managers.values():
            owned = union(owned, entry.fields)
        everything = declared(shape, field_set(shape, merged, []) or {})
        kept = union(declared(shape, field_set(shape, pruned, []) or {}), declared(shape, owned or {}))
        pruned = remove(shape, merged, difference(everything, kept)) or {}
        left = declared(shape, field_set(shape, pruned, []) or {})
        removed: Object = remove(shape, merged, intersection(difference(everything, left), last)) or {}
        return removed

    def _settle(self, result: Object, managers: Managers, force: bool) -> None:
        """Take changed fields from others, or raise when they own them."""
        changed, gone = compare(self.shape, self.live, result)
        if self.reset:
            changed, gone = without(changed, self.reset), without(gone, self.reset)
        changes = Changes(self.live, result, self.api_version, changed, gone, self.reset, self.in_version)
        conflicts = {}
        for who, entry in list(managers.items()):
            if who == self.who:
                continue
            seen = changes.seen_in(entry.api_version)
            if seen is None:
                del managers[who]
                continue
            if (contested := intersection(entry.fields, seen[0])) is not None:
                conflicts[who] = contested
            left = difference(difference(entry.fields, seen[0]), seen[1])
            if left is None:
                del managers[who]
            else:
                entry.fields = left
        if conflicts and not force:
            raise _ConflictError(conflicts)


def _not_forgiven(conflicts: dict[Manager, Fields], shape: Shape, live: Object) -> dict[Manager, Fields]:
    """Conflicts but those over what `kubectl apply` set itself from the client's side: to move to this side is no quarrel."""
    try:
        last = json.loads(live.get("metadata", {}).get("annotations", {})[LAST_APPLIED])
    except (KeyError, ValueError):
        return conflicts
    if not isinstance(last, dict):
        return conflicts
    try:
        changed, gone = compare(shape, last, live)
    except ValueError:
        return conflicts
    own = difference(difference(field_set(shape, last, []), changed), gone)
    left = {who: difference(fields, own) for who, fields in conflicts.items()}
    return {who: fields for who, fields in left.items() if fields is not None}


def _last_applied(applied: Object) -> str:
    meta = {k: v for k, v in applied.get("metadata", {}).items() if k != "managedFields"}
    annotations = {k: v for k, v in meta.pop("annotations", {}).items() if k != LAST_APPLIED}
    if annotations:
        meta["annotations"] = annotations
    return json.dumps({**applied, "metadata": meta}, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def _conflict(conflicts: dict[Manager, Fields]) -> ApiError:
    found = [(_describe(who), path) for who in sorted(conflicts) for path in paths(conflicts[who])]
    causes = [{"reason": "FieldManagerConflict", "message": f"conflict with {who}", "field": path} for who, path in found]
    if len(found) == 1:
        who, path = found[0]
        return ApiError(409, "Conflict", f"Apply failed with 1 conflict: conflict with {who}: {path}", {"causes": causes})
    lines: list[str] = []
    for who in sorted({who for who, _ in found}):
        lines.append(f"conflicts with {who}:")
        lines += [f"- {path}" for other, path in found if other == who]
    return ApiError(409, "Conflict", f"Apply failed with {len(found)} conflicts: " + "\n".join(lines), {"causes": causes})


def _describe(who: Manager) -> str:
    text = json.dumps(who.name, ensure_ascii=False)
    if who.subresource:
        text += f' with subresource "{who.subresource}"'
    return f"{text} using {who.api_version}" if who.operation == "Update" else text


def _not_typed(which: str, obj: Object, api_version: str, errors: list[str]) -> ApiError:
    """The answer to an object ("patch" or "live") that is no value of its type; the reference gives no reason either."""
    meta: dict[str, Any] = obj.get("metadata") or {}
    group, _, version = api_version.rpartition("/")
    about = f"{meta.get('namespace', '')}/{meta.get('name', '')}; {group}/{version}, Kind={obj.get('kind', '')}"
    text = errors[0] if len(errors) == 1 else "\n".join(["errors:", *("  " + e for e in errors)])
    return ApiError(500, "", f"failed to create typed {which} object ({about}): {text}")
