"""A Job's status: what a controller may write (KEP-4368).

A rule counts where the write changes something that it speaks of: a status that was wrong before, or that a change of the spec
made wrong, can still be written to.
"""

from corral.api.fields import Errors, Path
from corral.api.kinds.jobpolicy import count_indexes, first_overlap
from corral.api.kinds.workload import check_not_negative
from corral.api.objects import Object
from corral.base.clock import parse_rfc3339

_PATH = Path("status")
_CONDITIONS = _PATH.child("conditions")
_KINDS = ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet")
_FIELDS = ("active", "ready", "terminating", "startTime", "completionTime", "completedIndexes", "uncountedTerminatedPods")


def check_status(errs: Errors, new: Object, old: Object) -> None:
    """The status of `new`, on its own and against the one before."""
    status, former = new.get("status") or {}, old.get("status") or {}
    check_not_negative(errs, status, _PATH, "active", "succeeded", "failed", "ready", "terminating")
    _check_uncounted(errs, status.get("uncountedTerminatedPods") or {})
    changed = _changes(status, former)
    _check_complete(errs, status, changed)
    _check_times(errs, status, changed)
    _check_terminal(errs, status, changed)
    _check_finished(errs, new["spec"], status, changed)
    _check_indexes(errs, new["spec"], status, changed)
    _check_running(errs, status, changed)
    _check_success(errs, new["spec"], status)
    _check_forward(errs, new["spec"], status, former)


def _changes(status: Object, former: Object) -> set[str]:
    """What differs: conditions that are true now or were before, `Finished`, and fields."""
    changed = {kind for kind in _KINDS if _has(status, kind) != _has(former, kind)}
    if _is_finished(status) != _is_finished(former):
        changed.add("Finished")
    changed.update(field for field in _FIELDS if (status.get(field) or None) != (former.get(field) or None))
    if status.get("failedIndexes") != former.get("failedIndexes"):
        changed.add("failedIndexes")
    return changed


def _is_finished(status: Object) -> bool:
    return _has(status, "Complete") or _has(status, "Failed")


def _has(status: Object, kind: str, value: str = "True") -> bool:
    return any(c.get("type") == kind and c.get("status") == value for c in status.get("conditions") or ())


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


def _check_complete(errs: Errors, status: Object, changed: set[str]) -> None:
    if _has(status, "Complete"):
        if _has(status, "Failed") and changed & {"Complete", "Failed"}:
            errs.invalid_here(_CONDITIONS, "cannot set Complete=True and Failed=true conditions")
        if _has(status, "FailureTarget") and changed & {"Complete", "FailureTarget"}:
            errs.invalid_here(_CONDITIONS, "cannot set Complete=True and FailureTarget=true conditions")


def _check_times(errs: Errors, status: Object, changed: set[str]) -> None:
    start, end, complete = status.get("startTime"), status.get("completionTime"), _has(status, "Complete")
    at = _PATH.child("completionTime")
    if changed & {"Complete", "completionTime"}:
        if end is not None and not complete:
            errs.invalid(at, end, "cannot set completionTime when there is no Complete=True condition")
        if end is None and complete:
            errs.required(at, "completionTime is required for Complete jobs")
    moved = changed & {"startTime", "completionTime"}
    if moved and start is not None and end is not None and parse_rfc3339(end) < parse_rfc3339(start):
        errs.invalid(at, end, "completionTime cannot be set before startTime")


def _check_terminal(errs: Errors, status: Object, changed: set[str]) -> None:
    if changed & {"Failed", "failedIndexes"} and _has(status, "Failed") and not _has(status, "FailureTarget"):
        errs.invalid_here(_CONDITIONS, "cannot set Failed=True condition without the FailureTarget=true condition")
    if changed & {"Complete", "SuccessCriteriaMet"} and _has(status, "Complete") and not _has(status, "SuccessCriteriaMet"):
        errs.invalid_here(_CONDITIONS, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition")


def _check_finished(errs: Errors, spec: Object, status: Object, changed: set[str]) -> None:
    if not _is_finished(status):
        return
    active = status.get("active", 0)
    if changed & {"Finished", "active"} and active > 0:
        errs.invalid(_PATH.child("active"), active, "active>0 is invalid for finished job")
    nothing_to_do = spec.get("suspend") and spec.get("completions") == 0
    if changed & {"Finished", "startTime"} and status.get("startTime") is None and not nothing_to_do:
        errs.required(_PATH.child("startTime"), "startTime is required for finished job")
    pods = status.get("uncountedTerminatedPods") or {}
    if changed & {"Finished", "uncountedTerminatedPods"} and (pods.get("succeeded") or pods.get("failed")):
        why = "uncountedTerminatedPods needs to be empty for finished job"
        errs.invalid(_PATH.child("uncountedTerminatedPods"), pods, why)


def _check_indexes(errs: Errors, spec: Object, status: Object, changed: set[str]) -> None:
    completions, limited = spec.get("completions"), spec.get("backoffLimitPerIndex") is not None
    completed, failed = status.get("completedIndexes", ""), status.get("failedIndexes")
    at = _PATH.child("failedIndexes")
    if completions is not None:
        if "completedIndexes" in changed:
            _check_format(errs, "completedIndexes", completed, completions)
        if "failedIndexes" in changed and failed is not None and limited:
            _check_format(errs, "failedIndexes", failed, completions)
    if "completedIndexes" in changed and completed and spec.get("completionMode") != "Indexed":
        why = "cannot set non-empty completedIndexes when non-indexed completion mode"
        errs.invalid(_PATH.child("completedIndexes"), completed, why)
    if "failedIndexes" in changed and failed is not None and not limited:
        errs.invalid(at, failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null")
    if changed & {"completedIndexes", "failedIndexes"} and failed and completions is not None:
        both = first_overlap(completed, failed, completions)
        if both is not None:
            errs.invalid(at, failed, f"failedIndexes and completedIndexes overlap at index: {both}")


def _check_format(errs: Errors, field: str, text: str, completions: int) -> None:
    try:
        count_indexes(text, completions)
    except ValueError as error:
        errs.invalid(_PATH.child(field), text, f"error parsing {field}: {error}")


def _check_running(errs: Errors, status: Object, changed: set[str]) -> None:
    active, ready, terminating = status.get("active", 0), status.get("ready"), status.get("terminating") or 0
    if changed & {"Finished", "terminating"} and terminating > 0 and _is_finished(status):
        errs.invalid(_PATH.child("terminating"), terminating, "terminating>0 is invalid for finished job")
    if changed & {"ready", "active"} and ready is not None and ready > active:
        errs.invalid(_PATH.child("ready"), ready, "cannot set more ready pods than active")


def _check_success(errs: Errors, spec: Object, status: Object) -> None:
    met = _has(status, "SuccessCriteriaMet")
    if met and _has(status, "Failed"):
        errs.invalid_here(_CONDITIONS, "cannot set SuccessCriteriaMet=True and Failed=true conditions")
    if met and _has(status, "FailureTarget"):
        errs.invalid_here(_CONDITIONS, "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions")
    if spec.get("successPolicy") is not None and not met and _has(status, "Complete"):
        why = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True"
        errs.invalid_here(_CONDITIONS, why)


def _check_forward(errs: Errors, spec: Object, status: Object, former: Object) -> None:
    for kind in ("Failed", "Complete", "FailureTarget"):
        if _has(former, kind) and not _has(status, kind):
            errs.invalid_here(_CONDITIONS, f"cannot disable the terminal {kind}=True condition")
    # An indexed job that can be made smaller may lose successes with its indexes.
    elastic = spec.get("completionMode") == "Indexed" and spec.get("completions") == spec.get("parallelism")
    for counter in ("failed",) if elastic else ("failed", "succeeded"):
        if status.get(counter, 0) < former.get(counter, 0):
            errs.invalid(_PATH.child(counter), status.get(counter, 0), f"cannot decrease the {counter} counter")
    end, start = status.get("completionTime"), former.get("startTime")
    if end is not None and former.get("completionTime") not in (None, end):
        errs.invalid(_PATH.child("completionTime"), end, "completionTime cannot be mutated")
    resumed = _has(former, "Suspended") and _has(status, "Suspended", "False")
    if start is not None and status.get("startTime") != start and not spec.get("suspend") and not resumed:
        errs.required(_PATH.child("startTime"), "startTime cannot be removed for unsuspended job")
    met = _has(status, "SuccessCriteriaMet")
    if _has(former, "SuccessCriteriaMet"):
        if not met:
            errs.invalid_here(_CONDITIONS, "cannot disable the SuccessCriteriaMet=True condition")
    elif met and _has(former, "Complete"):
        why = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions"
        errs.invalid_here(_CONDITIONS, why)
