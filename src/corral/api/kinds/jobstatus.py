"""A Job's status: what a controller may write (KEP-4368)."""

from corral.api.fields import Errors, Path
from corral.api.kinds.jobpolicy import count_indexes
from corral.api.kinds.workload import check_not_negative
from corral.api.objects import Object
from corral.base.clock import parse_rfc3339

_PATH = Path("status")
_CONDITIONS = _PATH.child("conditions")


def check_status(errs: Errors, new: Object, old: Object) -> None:
    """The status of `new`, on its own and against the one before."""
    status, former = new.get("status") or {}, old.get("status") or {}
    check_not_negative(errs, status, _PATH, "active", "succeeded", "failed", "ready", "terminating")
    _check_uncounted(errs, status.get("uncountedTerminatedPods") or {})
    _check_conditions(errs, status)
    _check_times(errs, status)
    _check_finished(errs, status)
    _check_indexes(errs, new["spec"], status)
    _check_forward(errs, new["spec"], status, former)


def _has(status: Object, kind: str) -> bool:
    return any(c.get("type") == kind and c.get("status") == "True" for c in status.get("conditions") or ())


def _check_uncounted(errs: Errors, pods: Object) -> None:
    seen: set[str] = set()
    for part in ("succeeded", "failed"):
        for i, uid in enumerate(pods.get(part) or ()):
            at = _PATH.child("uncountedTerminatedPods", part).at(i)
            if not uid:
                errs.invalid(at, uid, "must not be empty")
            elif uid in seen:
                errs.duplicate(at, uid)
            seen.add(uid)


def _check_conditions(errs: Errors, status: Object) -> None:
    complete, failed = _has(status, "Complete"), _has(status, "Failed")
    target, met = _has(status, "FailureTarget"), _has(status, "SuccessCriteriaMet")
    faults = (
        (complete and failed, "cannot set Complete=True and Failed=true conditions"),
        (complete and target, "cannot set Complete=True and FailureTarget=true conditions"),
        (failed and not target, "cannot set Failed=True condition without the FailureTarget=true condition"),
        (complete and not met, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition"),
        (met and failed, "cannot set SuccessCriteriaMet=True and Failed=true conditions"),
        (met and target, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions"),
    )
    for wrong, text in faults:
        if wrong:
            errs.invalid_here(_CONDITIONS, text)


def _check_times(errs: Errors, status: Object) -> None:
    start, end, complete = status.get("startTime"), status.get("completionTime"), _has(status, "Complete")
    at = _PATH.child("completionTime")
    if end is not None and not complete:
        errs.invalid(at, end, "cannot set completionTime when there is no Complete=True condition")
    if end is None and complete:
        errs.required(at, "completionTime is required for Complete jobs")
    if start is not None and end is not None and parse_rfc3339(end) < parse_rfc3339(start):
        errs.invalid(at, end, "completionTime cannot be set before startTime")


def _check_finished(errs: Errors, status: Object) -> None:
    active, ready, terminating = status.get("active", 0), status.get("ready"), status.get("terminating") or 0
    if _has(status, "Complete") or _has(status, "Failed"):
        if active > 0:
            errs.invalid(_PATH.child("active"), active, "active>0 is invalid for finished job")
        if status.get("startTime") is None:
            errs.required(_PATH.child("startTime"), "startTime is required for finished job")
        pods = status.get("uncountedTerminatedPods") or {}
        if pods.get("succeeded") or pods.get("failed"):
            why = "uncountedTerminatedPods needs to be empty for finished job"
            errs.invalid(_PATH.child("uncountedTerminatedPods"), pods, why)
        if terminating > 0:
            errs.invalid(_PATH.child("terminating"), terminating, "terminating>0 is invalid for finished job")
    if ready is not None and ready > active:
        errs.invalid(_PATH.child("ready"), ready, "cannot set more ready pods than active")


def _check_indexes(errs: Errors, spec: Object, status: Object) -> None:
    completions = spec.get("completions")
    for field in ("completedIndexes", "failedIndexes"):
        text = status.get(field)
        if text and completions is not None:
            try:
                count_indexes(text, completions)
            except ValueError as error:
                errs.invalid(_PATH.child(field), text, f"error parsing {field}: {error}")
    if status.get("completedIndexes") and spec.get("completionMode") != "Indexed":
        why = "cannot set non-empty completedIndexes when non-indexed completion mode"
        errs.invalid(_PATH.child("completedIndexes"), status["completedIndexes"], why)
    if status.get("failedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        why = "cannot set non-null failedIndexes when backoffLimitPerIndex is null"
        errs.invalid(_PATH.child("failedIndexes"), status["failedIndexes"], why)


def _check_forward(errs: Errors, spec: Object, status: Object, former: Object) -> None:
    for kind in ("Failed", "Complete", "FailureTarget"):
        if _has(former, kind) and not _has(status, kind):
            errs.invalid_here(_CONDITIONS, f"cannot disable the terminal {kind}=True condition")
    for counter in ("failed", "succeeded"):
        if status.get(counter, 0) < former.get(counter, 0):
            errs.invalid(_PATH.child(counter), status.get(counter, 0), f"cannot decrease the {counter} counter")
    end, start = status.get("completionTime"), former.get("startTime")
    if end is not None and former.get("completionTime") not in (None, end):
        errs.invalid(_PATH.child("completionTime"), end, "completionTime cannot be mutated")
    if start is not None and status.get("startTime") != start and not spec.get("suspend"):
        errs.required(_PATH.child("startTime"), "startTime cannot be removed for unsuspended job")
    if _has(former, "SuccessCriteriaMet") and not _has(status, "SuccessCriteriaMet"):
        errs.invalid_here(_CONDITIONS, "cannot disable the SuccessCriteriaMet=True condition")
