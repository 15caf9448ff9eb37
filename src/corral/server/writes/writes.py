"""The order of a write's steps.

A create: default → own fields → admission mutates → prepare → validate → admission validates → store.
An update proposes a new object from the newest one and does the same; where another write was faster it is proposed again,
unless the client said which revision it meant.
"""

from functools import partial

import orjson

from corral.api.conversion import convert
from corral.api.errors import MODIFIED, ApiError, conflict, not_found
from corral.api.fields import Errors
from corral.api.golang import filled
from corral.api.managedfields import same_but_for_times
from corral.api.metadata import validate_create as validate_metadata
from corral.api.metadata import validate_update as validate_metadata_update
from corral.api.objects import Object, parse
from corral.api.resources import Resource
from corral.api.rules import Rules
from corral.server.admission import AdmissionChain
from corral.server.allocation import Allocation
from corral.server.authorization import of_request
from corral.server.changes import Cached
from corral.server.core import Core
from corral.server.customconversion import UnconvertedError
from corral.server.metadata import begin, carry_over, check_place, next_generation
from corral.server.paths import object_namespace
from corral.server.request import Admission, Request
from corral.server.writes.ownership import track
from corral.server.writes.plan import Plan, Propose
from corral.server.writes.storing import LostError, Storing, Written

NAME_TRIES = 8
#: An unconditional write that loses so many times in a row is told so.
CONFLICT_TRIES = 64
#: Subresources whose writes are not another generation of the object: a pod that gets its node is still what was asked for.
UNCOUNTED = ("status", "approval", "binding")


class Writes:
    """Every change of an object goes through here."""

    def __init__(self, core: Core, admission: AdmissionChain, allocation: Allocation) -> None:
        self._core = core
        self._admission = admission
        self._allocation = allocation
        self._storing = Storing(core)

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

    async def change(self, plan: Plan, name: str, propose: Propose, *, create_missing: bool = False) -> Written:
        """Replace the object called `name` by what `propose` makes of it. Raises ApiError.

        With `create_missing`, a missing object is created from `propose(None)`.
        """
        core = self._core
        namespace = object_namespace(plan.request)
        key = core.store_key(plan.resource, namespace, name)
        current = core.collection(plan.resource).get(namespace, name)
        for _ in range(CONFLICT_TRIES):
            if current is None:
                current = await self._storing.read(key, namespace, name)
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
            except LostError as lost:
                # A write that names a revision is refused by the next look, as the object has another by now.
                current = self._storing.cached(lost.current, namespace, name)
        raise conflict(plan.resource.plural, plan.resource.group, name, MODIFIED)

    async def _create(self, plan: Plan, obj: Object) -> Written:
        core = self._core
        stored = core.written(plan.resource)
        rules = core.rules(stored)
        now_s = core.clock.now()
        obj = self._as_judged(plan, obj)
        begin(obj["metadata"], now_s)
        rules.default(obj)
        await track(core, plan, None, obj, now_s)
        await self._admit(plan, "CREATE", obj, None)
        if rules.has_generation:
            obj["metadata"]["generation"] = 1
        else:
            obj["metadata"].pop("generation", None)
        rules.prepare_create(obj, core.context(plan.request))
        errors = Errors()
        claim = self._allocation.for_create(stored, obj, errors)
        doubts: list[str] = []
        try:
            if not errors:
                errors = validate_metadata(obj, stored, rules)
                doubts = await self._validate(rules, errors, rules.validate_create(obj), obj, None)
            await self._judge(plan, "CREATE", obj, None, errors, doubts)
            return await self._storing.create(stored, filled(obj, core.schema(stored)), dry_run=plan.dry_run)
        finally:
            if claim is not None:
                claim.release()

    async def _update(self, plan: Plan, key: str, current: Cached, propose: Propose) -> Written:
        core = self._core
        stored = core.written(plan.resource)
        rules = core.rules(stored)
        old, new = await self._proposed(plan, current, propose)
        self._check_version(plan, rules, new, current)
        new = self._as_judged(plan, new)
        _keep_system_fields(new, old)
        rules.default(new)
        await track(core, plan, old, new, core.clock.now())
        owners = new["metadata"].get("managedFields")
        await self._admit(plan, "UPDATE", new, old)
        self._prepare(plan, rules, new, old, owners)
        # Twice, as the reference: once for every kind, once by the kind's own rules. A client sees each of these causes twice.
        errors = validate_metadata_update(new, old)
        errors.items *= 2
        doubts = await self._validate(rules, errors, rules.validate_update(new, old, plan.subresource), new, old)
        claim = self._allocation.for_update(stored, new, old, errors) if not plan.subresource else None
        try:
            await self._judge(plan, "UPDATE", new, old, errors, doubts)
            new = filled(new, core.schema(stored))
            if same_but_for_times(new, old) and core.is_current(stored, current.raw):
                return Written(old, core.shown(stored, current))
            return await self._storing.replace(stored, key, current, new, dry_run=plan.dry_run)
        finally:
            if claim is not None:
                claim.release()

    # Steps

    async def _proposed(self, plan: Plan, current: Cached, propose: Propose) -> tuple[Object, Object]:
        """The object as it is, in the version in which the write is judged, and what is to become of it, in the request's."""
        core, resource = self._core, plan.resource
        stored = core.written(resource)
        await core.prepare(stored, (current,))
        shown = core.shown(stored, current)
        old = parse(shown)
        while True:
            # Parsing again is many times faster than deepcopy.
            own = orjson.loads(shown)
            try:
                new = propose(own if stored is resource else convert(own, stored.api_version, resource.api_version))
                break
            except UnconvertedError as missing:
                await missing.convert()
        check_place(new, object_namespace(plan.request), old["metadata"]["name"])
        return old, new

    def _check_version(self, plan: Plan, rules: Rules, proposed: Object, current: Cached) -> None:
        """The revision that a write names is the present one. Raises ApiError."""
        resource, name = plan.resource, proposed["metadata"]["name"]
        version = proposed["metadata"].get("resourceVersion", "")
        if version:
            if version != str(current.revision):
                raise conflict(resource.plural, resource.group, name, MODIFIED)
        elif plan.request.method == "PUT" and not rules.allow_unconditional_update:
            errors = Errors()
            errors.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            _refuse(resource, name, errors, plan.request)

    def _as_judged(self, plan: Plan, obj: Object) -> Object:
        """The object in the version whose rules the write follows."""
        resource = plan.resource
        stored = self._core.written(resource)
        return obj if stored is resource else convert(obj, resource.api_version, stored.api_version)

    def _prepare(self, plan: Plan, rules: Rules, new: Object, old: Object, owners: list[Object] | None) -> None:
        """Take back what this endpoint does not write, whose owners stay; and count the generation."""
        rules.prepare_update(new, old, plan.subresource, self._core.context(plan.request))
        meta = new["metadata"]
        carry_over(meta, old["metadata"])
        if owners is not None:
            meta["managedFields"] = owners
        if plan.subresource not in UNCOUNTED:
            next_generation(new, old, rules)

    async def _admit(self, plan: Plan, operation: str, new: Object, old: Object | None) -> None:
        """Let admission change the object."""
        if plan.admitted:
            return
        admission = self._attributes(plan, operation, new, old)
        await self._admission.mutate(admission)
        if plan.face is not None:
            assert admission.object is not None
            plan.face.take(new, admission.object)

    async def _validate(self, rules: Rules, errors: Errors, faults: Errors, new: Object, old: Object | None) -> list[str]:
        """Add the `faults` of the kind's own validation to `errors`, and those by its expressions, which may take long.

        Returns what these only doubt.
        """
        errors.extend(faults)
        if not rules.has_expressions:
            return []
        found, doubts = await self._core.evaluations.evaluated(partial(rules.evaluate, faults, new, old))
        errors.extend(found)
        return doubts

    async def _judge(
        self, plan: Plan, operation: str, new: Object, old: Object | None, errors: Errors, doubts: list[str]
    ) -> None:
        """Refuse what validation or admission finds wrong, and warn of what is only doubtful. Raises ApiError."""
        stored = self._core.written(plan.resource)
        _refuse(stored, new["metadata"].get("name", ""), errors, plan.request)
        plan.request.warnings += [*self._core.rules(stored).warnings(new, old), *doubts]
        if not plan.admitted:
            await self._admission.validate(self._attributes(plan, operation, new, old))

    def _attributes(self, plan: Plan, operation: str, new: Object | None, old: Object | None) -> Admission:
        stored = self._core.written(plan.resource)
        if plan.face is not None:
            new, old = (None if obj is None else plan.face.show(obj) for obj in (new, old))
        return Admission(plan.request, stored, operation, new, old, plan.subresource, plan.dry_run, plan.resource)


def _keep_system_fields(new: Object, old: Object) -> None:
    meta = new["metadata"]
    meta["resourceVersion"] = old["metadata"]["resourceVersion"]
    carry_over(meta, old["metadata"])


def _refuse(resource: Resource, name: str, errors: Errors, request: Request) -> None:
    if errors:
        raise errors.shown_as_given(_given(request)).to_error(resource.kind, resource.group, name)


def _given(request: Request) -> object:
    """The body, if it is JSON."""
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None
