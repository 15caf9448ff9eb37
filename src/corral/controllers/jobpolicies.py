"""What a Job makes of its pods' ends: which failures count, when an index has failed, which successes are enough. Pure.

Pod failure policies are KEP-3329, limits of each index KEP-3850, success policies KEP-3998.
https://kubernetes.io/docs/concepts/workloads/controllers/job/#handling-pod-and-container-failures
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from corral.api.objects import Object
from corral.base.clock import parse_rfc3339
from corral.controllers import pods as podfacts
from corral.controllers.indexes import expand

INDEX_KEY = "batch.kubernetes.io/job-completion-index"
#: How often a pod of this index has failed before, and how often without that being counted.
FAILURES_KEY = "batch.kubernetes.io/job-index-failure-count"
IGNORED_KEY = "batch.kubernetes.io/job-index-ignored-failure-count"
FIRST_BACKOFF_S = 10.0
MAX_BACKOFF_S = 600.0


class Verdict(NamedTuple):
    """What the failure policy says of a failed pod. `message` tells why where the action is FailJob."""

    action: str = ""
    message: str = ""

    @property
    def counts(self) -> bool:
        """Whether the failure counts towards the limits."""
        return self.action != "Ignore"


def is_failed(job: Object, pod: Object) -> bool:
    """Whether a pod counts as one that failed: deleted ones do, unless the job waits for their end."""
    phase = pod.get("status", {}).get("phase")
    if phase == "Failed":
        return True
    return podfacts.is_terminating(pod) and not waits_for_the_end(job)


def waits_for_the_end(job: Object) -> bool:
    """Whether a pod is replaced only once it has failed, not already while it is being deleted."""
    return job["spec"].get("podReplacementPolicy") == "Failed" or job["spec"].get("podFailurePolicy") is not None


def verdict(job: Object, pod: Object) -> Verdict:
    """What the first rule says that a failed pod matches."""
    meta = pod["metadata"]
    name = f"{meta['namespace']}/{meta['name']}"
    for i, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or ()):
        ending = f"matching {rule['action']} rule at index {i}"
        if rule.get("onExitCodes") is not None:
            container = _exited(pod, rule["onExitCodes"])
            if container is not None:
                code = container["state"]["terminated"]["exitCode"]
                return Verdict(
                    rule["action"], f"Container {container['name']} for pod {name} failed with exit code {code} {ending}"
                )
        else:
            condition = _in_condition(pod, rule.get("onPodConditions") or ())
            if condition:
                return Verdict(rule["action"], f"Pod {name} has condition {condition} {ending}")
    return Verdict()


def _exited(pod: Object, wanted: Object) -> Object | None:
    """The status of a container that ended as a rule on exit codes wants it."""
    status = pod.get("status", {})
    for container in (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())):
        ended = (container.get("state") or {}).get("terminated")
        if not ended or not ended.get("exitCode") or wanted.get("containerName") not in (None, container["name"]):
            continue
        if (ended["exitCode"] in wanted["values"]) is (wanted["operator"] == "In"):
            return dict(container)
    return None


def _in_condition(pod: Object, patterns: Sequence[Object]) -> str:
    wanted = {(pattern["type"], pattern.get("status", "True")) for pattern in patterns}
    conditions = pod.get("status", {}).get("conditions") or ()
    return next((c["type"] for c in conditions if (c["type"], c["status"]) in wanted), "")


def fatal(job: Object, pods: Iterable[Object]) -> str:
    """Why the failure policy ends the job at once; '' where it does not."""
    if job["spec"].get("podFailurePolicy") is None:
        return ""
    verdicts = (verdict(job, pod) for pod in pods if is_failed(job, pod))
    return next((found.message for found in verdicts if found.action == "FailJob"), "")


# Indexes


def index_of(pod: Object) -> int:
    """The completion index of a pod; -1 where it has none."""
    text = pod["metadata"].get("annotations", {}).get(INDEX_KEY, "")
    return int(text) if text.isdecimal() else -1


def has_index_limits(job: Object) -> bool:
    """Whether failures are counted for each index."""
    return job["spec"].get("backoffLimitPerIndex") is not None


def failed_indexes(job: Object, pods: Iterable[Object]) -> set[int]:
    """The indexes that are given up."""
    found = expand(job.get("status", {}).get("failedIndexes") or "")
    if has_index_limits(job):
        found.update(index_of(pod) for pod in pods if _has_index(job, pod) and _gives_up(job, pod))
    return found


def _gives_up(job: Object, pod: Object) -> bool:
    if not is_failed(job, pod):
        return False
    found = verdict(job, pod)
    limit: int = job["spec"]["backoffLimitPerIndex"]
    return found.action == "FailIndex" or (found.counts and _number(pod, FAILURES_KEY) >= limit)


def to_replace(job: Object, pods: Iterable[Object], settled: set[int]) -> dict[int, Object]:
    """The last failed pod of each index that is to be tried again: it is kept until it is, for how often it had failed.

    `settled`: the indexes that have succeeded or failed, or of which a pod runs.
    """
    found: dict[int, Object] = {}
    for pod in pods:
        index = index_of(pod)
        if index in settled or not _has_index(job, pod) or not is_failed(job, pod):
            continue
        if index not in found or _age(found[index]) <= _age(pod):
            found[index] = pod
    return found


def pause_s(pod: Object, now_s: float) -> float:
    """Seconds until the next try of the index whose last failed pod this is; not positive where it is due."""
    failures = _number(pod, FAILURES_KEY) + _number(pod, IGNORED_KEY) + 1
    return ended_s(pod) + backoff_s(failures) - now_s


def backoff_s(failures: int) -> float:
    """The pause after so many failures."""
    return float(min(FIRST_BACKOFF_S * 2.0 ** (failures - 1), MAX_BACKOFF_S))


def failure_counts(job: Object, replaced: Object | None) -> dict[str, str]:
    """The annotations of a pod that comes in the place of another (None: of none) of its index."""
    if replaced is None:
        return {FAILURES_KEY: "0"}
    counted = verdict(job, replaced).counts
    failures = _number(replaced, FAILURES_KEY) + counted
    ignored = _number(replaced, IGNORED_KEY) + (not counted)
    return {FAILURES_KEY: str(failures), **({IGNORED_KEY: str(ignored)} if ignored else {})}


def ended_s(pod: Object) -> float:
    """When the last container of a pod ended; when it was made, where none says so."""
    times = [
        container["state"]["terminated"]["finishedAt"]
        for container in pod.get("status", {}).get("containerStatuses") or ()
        if container.get("state", {}).get("terminated", {}).get("finishedAt")
    ]
    return parse_rfc3339(max(times, default=pod["metadata"]["creationTimestamp"]))


def _age(pod: Object) -> tuple[int, float]:
    return _number(pod, FAILURES_KEY) + _number(pod, IGNORED_KEY), ended_s(pod)


def _has_index(job: Object, pod: Object) -> bool:
    return 0 <= index_of(pod) < (job["spec"].get("completions") or 0)


def _number(pod: Object, annotation: str) -> int:
    annotations: Mapping[str, str] = pod["metadata"].get("annotations") or {}
    text = annotations.get(annotation, "")
    return int(text) if text.isdecimal() else 0


# Success


def enough(job: Object, done: set[int]) -> str:
    """Why the success policy takes the job for done with these indexes; '' where it does not."""
    for i, rule in enumerate((job["spec"].get("successPolicy") or {}).get("rules") or ()):
        count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
        wanted = None if indexes is None else expand(indexes)
        having = done if wanted is None else done & wanted
        if len(having) >= (count if count is not None else len(wanted or ())):
            return f"Matched rules at index {i}"
    return ""
