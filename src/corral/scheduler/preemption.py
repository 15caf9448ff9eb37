"""Preemption: which less important pods have to go so that a more important one gets a node.

https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from corral.api.objects import Key, Object
from corral.api.selectors import matches
from corral.scheduler import explain
from corral.scheduler.placement import Fit, Refusal, Waiting
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot

#: At most so many nodes are tried: a good enough choice soon is better than the best one late.
CANDIDATES = 100


class Sacrifice(Struct, frozen=True):
    """The pods that have to leave `node`. `violations`: how many of them a disruption budget would keep."""

    node: str
    victims: Mapping[Key, Shape]
    violations: int

    @property
    def cost(self) -> tuple[int, int, int, int, str]:
        """The smallest is best: budgets kept, the most important victim, their importance together, their number."""
        priorities = [shape.priority for shape in self.victims.values()]
        # Priorities may be negative: each pod more must still cost more.
        total = sum(priority + 2**31 for priority in priorities)
        return self.violations, max(priorities), total, len(priorities), self.node


class Outcome(Struct, frozen=True):
    """A sacrifice; or, where there is none, what came of looking for one, for people."""

    sacrifice: Sacrifice | None
    text: str = ""


class Budgets(Struct):
    """The disruption budgets of a cluster, by namespace."""

    budgets: Sequence[Object] = field(default_factory=list)

    def exceeded_by(self, shapes: Sequence[Shape]) -> list[bool]:
        """For each pod in turn, whether its going would be one too many for a budget."""
        left = [budget.get("status", {}).get("disruptionsAllowed", 0) for budget in self.budgets]
        exceeded = []
        for shape in shapes:
            over = False
            for i, budget in enumerate(self.budgets):
                here = budget["metadata"]["namespace"] == shape.namespace
                if here and matches(budget["spec"].get("selector"), shape.labels):
                    left[i] -= 1
                    over = over or left[i] < 0
            exceeded.append(over)
        return exceeded


def preempt(pod: Waiting, snapshot: Snapshot, refusal: Refusal, budgets: Budgets) -> Outcome:
    """Look for the least sacrifice that makes room. The snapshot is as before when this returns."""
    if pod.shape.spec.get("preemptionPolicy") == "Never":
        return Outcome(None, explain.NEVER)
    found: list[Sacrifice] = []
    reasons: dict[str, str] = {}
    for name, (_, misfit) in refusal.by_node.items():
        node = snapshot.node(name)
        if not misfit.resolvable or node is None or len(found) >= CANDIDATES:
            continue
        outcome = _sacrifice_on(node, pod, snapshot, budgets)
        if isinstance(outcome, Sacrifice):
            found.append(outcome)
        else:
            reasons[name] = outcome
    if found:
        return Outcome(min(found, key=lambda sacrifice: sacrifice.cost))
    return Outcome(None, explain.without_victims(refusal, reasons))


def _sacrifice_on(node: NodeInfo, pod: Waiting, snapshot: Snapshot, budgets: Budgets) -> Sacrifice | str:
    """The pods of one node that have to go; a text where that would not help."""
    lesser = {key: shape for key, shape in node.pods.items() if shape.priority < pod.shape.priority and key != pod.key}
    if not lesser:
        return explain.NO_VICTIMS
    before = dict(node.pods)
    order = list(before)
    for key in lesser:
        snapshot.displace(key)
    try:
        found = Fit(pod.shape, snapshot).check(node)
        if found is not None:
            return ", ".join(found[1].texts)
        # The most important are spared first; of equals, those whose budget is exhausted, then those that are there longest.
        ranked = sorted(lesser, key=lambda key: (-lesser[key].priority, order.index(key)))
        over = dict(zip(ranked, budgets.exceeded_by([lesser[key] for key in ranked]), strict=True))
        victims = {}
        for key in sorted(ranked, key=lambda key: not over[key]):
            snapshot.place(key, lesser[key], node.name)
            if Fit(pod.shape, snapshot).check(node) is not None:
                snapshot.displace(key)
                victims[key] = lesser[key]
        return Sacrifice(node.name, victims, sum(over[key] for key in victims))
    finally:
        for key in before:  # Also those that stayed: their order tells their age.
            snapshot.displace(key)
        for key, shape in before.items():
            snapshot.place(key, shape, node.name)
