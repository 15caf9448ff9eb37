"""Jobs."""

from corral.api import names
from corral.api.durations import human
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.gostructs import FAILURE_POLICY, SUCCESS_POLICY, Shape, shown
from corral.api.kinds.jobpolicy import check_failure_policy, check_success_policy
from corral.api.kinds.jobstatus import check_status
from corral.api.kinds.podspec import check_template, default_template
from corral.api.kinds.selector import check_selector
from corral.api.kinds.workload import IMMUTABLE, WorkloadRules, check_immutable, check_match, check_not_negative, default_fields
from corral.api.objects import Object, copied
from corral.api.rules import Context
from corral.base.clock import parse_rfc3339

MAX_INT32 = 2**31 - 1
BACKOFF_LIMIT = 6
MAX_PARALLELISM = 100_000
MANY_COMPLETIONS = 100_000
MANY_COMPLETIONS_MOST = 10_000
MANAGED_BY_MAX_BYTES = 63
JOB_NAME = "batch.kubernetes.io/job-name"
CONTROLLER_UID = "batch.kubernetes.io/controller-uid"
_OLD_NAMES = {JOB_NAME: "job-name", CONTROLLER_UID: "controller-uid"}
#: What stays of the spec, each as messages show it.
_KEPT: dict[str, Shape] = {
    "completionMode": None,
    "podFailurePolicy": FAILURE_POLICY,
    "backoffLimitPerIndex": None,
    "managedBy": None,
    "successPolicy": SUCCESS_POLICY,
}
_NUMBERS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)


class JobRules(WorkloadRules):
    """Rules of batch/v1 Job."""

    def default(self, obj: Object) -> None:
        """Fill in the spec; labels of the template are the job's."""
        super().default(obj)
        labels = (obj["spec"]["template"].get("metadata") or {}).get("labels")
        if labels and not obj["metadata"].get("labels"):
            obj["metadata"]["labels"] = dict(labels)

    def default_workload(self, spec: Object) -> None:
        """One completion, six retries, not suspended."""
        default_job_spec(spec)

    def prepare_create(self, obj: Object, context: Context) -> None:
        """A selector by the job's uid, unless the client brings its own."""
        obj["status"] = {}
        spec = obj["spec"]
        if not spec.get("manualSelector"):
            generate_selector(obj)

    def validate_create(self, obj: Object) -> Errors:
        """The generated selector, the spec, and that pods can be named."""
        errs = Errors()
        self._check(errs, obj, obj)
        return errs

    def _check(self, errs: Errors, obj: Object, old: Object) -> None:
        labels = (old["spec"]["template"].get("metadata") or {}).get("labels") or {}
        _check_generated(errs, obj, prefixed=obj is old or (JOB_NAME in labels and CONTROLLER_UID in labels))
        spec, path = obj["spec"], Path("spec")
        self.check_spec(errs, spec, path)
        completions = spec.get("completions")
        if spec.get("completionMode") == "Indexed" and completions:
            name = obj["metadata"].get("name", "")
            last = f"{name}-{completions - 1}"
            if names.dns_label(last):
                why = f"will not able to create pod with invalid DNS label: {last}"
                errs.invalid("metadata.name", name, why)

    def check_spec(self, errs: Errors, spec: Object, path: Path) -> None:
        """The spec with its selector, which must match the template."""
        check_job_spec(errs, spec, path)
        selector = spec.get("selector")
        if selector is None:
            errs.required(path.child("selector"))
        if check_selector(errs, selector, path.child("selector")):
            check_match(errs, selector, spec.get("template") or {}, path.child("template"))

    def check_status(self, errs: Errors, status: Object, old: Object) -> None:
        """Counts; the rest needs the spec, see validate_update."""

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """What stays of the spec; or the status, which goes forward only."""
        errs = Errors()
        if subresource == "status":
            check_status(errs, new, old)
            return errs
        path, spec, former = Path("spec"), new["spec"], old["spec"]
        self._check(errs, new, old)
        _check_completions(errs, spec, former, path)
        check_immutable(errs, spec, former, "selector", path)
        _check_template_kept(errs, new, old, path)
        for field, shape in _KEPT.items():
            if (spec.get(field) or None) != (former.get(field) or None):
                errs.invalid(path.child(field), shown(spec.get(field), shape), IMMUTABLE)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status = obj["spec"], obj.get("status") or {}
        return [
            rows.name(obj),
            _status(obj),
            _completions(spec, status),
            _duration(status, now_s),
            rows.age(obj, now_s),
            *rows.containers(spec["template"].get("spec")),
            rows.selector(spec.get("selector")),
        ]

    def unselectable(self, field: str, api_version: str) -> str:
        """The reference's words."""
        return f'field label "{field}" not supported for batchv1.Job'

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """How many have succeeded."""
        return {"status.successful": str((obj.get("status") or {}).get("succeeded", 0))}


def default_job_spec(spec: Object) -> None:
    """Fill in what the spec of a Job leaves open. (A CronJob's template is filled in when its jobs are made.)"""
    if spec.get("completions") is None and spec.get("parallelism") is None:
        default_fields(spec, completions=1, parallelism=1)
    default_fields(spec, parallelism=1, completionMode="NonIndexed", suspend=False, manualSelector=False)
    default_fields(spec, backoffLimit=MAX_INT32 if spec.get("backoffLimitPerIndex") is not None else BACKOFF_LIMIT)
    policy = spec.get("podFailurePolicy")
    default_fields(spec, podReplacementPolicy="Failed" if policy is not None else "TerminatingOrFailed")
    for rule in (policy or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            if not pattern.get("status"):
                pattern["status"] = "True"
    default_template(spec.setdefault("template", {}))


def generate_selector(job: Object) -> None:
    """Label job and template with the job's name and uid, and select by the uid, in place."""
    uid, name = job["metadata"].get("uid", ""), job["metadata"].get("name", "")
    spec = job["spec"]
    for metadata in (job["metadata"], spec["template"].setdefault("metadata", {})):
        labels = dict(metadata.get("labels") or {})
        for label, value in ((CONTROLLER_UID, uid), (JOB_NAME, name)):
            for key in (label, _OLD_NAMES[label]):
                labels.setdefault(key, value)
        metadata["labels"] = labels
    selector = spec.get("selector")
    if selector is None:
        selector = spec["selector"] = {}
    if selector.get("matchLabels") is None:
        selector["matchLabels"] = {}
    selector["matchLabels"].setdefault(CONTROLLER_UID, uid)


def check_job_spec(errs: Errors, spec: Object, path: Path) -> None:
    """The spec without its selector."""
    check_not_negative(errs, spec, path, *_NUMBERS)
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        errs.required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified")
    manager = spec.get("managedBy")
    if manager is not None:
        _check_manager(errs, manager, path.child("managedBy"))
    mode = spec.get("completionMode")
    if mode is not None and mode not in ("NonIndexed", "Indexed"):
        errs.unsupported(path.child("completionMode"), mode, ("NonIndexed", "Indexed"))
    if mode == "Indexed":
        _check_indexed(errs, spec, path)
    elif mode in (None, "NonIndexed"):
        for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
            if spec.get(field) is not None:
                errs.invalid(path.child(field), spec[field], "requires indexed completion mode")
    if spec.get("podFailurePolicy") is not None:
        check_failure_policy(errs, spec, path.child("podFailurePolicy"))
    if spec.get("successPolicy") is not None:
        if mode != "Indexed":
            errs.invalid(path.child("successPolicy"), spec["successPolicy"], "requires indexed completion mode")
        else:
            check_success_policy(errs, spec, path.child("successPolicy"))
    _check_replacement(errs, spec, path.child("podReplacementPolicy"))
    check_template(errs, spec.get("template") or {}, path.child("template"))
    _check_restart(errs, spec, path.child("template", "spec", "restartPolicy"))


def _check_indexed(errs: Errors, spec: Object, path: Path) -> None:
    completions, parallelism = spec.get("completions"), spec.get("parallelism") or 0
    failed = spec.get("maxFailedIndexes")
    if completions is None:
        errs.required(path.child("completions"), "when completion mode is Indexed")
    if parallelism > MAX_PARALLELISM:
        why = f"must be less than or equal to {MAX_PARALLELISM} when completion mode is Indexed"
        errs.invalid(path.child("parallelism"), parallelism, why)
    at = path.child("maxFailedIndexes")
    if completions is not None and failed is not None and failed > completions:
        errs.invalid(at, failed, "must be less than or equal to completions")
    if failed is not None and failed > MAX_PARALLELISM:
        errs.invalid(at, failed, f"must be less than or equal to {MAX_PARALLELISM}")
    if (completions or 0) <= MANY_COMPLETIONS or spec.get("backoffLimitPerIndex") is None:
        return
    why = (
        f"must be less than or equal to {MANY_COMPLETIONS_MOST} when completions are above {MANY_COMPLETIONS} and used with"
        " backoff limit per index"
    )
    if failed is None:
        errs.required(at, f"must be specified when completions is above {MANY_COMPLETIONS}")
    if parallelism > MANY_COMPLETIONS_MOST:
        errs.invalid(path.child("parallelism"), parallelism, why)
    if failed is not None and failed > MANY_COMPLETIONS_MOST:
        errs.invalid(at, failed, why)


def _check_manager(errs: Errors, manager: str, path: Path) -> None:
    domain, slash, rest = manager.partition("/")
    if not manager:
        errs.required(path)
    elif not slash or not domain or not rest:
        errs.invalid(path, manager, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        errs.each(path, domain, names.dns_subdomain(domain))
    if len(manager) > MANAGED_BY_MAX_BYTES:
        errs.too_long(path, MANAGED_BY_MAX_BYTES)


def _check_replacement(errs: Errors, spec: Object, path: Path) -> None:
    policy = spec.get("podReplacementPolicy")
    choices = ("Failed",) if spec.get("podFailurePolicy") is not None else ("Failed", "TerminatingOrFailed")
    if policy is not None and policy not in choices:
        errs.unsupported(path, policy, choices)


def _check_restart(errs: Errors, spec: Object, path: Path) -> None:
    policy = ((spec.get("template") or {}).get("spec") or {}).get("restartPolicy", "")
    if policy in ("", "Always"):
        errs.required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        errs.unsupported(path, policy, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        errs.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _check_generated(errs: Errors, job: Object, *, prefixed: bool) -> None:
    """The labels by which pods are found are those of this job; those with a prefix are younger than some jobs."""
    spec, metadata = job["spec"], job["metadata"]
    selector = spec.get("selector")
    if spec.get("manualSelector") or selector is None:
        return
    uid, name = metadata.get("uid", ""), metadata.get("name", "")
    if not uid:
        errs.required("metadata.uid")
    expected = {"controller-uid": uid, "job-name": name}
    if prefixed:
        expected |= {CONTROLLER_UID: uid, JOB_NAME: name}
    labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    path = Path("spec").child("template", "metadata", "labels")
    for key, value in expected.items():
        if key not in labels:
            errs.required(path.key(key), f"must be '{value}'")
        elif labels[key] != value:
            errs.invalid(path.key(key), labels, f"must be '{value}'")
    wanted = selector.get("matchLabels") or {}
    if any(expected.get(k) != v for k, v in wanted.items()) or selector.get("matchExpressions"):
        errs.invalid("spec.selector", selector, "`selector` not auto-generated")


def _check_completions(errs: Errors, spec: Object, old: Object, path: Path) -> None:
    after, before = spec.get("completions"), old.get("completions")
    if spec.get("completionMode") != "Indexed":
        check_immutable(errs, spec, old, "completions", path)
    elif after != before and after is not None and after != spec.get("parallelism"):
        errs.invalid(path.child("completions"), after, "can only be modified in tandem with spec.parallelism")


def _check_template_kept(errs: Errors, new: Object, old: Object, path: Path) -> None:
    """The template stays; while no pods of it run, where they go (KEP-2926) and what they get (KEP-5440) may change."""
    template, former = new["spec"].get("template") or {}, copied(old["spec"].get("template") or {})
    if not _is_at_rest(old):
        if template != former:
            errs.invalid(path.child("template"), template, "field is immutable")
        return
    pods, kept = template.get("spec") or {}, former.get("spec") or {}
    for field in ("nodeSelector", "tolerations", "schedulingGates"):
        _copy(pods, kept, field)
    affinity = {k: v for k, v in (kept.get("affinity") or {}).items() if k != "nodeAffinity"}
    if (pods.get("affinity") or {}).get("nodeAffinity") is not None:
        affinity["nodeAffinity"] = pods["affinity"]["nodeAffinity"]
    kept.pop("affinity", None)
    if affinity or "affinity" in pods:
        kept["affinity"] = affinity
    for field in ("containers", "initContainers"):
        after, before = pods.get(field) or (), kept.get(field) or ()
        if len(after) == len(before):
            for container, known in zip(after, before, strict=True):
                if container.get("name") == known.get("name"):
                    _copy(container, known, "resources")
    if pods != kept:
        errs.invalid(path.child("template", "spec"), pods, "field is immutable")


def _is_at_rest(job: Object) -> bool:
    """Whether the job is suspended and none of its pods runs."""
    status = job.get("status") or {}
    if not job["spec"].get("suspend") or status.get("active"):
        return False
    return status.get("startTime") is None or _is_true(job, "Suspended")


def _is_true(job: Object, kind: str) -> bool:
    """Whether the job has the condition."""
    found = rows.condition(job, kind)
    return found is not None and found.get("status") == "True"


def _copy(source: Object, target: Object, field: str) -> None:
    target.pop(field, None)
    if field in source:
        target[field] = source[field]


def _status(obj: Object) -> str:
    for kind in ("Complete", "Failed"):
        if _is_true(obj, kind):
            return kind
    if obj["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for kind in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if _is_true(obj, kind):
            return kind
    return "Running"


def _completions(spec: Object, status: Object) -> str:
    done, wanted, parallel = status.get("succeeded", 0), spec.get("completions"), spec.get("parallelism") or 0
    if wanted is not None:
        return f"{done}/{wanted}"
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def _duration(status: Object, now_s: float) -> str:
    start, end = status.get("startTime"), status.get("completionTime")
    if not start:
        return ""
    return human((parse_rfc3339(end) if end else now_s) - parse_rfc3339(start))


RULES = {"Job": JobRules()}
