"""Moves a Deployment from its old ReplicaSets to the new one: rolling, or all at once; and keeps its history and status.

The parts: `rollout` (which ReplicaSet gets how many replicas), `revisions` (templates, hashes, revision numbers, history),
`progress` (status and conditions). https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from corral.api.errors import ApiError
from corral.api.objects import Key, Object, controller_of, key_of
from corral.api.selectors import matches
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Informers, by_namespace
from corral.controllers import pods as podfacts
from corral.controllers import progress, revisions, rollout
from corral.controllers.actions import Action, Actor, Again, Create, Delete, Note, Update, namespace_terminating
from corral.controllers.claims import by_controller, claimants, orphans_of, plan_claims
from corral.controllers.rollout import Scale
from corral.loop.controller import Controller

DEPLOYMENTS = "deployments.apps"
REPLICA_SETS = "replicasets.apps"


class View(Struct, frozen=True):
    """What a plan sees: the ReplicaSets that are the deployment's, and who has the name that a new one would get."""

    replica_sets: Sequence[Object]
    #: Whether a pod of an old ReplicaSet still runs (asked for by strategy Recreate).
    old_pods_run: bool = False
    #: The ReplicaSet, whoever owns it, that has the name of the next one.
    namesake: Object | None = None


def plan(deployment: Object, view: View, now_s: float) -> list[Action]:
    """The next steps of a rollout: at most one new ReplicaSet or one round of scaling, and the status as it is now."""
    spec = deployment["spec"]
    if not (spec["selector"].get("matchLabels") or spec["selector"].get("matchExpressions")):
        text = "This deployment is selecting all pods. A non-empty selector is required."
        return [Note(deployment, "Warning", "SelectingAll", text)]
    new, old = revisions.split(deployment, view.replica_sets)
    if deployment["metadata"].get("deletionTimestamp"):
        return _status(deployment, progress.counts(deployment, new, old, now_s))
    seen = {**deployment, "status": progress.with_pause(deployment, deployment.get("status", {}), now_s)}
    if spec.get("paused") or rollout.was_rescaled(deployment, view.replica_sets):
        scales = rollout.rescale(deployment, new, old)
        actions = _resize(deployment, new, old, scales)
        if spec.get("paused") and not scales:
            actions += _clean(deployment, old)
        return actions + _status(deployment, progress.counts(seen, new, old, now_s))
    recreate = spec.get("strategy", {}).get("type") == "Recreate"
    if new is None and not (recreate and (view.old_pods_run or rollout.stop_old(old))):
        return _begin(deployment, seen, old, view.namesake, now_s)
    return _continue(deployment, seen, new, old, view.old_pods_run, now_s)


def _begin(deployment: Object, seen: Object, old: Sequence[Object], namesake: Object | None, now_s: float) -> list[Action]:
    """Make the ReplicaSet of a template that has none. `seen` is the deployment with the conditions planned so far."""
    if namesake is not None:
        # Ours, but not among ours yet, or somebody else's: then another hash is tried.
        return [Again(1.0)] if revisions.is_of(deployment, namesake) else _collided(deployment)
    replicas = rollout.initial_size(deployment, old)
    new = revisions.new_replica_set(deployment, old, replicas, rollout.max_size(deployment))
    actions: list[Action] = [Create(REPLICA_SETS, new, exists_ok=False)]
    if replicas > 0:
        text = f"Scaled up replica set {new['metadata']['name']} from 0 to {replicas}"
        actions.append(Note(deployment, "Normal", "ScalingReplicaSet", text))
    seen = {**seen, "status": progress.with_new(seen, new, created=True, now_s=now_s)}
    return actions + _wrap_up(deployment, seen, new, old, now_s)


def _continue(
    deployment: Object, seen: Object, new: Object | None, old: Sequence[Object], old_pods_run: bool, now_s: float
) -> list[Action]:
    """One step of the strategy; where nothing is left to do, forget old history."""
    if new is None:
        scales = rollout.stop_old(old)
    elif deployment["spec"].get("strategy", {}).get("type") == "Recreate":
        scales = rollout.stop_old(old) or ([] if old_pods_run else rollout.start_new(deployment, new))
    else:
        scales = rollout.roll(deployment, new, old)
    actions = _resize(deployment, new, old, scales)
    if not scales and progress.is_complete(deployment, deployment.get("status", {})):
        actions += _clean(deployment, old)
    if new is not None:
        new = revisions.settled(deployment, new, old)
        seen = {**seen, "status": progress.with_new(seen, new, created=False, now_s=now_s)}
    return actions + _wrap_up(deployment, seen, new, old, now_s)


def _wrap_up(deployment: Object, seen: Object, new: Object | None, old: Sequence[Object], now_s: float) -> list[Action]:
    """The revision and the status."""
    status = progress.counts(seen, new, old, now_s)
    status = progress.with_progress(seen, status, new, old, now_s)
    actions = _status(deployment, status, revisions.revision(new) if new is not None else 0)
    wait_s = progress.deadline_in_s({**deployment, "status": status}, now_s)
    return actions if wait_s is None else [*actions, Again(wait_s)]


def _resize(deployment: Object, new: Object | None, old: Sequence[Object], scales: Iterable[Scale]) -> list[Action]:
    """One update for each ReplicaSet that changes: its size, and for the new one its revision and annotations."""
    wanted = {rs["metadata"]["uid"]: rs for rs in old}
    if new is not None:
        wanted[new["metadata"]["uid"]] = revisions.settled(deployment, new, old)
    notes: list[Action] = []
    for replica_set, replicas in scales:
        uid, before = replica_set["metadata"]["uid"], rollout.size(replica_set)
        wanted[uid] = revisions.resized(deployment, wanted[uid], replicas, rollout.max_size(deployment))
        if replicas != before:
            way = "up" if replicas > before else "down"
            text = f"Scaled {way} replica set {replica_set['metadata']['name']} from {before} to {replicas}"
            notes.append(Note(deployment, "Normal", "ScalingReplicaSet", text))
    every = [*old, *([new] if new is not None else [])]
    changed = (wanted[rs["metadata"]["uid"]] for rs in every if wanted[rs["metadata"]["uid"]] != rs)
    return [*(Update(REPLICA_SETS, rs) for rs in changed), *notes]


def _clean(deployment: Object, old: Sequence[Object]) -> list[Action]:
    return [Delete(REPLICA_SETS, key_of(rs), rs["metadata"]["uid"]) for rs in revisions.beyond_history(deployment, old)]


def _collided(deployment: Object) -> list[Action]:
    """Another object has the name: count the collision, which gives the next try another hash."""
    status = deployment.get("status", {})
    counted = {**status, "collisionCount": status.get("collisionCount", 0) + 1}
    return [Update(DEPLOYMENTS, {**deployment, "status": counted}, "status")]


def _status(deployment: Object, status: Object, revision: int = 0) -> list[Action]:
    """Write the revision and the status, where they differ. One write does both: a status write may change annotations."""
    wanted = {**deployment, "status": status}
    if revision:
        annotations = {**deployment["metadata"].get("annotations", {}), revisions.REVISION_KEY: str(revision)}
        wanted["metadata"] = {**deployment["metadata"], "annotations": annotations}
    return [] if wanted == deployment else [Update(DEPLOYMENTS, wanted, "status")]


class DeploymentController:
    """Its keys are deployments."""

    def __init__(self, client: Client, informers: Informers, clock: Clock, recorder: Recorder) -> None:
        self._client = client
        self._clock = clock
        self._actor = Actor(client, recorder)
        self._recorder = recorder
        self._deployments = informers.get(DEPLOYMENTS, {"namespace": by_namespace})
        self._replica_sets = informers.get(REPLICA_SETS, {"controller": by_controller})
        self._pods = informers.get("pods", {"controller": by_controller})

    async def reconcile(self, key: Key) -> float | None:
        """One look."""
        deployment = self._deployments.get(*key)
        if deployment is None:
            return None
        replica_sets = await self._claim(deployment)
        now_s = self._clock.now()
        actions = plan(deployment, self._view(deployment, replica_sets), now_s)
        try:
            return await self._actor.act(actions)
        except ApiError as error:
            if namespace_terminating(error):
                return None
            creating = next((a.object for a in actions if isinstance(a, Create)), None)
            if creating is not None and error.code not in (404, 409):
                await self._tell_failure(deployment, creating, error)
            raise

    def keys_of_replica_set(self, replica_set: Object) -> list[Key]:
        """The deployment of a ReplicaSet, or those that might adopt it."""
        return claimants(replica_set, "Deployment", self._deployments)

    def keys_of_pod(self, pod: Object) -> list[Key]:
        """The deployment that waits for this pod to end before it makes new ones (strategy Recreate)."""
        controller = controller_of(pod)
        if controller is None or controller["kind"] != "ReplicaSet":
            return []
        replica_set = self._replica_sets.get(pod["metadata"]["namespace"], controller["name"])
        if replica_set is None:
            return []
        keys = self.keys_of_replica_set(replica_set) if controller_of(replica_set) else []
        deployments = ((key, self._deployments.get(*key)) for key in keys)
        return [key for key, d in deployments if d is not None and d["spec"].get("strategy", {}).get("type") == "Recreate"]

    async def _claim(self, deployment: Object) -> list[Object]:
        meta = deployment["metadata"]
        candidates = [
            *self._replica_sets.indexed("controller", meta["uid"]),
            *self._replica_sets.indexed("controller", orphans_of(meta["namespace"])),
        ]
        claims = plan_claims(
            deployment, REPLICA_SETS, candidates, lambda labels: matches(deployment["spec"]["selector"], labels)
        )
        if claims.adopted:
            live = await self._client.get(DEPLOYMENTS, meta["name"], meta["namespace"])
            if live["metadata"]["uid"] != meta["uid"] or live["metadata"].get("deletionTimestamp"):
                return claims.owned
        await self._actor.act(claims.actions)
        # What was just adopted has a new resourceVersion: it is planned with when the informer shows it.
        return claims.owned

    def _view(self, deployment: Object, replica_sets: Sequence[Object]) -> View:
        new, old = revisions.split(deployment, replica_sets)
        if new is not None and deployment["spec"].get("strategy", {}).get("type") != "Recreate":
            return View(replica_sets)
        pods = (pod for rs in old for pod in self._pods.indexed("controller", rs["metadata"]["uid"]))
        running = any(not podfacts.is_finished(pod) for pod in pods)
        name = revisions.next_name(deployment)
        return View(
            replica_sets, running, self._replica_sets.get(deployment["metadata"]["namespace"], name) if new is None else None
        )

    async def _tell_failure(self, deployment: Object, replica_set: Object, error: ApiError) -> None:
        text = f'Failed to create new replica set "{replica_set["metadata"]["name"]}": {error}'
        self._recorder.record(deployment, "Warning", "ReplicaSetCreateError", text)
        status = progress.with_failure(deployment, text, self._clock.now())
        if status != deployment.get("status"):
            await self._client.update(DEPLOYMENTS, {**deployment, "status": status}, subresource="status")


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller."""
    recorder = Recorder(client, "deployment-controller", clock)
    this = DeploymentController(client, informers, clock, recorder)
    controller = Controller("deployment", this.reconcile, clock=clock, companions=(recorder.run,))
    controller.watch(informers.get(DEPLOYMENTS))
    controller.watch(informers.get(REPLICA_SETS), this.keys_of_replica_set)
    controller.watch(informers.get("pods"), this.keys_of_pod)
    return controller
