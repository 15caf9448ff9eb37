"""Writes: from what a client sent to what the store holds.

A create: default → own fields → admission mutates → prepare → validate → admission validates → store.
An update proposes a new object from the newest one and does the same; where another write was faster it is proposed again,
unless the client said which revision it meant.
"""

from collections.abc import Callable
from typing import NamedTuple

import orjson

from corral.api.conversion import convert
from corral.api.errors import MODIFIED, ApiError, already_exists, conflict, not_found
from corral.api.fields import Errors
from corral.api.golang import filled
from corral.api.managedfields import same_but_for_times, update_managed_fields
from corral.api.metadata import validate_create as validate_metadata
from corral.api.metadata import validate_update as validate_metadata_update
from corral.api.objects import Object, parse
from corral.api.resources import Resource
from corral.api.rules import Rules
from corral.api.serialize import serialize, with_revision
from corral.server.admission import AdmissionChain
from corral.server.allocation import Allocation
from corral.server.authorization import of_request
from corral.server.changes import Cached
from corral.server.core import Core
from corral.server.deletion import may_go
from corral.server.metadata import begin, carry_over, check_place, next_generation
from corral.server.paths import object_namespace
from corral.server.request import Admission, Request
from corral.store.contract import Entry, KeyExists, Mismatch

NAME_TRIES = 8
#: An unconditional write that loses so many times in a row is told so.
CONFLICT_TRIES = 64
#: No object is larger than this; etcd's limit of a request.
MAX_OBJECT_BYTES = 3 * 1024 * 1024 // 2
#: Subresources whose writes are not another generation of the object: a pod that gets its node is still what was asked for.
UNCOUNTED = ("status", "approval", "binding")

#: From the present object (the caller's own copy, in the request's version; None: there is none) to the proposed one.
Propose = Callable[[Object | None], Object]


class Written(NamedTuple):
    """The outcome of a write: the object as stored, its bytes, and whether it is new."""

    object: Object
    raw: bytes
    created: bool = False


class Face(NamedTuple):
    """Another form of an object: how to make it, and how to take over what was changed in it (in place)."""

    show: Callable[[Object], Object]
    take: Callable[[Object, Object], None]


class Plan(NamedTuple):
    """Who writes what through which endpoint."""

    request: Request
    resource: Resource
    manager: str
    dry_run: bool = False
    subresource: str = ""
    #: The proposal has its managed fields already (server-side apply).
    tracked: bool = False
    #: Admission has judged what asks for the write (a Binding), and does not look at the write as well.
    admitted: bool = False
    #: What admission sees in place of the object, through a subresource with a kind of its own.
    face: Face | None = None


class Writes:
    """Every change of an object goes through here."""

    def __init__(self, core: Core, admission: AdmissionChain, allocation: Allocation) -> None:
        self._core = core
        self._admission = admission
        self._allocation = allocation

    # Create

    async def create(self, plan: Plan, obj: Object, name: str = "") -> Written:
        """Create `obj` (the caller's own). Raises ApiError."""
        check_place(obj, object_namespace(plan.request), name)
        generated = not obj["metadata"].get("name") and bool(obj["metadata"].get("generateName"))
        if not generated:
            return await self._create(plan, obj)
        again = orjson.dumps(obj)
        for left in reversed(range(NAME_TRIES)):
            try:
                return await self._create(plan, obj)
            except ApiError as error:
                if error.reason != "AlreadyExists" or not left:
                    raise
                obj = orjson.loads(again)
        raise AssertionError("unreachable")

    async def _create(self, plan: Plan, obj: Object) -> Written:
        core, resource = self._core, plan.resource
        stored = core.written(resource)
        rules = core.rules(stored)
        now_s = core.clock.now()
        obj = self._as_stored(resource, obj)
        begin(obj["metadata"], now_s)
        rules.default(obj)
        if not plan.tracked:
            self._track(plan, None, obj, now_s)
        await self._admit(plan, "CREATE", obj, None)
        if rules.has_generation:
            obj["metadata"]["generation"] = 1
        else:
            obj["metadata"].pop("generation", None)
        rules.prepare_create(obj, core.context(plan.request))
        name, namespace = obj["metadata"].get("name", ""), obj["metadata"].get("namespace", "")
        errors = Errors()
        claim = self._allocation.for_create(stored, obj, errors)
        try:
            if not errors:
                errors = validate_metadata(obj, stored, rules)
                errors.extend(rules.validate_create(obj))
            self._refuse(stored, name, errors, plan.request)
            plan.request.warnings += rules.warnings(obj, None)
            await self._validate(plan, "CREATE", obj, None)
            obj = filled(obj, core.schema(stored))
            raw = _storable(serialize(await core.as_stored(stored, obj)))
            if plan.dry_run:
                if core.collection(stored).get(namespace, name) is not None:
                    raise already_exists(resource.plural, resource.group, name)
                return Written(obj, _without_revision(raw), True)
            key = core.store_key(resource, namespace, name)
            try:
                entry = await core.store.create(key, core.sealed(key, raw))
            except KeyExists:
                raise already_exists(resource.plural, resource.group, name) from None
            return await self._stored(stored, entry, raw, obj, created=True)
        finally:
            if claim is not None:
                claim.release()

    # Update

    async def change(self, plan: Plan, name: str, propose: Propose, *, create_missing: bool = False) -> Written:
        """Replace the object called `name` by what `propose` makes of it. Raises ApiError.

        With `create_missing`, a missing object is created from `propose(None)`.
        """
        core = self._core
        namespace = object_namespace(plan.request)
        key = core.store_key(plan.resource, namespace, name)
        found = core.collection(plan.resource).get(namespace, name)
        current = found
        for _ in range(CONFLICT_TRIES):
            if current is None:
                entry = await core.store.get(key)
                current = None if entry is None else self._current(entry, namespace, name)
            if current is None:
                if not create_missing:
                    raise not_found(plan.resource.plural, plan.resource.group, name)
                await core.authorizer.require_also(of_request(plan.request), "create")
                try:
                    return await self.create(plan, propose(None), name)
                except ApiError as error:
                    if error.reason != "AlreadyExists":
                        raise
                    continue
            try:
                return await self._update(plan, key, current, propose)
            except _LostError as lost:
                # A write that names a revision is refused by the next look, as the object has another by now.
                current = None if lost.current is None else self._current(lost.current, namespace, name)
        raise conflict(plan.resource.plural, plan.resource.group, name, MODIFIED)

    async def _update(self, plan: Plan, key: str, current: Cached, propose: Propose) -> Written:
        core, request = self._core, plan.request
        stored = core.written(plan.resource)
        rules = core.rules(stored)
        new, old = await self._renewed(plan, current, propose)
        name = old["metadata"]["name"]
        # Twice, as the reference: once for every kind, once by the kind's own rules. A client sees each of these causes twice.
        errors = validate_metadata_update(new, old)
        errors.extend(validate_metadata_update(new, old))
        errors.extend(rules.validate_update(new, old, plan.subresource))
        claim = self._allocation.for_update(stored, new, old, errors) if not plan.subresource else None
        try:
            self._refuse(stored, name, errors, request)
            request.warnings += rules.warnings(new, old)
            await self._validate(plan, "UPDATE", new, old)
            new = filled(new, core.schema(stored))
            meta = new["metadata"]
            if same_but_for_times(new, old) and core.is_current(stored, current.raw):
                return Written(old, core.shown(stored, current))
            raw = _storable(serialize(await core.as_stored(stored, new)))
            if plan.dry_run:
                return self._written(new, raw, current.revision)
            try:
                if meta.get("deletionTimestamp") and may_go(new):
                    await core.cache.wait((await core.store.delete(key, current.revision)).revision)
                    return self._written(new, raw, current.revision)
                entry = await core.store.update(key, core.sealed(key, raw), current.revision)
            except Mismatch as mismatch:
                raise _LostError(mismatch.current) from None
            return await self._stored(stored, entry, raw, new)
        finally:
            if claim is not None:
                claim.release()

    async def _renewed(self, plan: Plan, current: Cached, propose: Propose) -> tuple[Object, Object]:
        """The object as it is to be, and as it is, in the version in which the write is judged. Raises ApiError."""
        core, resource, request = self._core, plan.resource, plan.request
        stored = core.written(resource)
        rules = core.rules(stored)
        await core.prepare(stored, (current,))
        shown = core.shown(stored, current)
        old = parse(shown)
        # Parsing again is many times faster than deepcopy.
        own = orjson.loads(shown)
        proposed = propose(own if stored is resource else convert(own, stored.api_version, resource.api_version))
        name = old["metadata"]["name"]
        check_place(proposed, object_namespace(request), name)
        version = proposed["metadata"].get("resourceVersion", "")
        self._check_version(plan, rules, name, version, current.revision)
        now_s = core.clock.now()
        new = self._as_stored(resource, proposed)
        meta = new["metadata"]
        meta["resourceVersion"] = old["metadata"]["resourceVersion"]
        carry_over(meta, old["metadata"])
        rules.default(new)
        if not plan.tracked:
            self._track(plan, old, new, now_s)
        await self._admit(plan, "UPDATE", new, old)
        managed = meta.get("managedFields")
        rules.prepare_update(new, old, plan.subresource, core.context(request))
        carry_over(meta := new["metadata"], old["metadata"])
        if managed is not None:
            meta["managedFields"] = managed
        if plan.subresource not in UNCOUNTED:
            next_generation(new, old, rules)
        return new, old

    def _check_version(self, plan: Plan, rules: Rules, name: str, version: str, current: int) -> None:
        if version:
            if version != str(current):
                raise conflict(plan.resource.plural, plan.resource.group, name, MODIFIED)
        elif plan.request.method == "PUT" and not rules.allow_unconditional_update:
            errors = Errors()
            errors.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            self._refuse(plan.resource, name, errors, plan.request)

    # Steps

    def _as_stored(self, resource: Resource, obj: Object) -> Object:
        stored = self._core.written(resource)
        return obj if stored is resource else convert(obj, resource.api_version, stored.api_version)

    def _track(self, plan: Plan, old: Object | None, new: Object, now_s: float) -> None:
        """Who owns which field, in the words of the version that the client speaks."""
        core, resource = self._core, plan.resource
        stored = core.written(resource)
        reset = core.reset_fields(resource, plan.subresource)
        arguments = (
            plan.manager,
            resource.api_version,
            plan.subresource,
            now_s,
            core.schema(resource),
            reset,
            core.in_version(resource),
        )
        if stored is resource:
            update_managed_fields(old, new, *arguments)
            return
        mine = convert(new, stored.api_version, resource.api_version)
        mine["metadata"] = dict(mine["metadata"])
        theirs = None if old is None else convert(old, stored.api_version, resource.api_version)
        update_managed_fields(theirs, mine, *arguments)
        if "managedFields" in mine["metadata"]:
            new["metadata"]["managedFields"] = mine["metadata"]["managedFields"]

    def track_new(self, plan: Plan, obj: Object) -> None:
        """Note who owns the fields of an object that is answered and not stored."""
        self._track(plan, None, obj, self._core.clock.now())

    async def _admit(self, plan: Plan, operation: str, new: Object, old: Object | None) -> None:
        if plan.admitted:
            return
        admission = self._attributes(plan, operation, new, old)
        await self._admission.mutate(admission)
        if plan.face is not None:
            assert admission.object is not None
            plan.face.take(new, admission.object)

    async def _validate(self, plan: Plan, operation: str, new: Object, old: Object | None) -> None:
        if not plan.admitted:
            await self._admission.validate(self._attributes(plan, operation, new, old))

    def _attributes(self, plan: Plan, operation: str, new: Object | None, old: Object | None) -> Admission:
        stored = self._core.written(plan.resource)
        if plan.face is not None:
            new, old = (None if obj is None else plan.face.show(obj) for obj in (new, old))
        return Admission(plan.request, stored, operation, new, old, plan.subresource, plan.dry_run, plan.resource)

    @staticmethod
    def _refuse(resource: Resource, name: str, errors: Errors, request: Request) -> None:
        if errors:
            raise errors.shown_as_given(_given(request)).to_error(resource.kind, resource.group, name)

    def _current(self, entry: Entry, namespace: str, name: str) -> Cached:
        raw = with_revision(self._core.cache.opened(entry.key, entry.value), entry.revision)
        return Cached(namespace, name, raw, entry.revision)

    async def _stored(self, resource: Resource, entry: Entry, raw: bytes, obj: Object, *, created: bool = False) -> Written:
        """The answer of an acknowledged write, when reads show it too."""
        core = self._core
        await core.cache.wait(entry.revision)
        written = self._written(obj, raw, entry.revision, created=created)
        if resource.version == resource.storage_version or not core.is_webhook_converted(resource):
            return written
        # What was stored is not what was sent, and the webhook decides what it is when it comes back.
        meta = obj["metadata"]
        item = core.collection(resource).get(meta.get("namespace", ""), meta["name"])
        if item is None or item.revision != entry.revision:
            item = Cached(meta.get("namespace", ""), meta["name"], written.raw, entry.revision)
        await core.prepare(resource, (item,))
        shown = core.shown(resource, item)
        return Written(orjson.loads(shown), shown, created)

    @staticmethod
    def _written(obj: Object, raw: bytes, revision: int, *, created: bool = False) -> Written:
        obj["metadata"]["resourceVersion"] = str(revision)
        return Written(obj, with_revision(raw, revision), created)


class _LostError(Exception):
    """Another write was faster."""

    def __init__(self, current: Entry | None) -> None:
        super().__init__()
        self.current = current


def _without_revision(raw: bytes) -> bytes:
    return raw.replace(b'"resourceVersion":"",', b"", 1)


def _storable(raw: bytes) -> bytes:
    """An object's bytes, if they are not too many: patches could let it grow without end. Raises ApiError (500)."""
    if len(raw) > MAX_OBJECT_BYTES:
        raise ApiError(500, "", "etcdserver: request is too large")
    return raw


def _given(request: Request) -> object:
    """The body, if it is JSON."""
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
