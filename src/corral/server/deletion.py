"""Deleting: preconditions, grace, finalizers and what becomes of dependents.

See https://kubernetes.io/docs/concepts/architecture/garbage-collection/ and .../workloads/pods/pod-lifecycle/#pod-termination.
"""

from typing import Any

import orjson
from msgspec import Struct

from corral.api.definitions import begin_deletion
from corral.api.errors import bad_request, conflict, not_found
from corral.api.facts import named
from corral.api.fields import Errors
from corral.api.golang import DecodeError, read
from corral.api.objects import Object, copied, parse
from corral.api.resources import Resource
from corral.api.rules import Rules
from corral.api.serialize import serialize, with_revision
from corral.base.clock import parse_rfc3339, rfc3339
from corral.server.admission import AdmissionChain
from corral.server.core import Core
from corral.server.customresources import DEFINITIONS
from corral.server.options import dry_run_of
from corral.server.paths import is_true, object_namespace
from corral.server.request import Admission, Request
from corral.store.contract import Entry, Mismatch

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"
POLICIES = ("Background", "Foreground", "Orphan")
DEFAULT_GRACE_S = 30
DELETE_TRIES = 64

#: Resources whose dependents are orphaned unless the client says otherwise.
_ORPHANING = frozenset({"replicationcontrollers", "jobs.batch"})
#: Resources whose deletion answers with the object instead of a Status.
_RETURNED = frozenset(
    {
        "csidrivers.storage.k8s.io",
        "csinodes.storage.k8s.io",
        "csistoragecapacities.storage.k8s.io",
        "deviceclasses.resource.k8s.io",
        "persistentvolumeclaims",
        "persistentvolumes",
        "pods",
        "podtemplates",
        "resourceclaims.resource.k8s.io",
        "resourceclaimtemplates.resource.k8s.io",
        "resourcequotas",
        "resourceslices.resource.k8s.io",
        "serviceaccounts",
        "services",
        "storageclasses.storage.k8s.io",
        "volumeattachments.storage.k8s.io",
        "volumeattributesclasses.storage.k8s.io",
    }
)


#: What a client is told that deletes a Job and does not say what is to become of its pods.
_JOB_ORPHANS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them"
    " or set propagationPolicy=Orphan to suppress this warning"
)


class DeleteOptions(Struct, frozen=True):
    """How to delete."""

    grace_s: int | None = None
    #: "", Background, Foreground or Orphan.
    policy: str = ""
    orphan_dependents: bool | None = None
    uid: str | None = None
    version: str | None = None
    dry_run: bool = False

    def shown(self) -> Object:
        """As meta/v1 DeleteOptions, for admission."""
        made: Object = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"}
        if self.grace_s is not None:
            made["gracePeriodSeconds"] = self.grace_s
        wanted = {"uid": self.uid, "resourceVersion": self.version}
        if self.uid is not None or self.version is not None:
            made["preconditions"] = {field: value for field, value in wanted.items() if value is not None}
        if self.orphan_dependents is not None:
            made["orphanDependents"] = self.orphan_dependents
        if self.policy:
            made["propagationPolicy"] = self.policy
        if self.dry_run:
            made["dryRun"] = ["All"]
        return made

    @classmethod
    def of(cls, request: Request) -> "DeleteOptions":
        """The options of a request: its body, else its query. Raises ApiError (400, 422)."""
        given = _given(request)
        errors = Errors()
        dry_run = dry_run_of(given.get("dryRun") or [], errors)
        policy = given.get("propagationPolicy")
        orphan = given.get("orphanDependents")
        if policy is not None and orphan is not None:
            errors.invalid("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set")
        if policy is not None and policy not in POLICIES:
            errors.unsupported("propagationPolicy", policy, ("Foreground", "Background", "Orphan", "nil"))
        if errors:
            raise errors.to_error("DeleteOptions", "meta.k8s.io", "")
        grace_s = given.get("gracePeriodSeconds")
        wanted = given.get("preconditions") or {}
        return cls(grace_s, policy or "", orphan, wanted.get("uid"), wanted.get("resourceVersion"), dry_run)


def warn(request: Request, resource: Resource, options: DeleteOptions) -> None:
    """Warn of what a deletion leaves behind without having been asked to."""
    if resource.group_resource == "jobs.batch" and not options.policy and options.orphan_dependents is None:
        request.warnings.append(_JOB_ORPHANS)


def _given(request: Request) -> Object:
    given: Object
    if request.body:
        try:
            body: Any = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            import yaml

            try:
                body = yaml.safe_load(request.body)
            except yaml.YAMLError as error:
                raise bad_request(f"couldn't get version/kind; json parse error: {error}") from None
        if not isinstance(body, dict):
            raise bad_request("couldn't get version/kind; json parse error: the body is not an object")
        if body.get("kind", "DeleteOptions") != "DeleteOptions":
            raise bad_request(f'expected DeleteOptions, got "{body.get("kind")}"')
        try:
            given, _ = read(body, named("meta.v1.DeleteOptions"))
        except DecodeError as error:
            raise bad_request(str(error)) from None
        if body or not request.query:
            return given
    query = request.query
    given = {}
    if query.get("gracePeriodSeconds"):
        try:
            given["gracePeriodSeconds"] = int(query["gracePeriodSeconds"])
        except ValueError:
            text = query["gracePeriodSeconds"]
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if query.get("propagationPolicy"):
        given["propagationPolicy"] = query["propagationPolicy"]
    if "orphanDependents" in query:
        given["orphanDependents"] = is_true(query["orphanDependents"])
    if query.get("dryRun"):
        given["dryRun"] = [query["dryRun"]]
    return given


class Deletions:
    """Every deletion goes through here."""

    def __init__(self, core: Core, admission: AdmissionChain) -> None:
        self._core = core
        self._admission = admission

    async def delete(
        self, request: Request, resource: Resource, name: str, options: DeleteOptions, *, admitted: bool = False
    ) -> Object:
        """Delete or begin to delete; the answer is the object, or a Status. Raises ApiError (403, 404, 409).

        `admitted`: admission has judged what asks for it (an eviction) and does not look at the deletion as well.
        """
        core = self._core
        stored = core.stored(resource)
        namespace = object_namespace(request)
        key = core.store_key(resource, namespace, name)
        found = core.collection(resource).get(namespace, name)
        raw, revision = (found.raw, found.revision) if found is not None else (b"", 0)
        for _ in range(DELETE_TRIES):
            if not raw:
                raw, revision = self._opened(await core.store.get(key))
                if not raw:
                    raise not_found(resource.plural, resource.group, name)
            old = parse(raw)
            check_preconditions(resource, old, name, options)
            if not admitted:
                asked = Admission(request, stored, "DELETE", None, old, "", options.dry_run, resource, options.shown)
                await self._admission.judge(asked)
            marked = self._mark(stored, old, options)
            try:
                return await self._write(resource, key, old, marked, revision, options)
            except Mismatch as mismatch:
                raw, revision = self._opened(mismatch.current)
        raise conflict(resource.plural, resource.group, name, "the object changed too often while it was being deleted")

    def _mark(self, resource: Resource, old: Object, options: DeleteOptions) -> Object:
        """The object as it is while it is being deleted (a copy)."""
        now_s = self._core.clock.now()
        rules = self._core.rules(resource)
        new: Object = copied(old)
        meta = new["metadata"]
        meta["finalizers"] = _finalizers(meta.get("finalizers") or [], resource, options)
        grace_s = _grace(rules, old, options) if rules.graceful else 0
        first = not meta.get("deletionTimestamp")
        if first:
            meta["deletionTimestamp"] = rfc3339(now_s + grace_s)
            meta["deletionGracePeriodSeconds"] = grace_s
            if meta.get("generation") and resource.plural != "customresourcedefinitions":
                meta["generation"] += 1
        elif rules.graceful and grace_s < meta.get("deletionGracePeriodSeconds", 0):
            asked_s = parse_rfc3339(meta["deletionTimestamp"]) - meta.get("deletionGracePeriodSeconds", 0)
            meta["deletionTimestamp"] = rfc3339(asked_s + grace_s)
            meta["deletionGracePeriodSeconds"] = grace_s
        if first and resource.group_resource == DEFINITIONS:
            begin_deletion(new, now_s)
        if resource.plural == "namespaces":
            new.setdefault("status", {})["phase"] = "Terminating"
        if not meta["finalizers"]:
            del meta["finalizers"]
        return new

    async def _write(
        self, resource: Resource, key: str, old: Object, new: Object, revision: int, options: DeleteOptions
    ) -> Object:
        core = self._core
        meta = new["metadata"]
        if may_go(new):
            if not options.dry_run:
                entry = await core.store.delete(key, revision)
                await core.cache.wait(entry.revision)
            return self._gone(resource, old, new)
        if new == old or options.dry_run:
            return new
        entry = await core.store.update(key, core.sealed(key, serialize(new)), revision)
        await core.cache.wait(entry.revision)
        meta["resourceVersion"] = str(entry.revision)
        return new

    def _gone(self, resource: Resource, old: Object, new: Object) -> Object:
        if resource.group_resource in _RETURNED:
            return new if self._core.rules(self._core.stored(resource)).graceful else old
        details: Object = {"name": old["metadata"]["name"]}
        if resource.group:
            details["group"] = resource.group
        details |= {"kind": resource.plural, "uid": old["metadata"].get("uid", "")}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}

    def _opened(self, entry: Entry | None) -> tuple[bytes, int]:
        if entry is None:
            return b"", 0
        return with_revision(self._core.cache.opened(entry.key, entry.value), entry.revision), entry.revision


def may_go(obj: Object) -> bool:
    """Whether nothing holds an object that is being deleted any more."""
    meta = obj["metadata"]
    if meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
        return False
    return not (obj.get("kind") == "Namespace" and obj.get("apiVersion") == "v1" and (obj.get("spec") or {}).get("finalizers"))


def check_preconditions(resource: Resource, obj: Object, name: str, options: DeleteOptions) -> None:
    """Raise ApiError (409) where an object is not the one that is meant."""
    meta = obj["metadata"]
    if options.uid is not None and options.uid != meta.get("uid"):
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({meta.get('uid')}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(resource.plural, resource.group, name, why)
    if options.version is not None and options.version != meta.get("resourceVersion"):
        why = (
            f"the ResourceVersion in the precondition ({options.version}) does not match the ResourceVersion in record "
            f"({meta.get('resourceVersion')}). The object might have been modified"
        )
        raise conflict(resource.plural, resource.group, name, why)


def _finalizers(present: list[str], resource: Resource, options: DeleteOptions) -> list[str]:
    """The finalizers with those that the propagation policy wants, without those that it does not."""
    orphan = FOREGROUND_OR_ORPHAN.get(options.policy)
    if options.orphan_dependents is not None:
        orphan = ORPHAN if options.orphan_dependents else ""
    if orphan is None:
        # Nothing is said: what the object says itself counts, then the kind's default.
        if ORPHAN in present:
            orphan = ORPHAN
        elif FOREGROUND in present:
            orphan = FOREGROUND
        else:
            orphan = ORPHAN if resource.group_resource in _ORPHANING else ""
    kept = [name for name in present if name not in (ORPHAN, FOREGROUND) or name == orphan]
    return [*kept, orphan] if orphan and orphan not in kept else kept


FOREGROUND_OR_ORPHAN = {"Background": "", "Foreground": FOREGROUND, "Orphan": ORPHAN}


def _grace(rules: Rules, obj: Object, options: DeleteOptions) -> int:
    """The seconds a pod is given to end. One that no node has, or that has ended, needs none."""
    spec = obj.get("spec") or {}
    if options.grace_s is not None:
        grace_s = options.grace_s
    else:
        grace_s = spec.get("terminationGracePeriodSeconds", DEFAULT_GRACE_S)
    if not spec.get("nodeName") or (obj.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
        return 0
    return max(int(grace_s), 0) if grace_s >= 0 else 1
