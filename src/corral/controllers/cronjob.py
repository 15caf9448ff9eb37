"""Makes a Job each time that a CronJob's schedule says so, and keeps as many finished ones as it should.

https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from corral.api.cronschedule import Schedule, ScheduleError, parse
from corral.api.objects import Key, Object, controller_of, key_of
from corral.base.clock import Clock, parse_rfc3339, rfc3339
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Again, Create, Delete, Note, Update
from corral.controllers.claims import by_controller
from corral.controllers.conditions import is_true
from corral.controllers.job import JOBS, is_over
from corral.controllers.pods import owner_reference
from corral.loop.controller import Controller

CRON_JOBS = "cronjobs.batch"
SCHEDULED_KEY = "batch.kubernetes.io/cronjob-scheduled-timestamp"
#: An hour, a day, a month, a year, ten years.
_WINDOWS_S = (3600.0, 86400.0, 31 * 86400.0, 366 * 86400.0, 3660 * 86400.0)


def plan(cron: Object, jobs: Sequence[Object], now_s: float) -> list[Action]:
    """One look at a CronJob and the jobs that it owns."""
    actions: list[Action] = _cleanup(cron, jobs)
    running = [job for job in jobs if not is_over(job)]
    status = {**cron.get("status", {})}
    ended = [
        job["status"]["completionTime"] for job in jobs if is_true(job, "Complete") and job["status"].get("completionTime")
    ]
    if ended and max(ended) > status.get("lastSuccessfulTime", ""):
        status["lastSuccessfulTime"] = max(ended)
    try:
        schedule, zone = parse(cron["spec"]["schedule"]), ZoneInfo(cron["spec"].get("timeZone") or "UTC")
    except (ScheduleError, KeyError, ValueError, OSError) as error:
        return [*actions, Note(cron, "Warning", "UnparseableSchedule", f"unparseable schedule: {error}")]
    due_s = None
    if not cron["metadata"].get("deletionTimestamp") and not cron["spec"].get("suspend"):
        due_s, next_s = _times(cron, schedule, zone, now_s)
        if next_s is not None:
            actions.append(Again(next_s - now_s))
    if due_s is not None:
        actions += _start(cron, running, due_s, now_s, status)
    active = sorted((_reference(job) for job in running), key=lambda r: str(r["name"]))
    started = [a.object for a in actions if isinstance(a, Create)]
    if started:
        replaced = cron["spec"].get("concurrencyPolicy") == "Replace"
        active = [] if replaced else active
    status.pop("active", None)
    if active:
        status["active"] = active
    if status != cron.get("status", {}):
        actions.append(Update(CRON_JOBS, {**cron, "status": status}, "status"))
    return actions


def _times(cron: Object, schedule: Schedule, zone: ZoneInfo, now_s: float) -> tuple[float | None, float | None]:
    """The last time that is due and not yet served, and the next to come."""
    since = cron.get("status", {}).get("lastScheduleTime") or cron["metadata"]["creationTimestamp"]
    since_s = parse_rfc3339(since)
    deadline_s = cron["spec"].get("startingDeadlineSeconds")
    if deadline_s is not None and schedule.interval is None:
        since_s = max(since_s, now_s - deadline_s)
    if schedule.interval is not None:
        every_s = schedule.interval.total_seconds()
        missed = int((now_s - since_s) // every_s)
        return since_s + missed * every_s if missed > 0 else None, since_s + (missed + 1) * every_s
    upcoming = schedule.next(datetime.fromtimestamp(now_s, zone))
    return _last(schedule, zone, since_s, now_s), None if upcoming is None else upcoming.timestamp()


def _last(schedule: Schedule, zone: ZoneInfo, since_s: float, now_s: float) -> float | None:
    """The last time after `since_s` and not after `now_s`. Looks back by growing windows: few steps, however long the pause."""
    for window_s in _WINDOWS_S:
        start_s = max(since_s, now_s - window_s)
        last_s = None
        at = schedule.next(datetime.fromtimestamp(start_s, zone))
        while at is not None and at.timestamp() <= now_s:
            last_s = at.timestamp()
            at = schedule.next(at)
        if last_s is not None or start_s == since_s:
            return last_s
    return None


def _start(cron: Object, running: Sequence[Object], due_s: float, now_s: float, status: Object) -> list[Action]:
    policy = cron["spec"].get("concurrencyPolicy", "Allow")
    if policy == "Forbid" and running:
        text = "Not starting job because prior execution is running and concurrency policy is Forbid"
        return [Note(cron, "Normal", "JobAlreadyActive", text)]
    actions: list[Action] = []
    if policy == "Replace":
        for job in running:
            actions.append(Delete(JOBS, key_of(job), job["metadata"]["uid"], "Background"))
            actions.append(Note(cron, "Normal", "SuccessfulDelete", f"Deleted job {job['metadata']['name']}"))
    meta, template = cron["metadata"], cron["spec"]["jobTemplate"]
    name = f"{meta['name']}-{int(due_s) // 60}"
    scheduled = datetime.fromtimestamp(due_s, ZoneInfo(cron["spec"].get("timeZone") or "UTC"))
    annotations = {**template.get("metadata", {}).get("annotations", {}), SCHEDULED_KEY: _rfc3339(scheduled)}
    metadata: Object = {"name": name, "namespace": meta["namespace"], "annotations": annotations}
    if template.get("metadata", {}).get("labels"):
        metadata["labels"] = template["metadata"]["labels"]
    metadata["ownerReferences"] = [owner_reference(cron)]
    job = {"kind": "Job", "apiVersion": "batch/v1", "metadata": metadata, "spec": template["spec"]}
    status["lastScheduleTime"] = rfc3339(due_s)
    return [*actions, Create(JOBS, job), Note(cron, "Normal", "SuccessfulCreate", f"Created job {name}")]


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.utcoffset() == UTC.utcoffset(None) else moment.isoformat()


def _cleanup(cron: Object, jobs: Sequence[Object]) -> list[Action]:
    """Delete the oldest finished jobs beyond the limits."""
    actions: list[Action] = []
    for type, field in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
        limit = cron["spec"].get(field)
        finished = sorted(
            (job for job in jobs if is_true(job, type)), key=lambda job: str(job.get("status", {}).get("startTime", ""))
        )
        for job in finished[: max(0, len(finished) - limit)] if limit is not None else ():
            actions.append(Delete(JOBS, key_of(job), job["metadata"]["uid"], "Background"))
            actions.append(Note(cron, "Normal", "SuccessfulDelete", f"Deleted job {job['metadata']['name']}"))
    return actions


def _reference(job: Object) -> Object:
    meta = job["metadata"]
    return {
        "kind": "Job",
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
        "apiVersion": "batch/v1",
        "resourceVersion": meta["resourceVersion"],
    }


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller; its keys are CronJobs."""
    crons, jobs = informers.get(CRON_JOBS), informers.get(JOBS, {"controller": by_controller})
    recorder = Recorder(client, "cronjob-controller", clock)
    actor = Actor(client, recorder)

    async def reconcile(key: Key) -> float | None:
        cron = crons.get(*key)
        if cron is None:
            return None
        return await actor.act(plan(cron, jobs.indexed("controller", cron["metadata"]["uid"]), clock.now()))

    def of_job(job: Object) -> list[Key]:
        controller = controller_of(job)
        mine = controller is not None and controller["kind"] == "CronJob"
        return [Key(job["metadata"]["namespace"], controller["name"])] if controller is not None and mine else []

    controller = Controller("cronjob-controller", reconcile, clock=clock, companions=(recorder.run,))
    controller.watch(crons)
    controller.watch(jobs, of_job)
    return controller
