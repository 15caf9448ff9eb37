"""Counts how many pods of each PodDisruptionBudget may be evicted.

https://kubernetes.io/docs/tasks/run-application/configure-pdb/
"""

from collections.abc import Callable, Sequence

from corral.api.objects import Key, Object, controller_of, key_of
from corral.api.selectors import matches
from corral.base.clock import Clock, parse_rfc3339
from corral.client.client import Client
from corral.client.informer import Informers, by_namespace
from corral.controllers import pods as podfacts
from corral.controllers.actions import Action, Actor, Again, Update
from corral.controllers.conditions import with_condition
from corral.controllers.percent import scaled
from corral.loop.controller import Controller

BUDGETS = "poddisruptionbudgets.policy"
#: An eviction that was granted but has led to nothing is forgotten after this time.
DISRUPTION_S = 120.0
_OWNERS = {
    "ReplicaSet": "replicasets.apps",
    "StatefulSet": "statefulsets.apps",
    "ReplicationController": "replicationcontrollers",
    "Deployment": "deployments.apps",
}


def plan(budget: Object, pods: Sequence[Object], expected: int, now_s: float) -> list[Action]:
    """The status of a budget. `pods`: those that it selects; `expected`: how many their controllers want."""
    spec, status = budget["spec"], budget.get("status", {})
    if spec.get("maxUnavailable") is not None:
        desired = max(0, expected - scaled(spec["maxUnavailable"], expected, up=True))
    else:
        least = spec.get("minAvailable", 1)
        desired = scaled(least, expected, up=True)
        expected = len(pods) if isinstance(least, int) else expected
    by_name = {pod["metadata"]["name"]: pod for pod in pods}
    granted = {
        name: at
        for name, at in (status.get("disruptedPods") or {}).items()
        if name in by_name
        and not by_name[name]["metadata"].get("deletionTimestamp")
        and parse_rfc3339(at) + DISRUPTION_S > now_s
    }
    healthy = sum(podfacts.is_ready(pod) and podfacts.is_active(pod) for name, pod in by_name.items() if name not in granted)
    allowed = max(0, healthy - desired) if expected > 0 else 0
    verdict = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    conditions = with_condition(status.get("conditions") or (), "DisruptionAllowed", *verdict, "", now_s)
    generation = budget["metadata"].get("generation", 0)
    new: Object = {
        "observedGeneration": generation,
        "disruptionsAllowed": allowed,
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "conditions": [{"message": "", **c, "observedGeneration": generation} for c in conditions],
    }
    if granted:
        new["disruptedPods"] = granted
    actions: list[Action] = [] if new == status else [Update(BUDGETS, {**budget, "status": new}, "status")]
    if granted:
        actions.append(Again(min(map(parse_rfc3339, granted.values())) + DISRUPTION_S - now_s))
    return actions


def expected_pods(pods: Sequence[Object], find: Callable[[str, str, str], Object | None]) -> int:
    """How many pods the controllers of these want; a pod without one counts for itself.

    `find(kind, namespace, name)` gives a controller.
    """
    scales: dict[str, int] = {}
    for pod in pods:
        owner, reference = pod, controller_of(pod)
        while reference is not None and reference["kind"] in _OWNERS:
            found = find(reference["kind"], pod["metadata"]["namespace"], reference["name"])
            if found is None:
                break
            owner, reference = found, controller_of(found)
        scales[owner["metadata"]["uid"]] = 1 if owner is pod else owner["spec"].get("replicas", 1)
    return sum(scales.values())


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller; its keys are budgets."""
    budgets, pods = informers.get(BUDGETS, {"namespace": by_namespace}), informers.get("pods", {"namespace": by_namespace})
    owners = {kind: informers.get(resource) for kind, resource in _OWNERS.items()}
    actor = Actor(client)

    async def reconcile(key: Key) -> float | None:
        budget = budgets.get(*key)
        if budget is None:
            return None
        here = pods.indexed("namespace", key.namespace)
        selected = [pod for pod in here if matches(budget["spec"].get("selector"), pod["metadata"].get("labels", {}))]
        expected = expected_pods(selected, lambda kind, namespace, name: owners[kind].get(namespace, name))
        return await actor.act(plan(budget, selected, expected, clock.now()))

    def of_pod(pod: Object) -> list[Key]:
        labels = pod["metadata"].get("labels", {})
        near = budgets.indexed("namespace", pod["metadata"]["namespace"])
        return [key_of(budget) for budget in near if matches(budget["spec"].get("selector"), labels)]

    def of_owner(owner: Object) -> list[Key]:
        return [key_of(budget) for budget in budgets.indexed("namespace", owner["metadata"]["namespace"])]

    controller = Controller("disruption-controller", reconcile, clock=clock)
    controller.watch(budgets)
    controller.watch(pods, of_pod)
    for informer in owners.values():
        controller.watch(informer, of_owner)
    return controller
