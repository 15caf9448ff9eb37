"""InterPodAffinity: near to pods, or away from them; also away from pods that want nobody like this one near.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
"""

from typing import Any

from msgspec import Struct

from corral.scheduler.filters.contract import Filter, Misfit, Wake
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot
from corral.scheduler.terms import means

_AFFINITY = Misfit(("node(s) didn't match pod affinity rules",), False)
_ANTI_AFFINITY = Misfit(("node(s) didn't match pod anti-affinity rules",), True)
_OTHERS_ANTI_AFFINITY = Misfit(("node(s) didn't satisfy existing pods anti-affinity rules",), True)

#: A label key and value: a domain such as a zone.
Domain = tuple[str, str]


class State(Struct, frozen=True):
    """Domains with pods that this one wants near, that it wants away, and that want it away."""

    near: set[Domain]
    away: set[Domain]
    forbidden: set[Domain]
    #: Whether the pod meets its own affinity: the first of a group may go anywhere.
    may_be_first: bool


def _prepare(shape: Shape, snapshot: Snapshot) -> State:
    near_terms, away_terms = shape.terms("podAffinity"), shape.terms("podAntiAffinity")
    spaces = snapshot.namespaces
    state = State(set(), set(), set(), bool(near_terms) and all(means(t, shape, shape, spaces) for t in near_terms))
    wants_near: dict[Shape, bool] = {}
    for node in snapshot.nodes():
        for other in node.shapes:
            if near_terms:
                if other not in wants_near:
                    wants_near[other] = all(means(term, shape, other, spaces) for term in near_terms)
                if wants_near[other]:
                    state.near.update(_domains(near_terms, node))
            state.away.update(_domains([t for t in away_terms if means(t, shape, other, spaces)], node))
            refusing = [term for term in other.terms("podAntiAffinity") if means(term, other, shape, spaces)]
            state.forbidden.update(_domains(refusing, node))
    return state


def _domains(terms: list[dict[str, Any]], node: NodeInfo) -> list[Domain]:
    return [(t["topologyKey"], node.labels[t["topologyKey"]]) for t in terms if t["topologyKey"] in node.labels]


def _check(shape: Shape, node: NodeInfo, state: Any) -> Misfit | None:
    near_terms = shape.terms("podAffinity")
    if near_terms:
        domains = _domains(near_terms, node)
        met = len(domains) == len(near_terms) and all(domain in state.near for domain in domains)
        first = not state.near and state.may_be_first and len(domains) == len(near_terms)
        if not met and not first:
            return _AFFINITY
    if any(domain in state.away for domain in _domains(shape.terms("podAntiAffinity"), node)):
        return _ANTI_AFFINITY
    if any(node.labels.get(key) == value for key, value in state.forbidden):
        return _OTHERS_ANTI_AFFINITY
    return None


def _applies(shape: Shape, snapshot: Snapshot) -> bool:
    return bool(shape.terms("podAffinity") or shape.terms("podAntiAffinity") or snapshot.anti_affine)


FILTER = Filter("InterPodAffinity", Wake.NODE | Wake.FREED | Wake.PLACED, _applies, _check, _prepare, local=False)
