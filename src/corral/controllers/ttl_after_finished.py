"""Deletes Jobs some time after they have finished, where they ask for it.

https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/
"""

from corral.api.objects import Key, Object, key_of
from corral.base.clock import Clock, parse_rfc3339
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Again, Delete
from corral.controllers.job import JOBS
from corral.loop.controller import Controller


def plan(job: Object, now_s: float) -> list[Action]:
    """Delete the job when its time is over."""
    ttl_s = job["spec"].get("ttlSecondsAfterFinished")
    ended = [
        c["lastTransitionTime"]
        for c in job.get("status", {}).get("conditions") or ()
        if c["type"] in ("Complete", "Failed") and c["status"] == "True"
    ]
    if ttl_s is None or not ended or job["metadata"].get("deletionTimestamp"):
        return []
    left_s = parse_rfc3339(ended[0]) + ttl_s - now_s
    if left_s > 0:
        return [Again(left_s)]
    return [Delete(JOBS, key_of(job), job["metadata"]["uid"], "Foreground")]


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller; its keys are jobs."""
    jobs, actor = informers.get(JOBS), Actor(client)

    async def reconcile(key: Key) -> float | None:
        job = jobs.get(*key)
        return await actor.act(plan(job, clock.now())) if job is not None else None

    controller = Controller("ttl-after-finished-controller", reconcile, clock=clock)
    controller.watch(jobs)
    return controller
