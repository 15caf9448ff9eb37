"""Runs pods of a Job until enough have succeeded, or too many failed.

Every finished pod is counted exactly once: it is held by a finalizer until it is in the status (KEP-2307).
https://kubernetes.io/docs/concepts/workloads/controllers/job/
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct, field

from corral.api.objects import Key, Object, controller_of, key_of
from corral.api.selectors import matches
from corral.base.clock import Clock, parse_rfc3339, rfc3339
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Change, Informers, by_namespace
from corral.controllers import jobpolicies
from corral.controllers import pods as podfacts
from corral.controllers.actions import Action, Actor, Note, Patch, Update
from corral.controllers.claims import claimants
from corral.controllers.conditions import condition, is_true, without_condition
from corral.controllers.indexes import compact, expand
from corral.controllers.jobpolicies import INDEX_KEY, index_of, is_failed
from corral.controllers.podcontrol import PodControl
from corral.loop.controller import Controller

JOBS = "jobs.batch"
FINALIZER = "batch.kubernetes.io/job-tracking"
BURST = 500

_COMPLETE = ("CompletionsReached", "Reached expected number of succeeded pods")
_FAILURES = {
    "BackoffLimitExceeded": "Job has reached the specified backoff limit",
    "DeadlineExceeded": "Job was active longer than specified deadline",
    "MaxFailedIndexesExceeded": "Job has exceeded the specified maximal number of failed indexes",
    "FailedIndexes": "Job has failed indexes",
}
_DECIDED = ("SuccessCriteriaMet", "FailureTarget", "Complete", "Failed")


class Plan(Struct):
    """What to do. `create`: the indexes of pods to make (-1: none); `uncount`: pods to let go once the status is written.

    `replace`: by their index, the failed pods in whose place others will come.
    """

    status: Object
    uncount: list[Object] = field(default_factory=list)
    replace: dict[int, Object] = field(default_factory=dict)
    create: list[int] = field(default_factory=list)
    delete: list[Object] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    again_s: float | None = None


def plan(job: Object, pods: Sequence[Object], now_s: float) -> Plan:
    """One look at a job and the pods that it owns."""
    active = [pod for pod in pods if podfacts.is_active(pod)]
    kept = _to_replace(job, pods, active)
    status, ignored = _counted(job, pods, {pod["metadata"]["uid"] for pod in kept.values()})
    result = Plan(status, replace=kept)
    listed = status.get("uncountedTerminatedPods", {})
    seen = {*listed.get("succeeded", ()), *listed.get("failed", ()), *ignored}
    result.uncount = [pod for pod in pods if _is_held(pod) and (pod["metadata"]["uid"] in seen or is_over(job))]
    terminating = [pod for pod in pods if podfacts.is_terminating(pod)]
    if not is_over(job):
        _judge(job, pods, active, status, result, now_s)
    ending = _is_decided(status)
    if ending or job["spec"].get("suspend"):
        result.delete, active = active, []
    elif not job["metadata"].get("deletionTimestamp"):
        _resize(job, pods, active, status, result, now_s)
    waits = active or result.delete or terminating or kept or listed.get("succeeded") or listed.get("failed")
    if ending and not waits and not is_over(job):
        _finish(job, status, result, now_s)
    _set(status, "active", len(active))
    _set(status, "ready", sum(map(podfacts.is_ready, active)), keep=True)
    _set(status, "terminating", len(terminating) + len(result.delete), keep=True)
    return result


def is_over(job: Object) -> bool:
    """Whether it has completed or failed for good."""
    return is_true(job, "Complete") or is_true(job, "Failed")


def _is_decided(status: Object) -> bool:
    return any(is_true({"status": status}, type) for type in _DECIDED)


def _to_replace(job: Object, pods: Sequence[Object], active: Sequence[Object]) -> dict[int, Object]:
    """The failed pods that are kept until others have come in their place; none, unless failures are counted for each index."""
    if not jobpolicies.has_index_limits(job) or job["metadata"].get("deletionTimestamp") or _is_decided(job.get("status", {})):
        return {}
    settled = {index_of(pod) for pod in active} | _succeeded_indexes(job, pods) | jobpolicies.failed_indexes(job, pods)
    return jobpolicies.to_replace(job, filter(_is_held, pods), settled)


def pod_of(job: Object, index: int, replaced: Object | None = None) -> Object:
    """A pod to create, in the place of another of its index; `index` is -1 where the job's pods have none."""
    meta = job["metadata"]
    prefix = f"{meta['name']}-" if index < 0 else f"{meta['name']}-{index}-"
    pod = podfacts.from_template(job["spec"]["template"], podfacts.owner_reference(job), meta["namespace"], prefix)
    pod["metadata"]["finalizers"] = [*pod["metadata"].get("finalizers", ()), FINALIZER]
    if index >= 0:
        counts = jobpolicies.failure_counts(job, replaced) if jobpolicies.has_index_limits(job) else {}
        pod["metadata"]["annotations"] = {**pod["metadata"].get("annotations", {}), INDEX_KEY: str(index), **counts}
        pod["metadata"]["labels"] = {**pod["metadata"].get("labels", {}), INDEX_KEY: str(index)}
        source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX_KEY}']"}}
        variable = {"name": "JOB_COMPLETION_INDEX", "valueFrom": source}
        spec: Object = {**pod["spec"], "hostname": f"{meta['name']}-{index}"}
        for kind in ("containers", "initContainers"):
            if spec.get(kind):
                spec[kind] = [_with_variable(container, variable) for container in spec[kind]]
        pod["spec"] = spec
    return pod


def _with_variable(container: Object, variable: Object) -> Object:
    present: list[Object] = container.get("env") or []
    if any(entry["name"] == variable["name"] for entry in present):
        return container
    return {**container, "env": [*present, variable]}


def _counted(job: Object, pods: Sequence[Object], kept: set[str]) -> tuple[Object, set[str]]:
    """The status with newly finished pods listed as uncounted, and those whose finalizer is off counted.

    And the pods that need no counting: whose failures the job ignores. Those that are `kept` are counted later.
    """
    status = {**job.get("status", {})}
    held = {pod["metadata"]["uid"] for pod in pods if _is_held(pod)}
    listed = {kind: list(status.get("uncountedTerminatedPods", {}).get(kind, ())) for kind in ("succeeded", "failed")}
    indexed = job["spec"].get("completionMode") == "Indexed"
    for kind, uids in listed.items():
        counted = [uid for uid in uids if uid not in held]
        if not (indexed and kind == "succeeded"):
            _set(status, kind, status.get(kind, 0) + len(counted))
        uids[:] = [uid for uid in uids if uid in held]
    ignored = set()
    for pod in pods:
        uid = pod["metadata"]["uid"]
        if uid not in held or uid in kept or uid in listed["succeeded"] or uid in listed["failed"]:
            continue
        if pod.get("status", {}).get("phase") == "Succeeded":
            listed["succeeded"].append(uid)
        elif is_failed(job, pod):
            if jobpolicies.verdict(job, pod).counts:
                listed["failed"].append(uid)
            else:
                ignored.add(uid)
    if indexed:
        done = _succeeded_indexes(job, pods)
        _set(status, "succeeded", len(done))
        if done:
            status["completedIndexes"] = compact(done)
        if jobpolicies.has_index_limits(job):
            status["failedIndexes"] = compact(jobpolicies.failed_indexes(job, pods))
    status["uncountedTerminatedPods"] = {kind: uids for kind, uids in listed.items() if uids}
    return status, ignored


def _succeeded_indexes(job: Object, pods: Iterable[Object]) -> set[int]:
    done = expand(job.get("status", {}).get("completedIndexes", ""))
    completions = job["spec"].get("completions") or 0
    ended = (index_of(pod) for pod in pods if _is_held(pod) and pod.get("status", {}).get("phase") == "Succeeded")
    done.update(index for index in ended if 0 <= index < completions)
    return done


def _judge(job: Object, pods: Sequence[Object], active: Sequence[Object], status: Object, result: Plan, now_s: float) -> None:
    """Suspension, the start, the end."""
    spec, conditions = job["spec"], list(status.get("conditions", ()))
    suspended = condition(conditions, "Suspended")
    if spec.get("suspend"):
        if suspended is None or suspended["status"] != "True":
            status["conditions"] = _with(conditions, "Suspended", "True", ("JobSuspended", "Job suspended"), now_s)
            status.pop("startTime", None)
            result.notes.append(Note(job, "Normal", "Suspended", "Job suspended"))
        return
    if suspended is not None and suspended["status"] == "True":
        conditions = _with(conditions, "Suspended", "False", ("JobResumed", "Job resumed"), now_s)
        result.notes.append(Note(job, "Normal", "Resumed", "Job resumed"))
        status["startTime"] = rfc3339(now_s)
    status.setdefault("startTime", rfc3339(now_s))
    if condition(conditions, "SuccessCriteriaMet") is None and condition(conditions, "FailureTarget") is None:
        failure = _failure(job, pods, active, status, now_s)
        success = _success(job, active, status)
        if failure is not None:
            conditions = _with(conditions, "FailureTarget", "True", failure, now_s)
        elif success is not None:
            conditions = _with(conditions, "SuccessCriteriaMet", "True", success, now_s)
    if conditions:
        status["conditions"] = conditions
    deadline_s = spec.get("activeDeadlineSeconds")
    if deadline_s is not None:
        result.again_s = max(0.0, parse_rfc3339(status["startTime"]) + deadline_s - now_s) or None


def _failure(
    job: Object, pods: Sequence[Object], active: Sequence[Object], status: Object, now_s: float
) -> tuple[str, str] | None:
    """The reason for which the job has failed and what people are told; None where it has not."""
    fatal = jobpolicies.fatal(job, pods)
    if fatal:
        return "PodFailurePolicy", fatal
    reason = _too_many(job, active, status) or _too_late(job, status, now_s) or _failed_indexes(job, status)
    return (reason, _FAILURES[reason]) if reason else None


def _too_many(job: Object, active: Sequence[Object], status: Object) -> str:
    limit = job["spec"].get("backoffLimit", 6)
    failed = status.get("failed", 0) + len(status["uncountedTerminatedPods"].get("failed", ()))
    restarts = sum(
        container.get("restartCount", 0)
        for pod in active
        for kind in ("containerStatuses", "initContainerStatuses")
        for container in pod.get("status", {}).get(kind) or ()
    )
    restarting = job["spec"]["template"]["spec"].get("restartPolicy") == "OnFailure"
    return "BackoffLimitExceeded" if failed > limit or (restarting and restarts > 0 and restarts >= limit) else ""


def _too_late(job: Object, status: Object, now_s: float) -> str:
    deadline_s = job["spec"].get("activeDeadlineSeconds")
    late = deadline_s is not None and now_s - parse_rfc3339(status["startTime"]) >= deadline_s
    return "DeadlineExceeded" if late else ""


def _failed_indexes(job: Object, status: Object) -> str:
    failed, most = len(expand(status.get("failedIndexes") or "")), job["spec"].get("maxFailedIndexes")
    if most is not None and failed > most:
        return "MaxFailedIndexesExceeded"
    return "FailedIndexes" if failed and failed + status.get("succeeded", 0) >= job["spec"]["completions"] else ""


def _success(job: Object, active: Sequence[Object], status: Object) -> tuple[str, str] | None:
    """The reason for which the job is done and what people are told; None where it is not."""
    matched = jobpolicies.enough(job, expand(status.get("completedIndexes", "")))
    if matched:
        return "SuccessPolicy", matched
    return _COMPLETE if _is_complete(job, active, status) else None


def _succeeded(job: Object, status: Object) -> int:
    listed = status["uncountedTerminatedPods"].get("succeeded", ())
    indexed = job["spec"].get("completionMode") == "Indexed"
    return int(status.get("succeeded", 0)) + (0 if indexed else len(listed))


def _is_complete(job: Object, active: Sequence[Object], status: Object) -> bool:
    completions, succeeded = job["spec"].get("completions"), _succeeded(job, status)
    if completions is None:  # A work queue: done when one has succeeded and the others have ended.
        return succeeded > 0 and not active
    return bool(succeeded >= completions)


def _resize(job: Object, pods: Sequence[Object], active: list[Object], status: Object, result: Plan, now_s: float) -> None:
    """Make or delete pods until as many run as should."""
    spec = job["spec"]
    parallelism, completions = spec.get("parallelism", 1), spec.get("completions")
    succeeded = _succeeded(job, status)
    if completions is None:
        wanted = len(active) if succeeded else parallelism
    else:
        wanted = min(parallelism, completions - succeeded)
    ending = [pod for pod in pods if podfacts.is_terminating(pod)] if jobpolicies.waits_for_the_end(job) else []
    wanted -= len(ending)
    if len(active) > wanted:
        surplus = len(active) - max(0, wanted)
        result.delete = podfacts.deletion_order(active, {}, now_s)[:surplus]
    elif len(active) < wanted:
        wait_s = 0.0 if jobpolicies.has_index_limits(job) else _backoff_s(pods, now_s)
        if wait_s > 0:
            _again(result, wait_s)
            return
        missing = min(wanted - len(active), BURST)
        if spec.get("completionMode") == "Indexed":
            taken = {index_of(pod) for pod in (*active, *ending)} | expand(status.get("completedIndexes", ""))
            taken |= expand(status.get("failedIndexes") or "")
            result.create = _due((index for index in range(completions or 0) if index not in taken), missing, result, now_s)
        else:
            result.create = [-1] * missing


def _due(indexes: Iterable[int], most: int, result: Plan, now_s: float) -> list[int]:
    """The first of the indexes, but those whose last pod failed too short a time ago."""
    due: list[int] = []
    for index in islice(indexes, most):
        failed = result.replace.get(index)
        wait_s = 0.0 if failed is None else jobpolicies.pause_s(failed, now_s)
        if wait_s > 0:
            _again(result, wait_s)
        else:
            due.append(index)
    return due


def _again(result: Plan, wait_s: float) -> None:
    result.again_s = wait_s if result.again_s is None else min(wait_s, result.again_s)


def _backoff_s(pods: Iterable[Object], now_s: float) -> float:
    """Seconds until the next try: failures in a row since the last success make it longer."""
    ended = sorted((jobpolicies.ended_s(pod), pod["status"]["phase"] == "Failed") for pod in pods if podfacts.is_finished(pod))
    failures, last_s = 0, 0.0
    for at_s, failed in ended:
        failures = failures + 1 if failed else 0
        last_s = at_s
    return last_s + jobpolicies.backoff_s(failures) - now_s if failures else 0.0


def _finish(job: Object, status: Object, result: Plan, now_s: float) -> None:
    """All pods have ended and are counted: the last word."""
    conditions = list(status.get("conditions", ()))
    failed = condition(conditions, "FailureTarget")
    if failed is not None:
        words = failed.get("reason", ""), failed.get("message", "")
        status["conditions"] = _with(conditions, "Failed", "True", words, now_s)
        result.notes.append(Note(job, "Warning", *words))
    else:
        met = condition(conditions, "SuccessCriteriaMet") or {}
        words = met.get("reason", ""), met.get("message", "")
        status["conditions"] = _with(conditions, "Complete", "True", words, now_s)
        status["completionTime"] = rfc3339(now_s)
        result.notes.append(Note(job, "Normal", "Completed", "Job completed"))


def _with(conditions: Sequence[Object], type: str, status: str, words: tuple[str, str], now_s: float) -> list[Object]:
    now = rfc3339(now_s)
    new = {"type": type, "status": status, "lastProbeTime": now, "lastTransitionTime": now}
    return [*without_condition(conditions, type), {**new, "reason": words[0], "message": words[1]}]


def _is_held(pod: Object) -> bool:
    return FINALIZER in pod["metadata"].get("finalizers", ())


def _set(status: Object, name: str, count: int, *, keep: bool = False) -> None:
    if count or keep:
        status[name] = count
    else:
        status.pop(name, None)


class JobController:
    """Its keys are jobs."""

    def __init__(self, client: Client, informers: Informers, clock: Clock, recorder: Recorder) -> None:
        self._client = client
        self._clock = clock
        self._actor = Actor(client, recorder)
        self._jobs = informers.get(JOBS, {"namespace": by_namespace})
        self.control = PodControl(client, informers, recorder, JOBS)

    async def reconcile(self, key: Key) -> float | None:
        """One look: count, judge, make or delete pods, let go of those that are counted."""
        job = self._jobs.get(*key)
        if job is None or job["spec"].get("managedBy", "kubernetes.io/job-controller") != "kubernetes.io/job-controller":
            return None
        pods = await self.control.claim(job, lambda labels: matches(job["spec"].get("selector"), labels))
        if not self.control.caught_up(job["metadata"]["uid"]):
            return None
        todo = plan(job, pods, self._clock.now())
        if todo.status != job.get("status", {}):
            await self._actor.act([Update(JOBS, {**job, "status": todo.status}, "status"), *todo.notes])
        await self._actor.act(_release(pod) for pod in todo.uncount)
        failure = await self.control.delete(job, todo.delete)
        made = [pod_of(job, index, todo.replace.get(index)) for index in todo.create]
        failure = failure or await self.control.create(job, made)
        if failure is not None:
            raise failure.error
        return todo.again_s

    def keys_of_pod(self, pod: Object) -> list[Key]:
        """The job of a pod, or those that might adopt it."""
        return claimants(pod, "Job", self._jobs)


class Orphans:
    """Lets go of pods whose job is gone, or is not theirs any more: nobody counts them. Its keys are pods."""

    def __init__(self, client: Client, informers: Informers, clock: Clock) -> None:
        self._actor = Actor(client)
        self._jobs = informers.get(JOBS)
        self._pods = informers.get("pods", {"namespace": by_namespace})
        self.controller = Controller("job-orphans", self.reconcile, clock=clock)
        self.controller.watch(self._pods, lambda pod: [key_of(pod)] if self._is_orphan(pod) else [])
        self._jobs.listen(self._left)

    async def reconcile(self, key: Key) -> None:
        """Let go of one pod."""
        pod = self._pods.get(*key)
        if pod is not None and self._is_orphan(pod):
            await self._actor.act([_release(pod)])

    def _left(self, change: Change) -> None:
        if change.new is None:
            for pod in self._pods.indexed("namespace", change.key.namespace):
                if self._is_orphan(pod):
                    self.controller.queue.add(key_of(pod))

    def _is_orphan(self, pod: Object) -> bool:
        if not _is_held(pod):
            return False
        meta = pod["metadata"]
        owner = controller_of(pod)
        if owner is None or owner["kind"] != "Job":
            return True
        job = self._jobs.get(meta["namespace"], owner["name"])
        return job is None or job["metadata"]["uid"] != owner["uid"]


def _release(pod: Object) -> Action:
    left: Any = [f for f in pod["metadata"].get("finalizers", ()) if f != FINALIZER] or None
    guard = {"uid": pod["metadata"]["uid"], "resourceVersion": pod["metadata"]["resourceVersion"]}
    return Patch("pods", key_of(pod), {"metadata": {**guard, "finalizers": left}})


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    recorder = Recorder(client, "job-controller", clock)
    this = JobController(client, informers, clock, recorder)
    orphans = Orphans(client, informers, clock).controller
    controller = Controller("job-controller", this.reconcile, clock=clock, companions=(recorder.run, orphans.run))
    jobs = informers.get(JOBS)
    controller.watch(jobs)
    controller.watch(informers.get("pods"), this.keys_of_pod)
    jobs.listen(lambda change: this.control.forget(change.object["metadata"]["uid"]) if change.new is None else None)
    return controller
