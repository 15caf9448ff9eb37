"""PodTopologySpread: pods evenly over domains (`DoNotSchedule` constraints).

https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
"""

from typing import Any

from msgspec import Struct

from corral.api.objects import Object
from corral.scheduler.filters import nodeaffinity, taints
from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot
from corral.scheduler.terms import counts

_SKEWED = Misfit(("node(s) didn't match pod topology spread constraints",), True)
_UNLABELLED = Misfit(("node(s) didn't match pod topology spread constraints (missing required label)",), False)


class Spread(Struct, frozen=True):
    """One constraint, counted: how many matching pods each domain has."""

    constraint: Object
    domains: dict[str, int]
    counts_itself: bool

    @property
    def least(self) -> int:
        """The count of the emptiest domain; 0 while there are fewer domains than `minDomains`."""
        if len(self.domains) < (self.constraint.get("minDomains") or 1):
            return 0
        return min(self.domains.values(), default=0)


def constraints(shape: Shape, when: str) -> list[Object]:
    """The shape's constraints with this `whenUnsatisfiable`."""
    return [c for c in shape.spec.get("topologySpreadConstraints") or () if c.get("whenUnsatisfiable") == when]


def count(shape: Shape, snapshot: Snapshot, chosen: list[Object]) -> list[Spread]:
    """Count matching pods by domain, over the nodes that the constraints include."""
    nodes = snapshot.nodes()
    keys = [constraint["topologyKey"] for constraint in chosen]
    spreads = []
    for constraint in chosen:
        domains: dict[str, int] = {}
        for node in nodes:
            if all(key in node.labels for key in keys) and _includes(constraint, shape, node):
                domain = node.labels[constraint["topologyKey"]]
                found = sum(number for other, number in node.shapes.items() if counts(constraint, shape, other))
                domains[domain] = domains.get(domain, 0) + found
        spreads.append(Spread(constraint, domains, counts(constraint, shape, shape)))
    return spreads


def _includes(constraint: Object, shape: Shape, node: NodeInfo) -> bool:
    if constraint.get("nodeAffinityPolicy", "Honor") == "Honor" and nodeaffinity.FILTER.check(shape, node, None):
        return False
    return constraint.get("nodeTaintsPolicy", "Ignore") == "Ignore" or not taints.FILTER.check(shape, node, None)


def _check(shape: Shape, node: NodeInfo, state: Any) -> Misfit | None:
    for spread in state:
        domain = node.labels.get(spread.constraint["topologyKey"])
        if domain is None:
            return _UNLABELLED
        skew = spread.domains.get(domain, 0) + spread.counts_itself - spread.least
        if skew > spread.constraint["maxSkew"]:
            return _SKEWED
    return None


FILTER = Filter(
    "PodTopologySpread",
    Wake.NODE | Wake.FREED | Wake.PLACED,
    lambda shape, snapshot: bool(constraints(shape, "DoNotSchedule")),
    _check,
    lambda shape, snapshot: count(shape, snapshot, constraints(shape, "DoNotSchedule")),
    local=False,
)
