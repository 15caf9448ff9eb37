"""Places a batch of pods on the nodes of a snapshot, most important first.

Pods of one shape are ranked together: as long as nothing that they ask for looks beyond one node, placing one changes the rank
of that node alone, so that the next needs a look at the top of a heap and not at every node.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from msgspec import Struct, field

from corral.api.objects import Key
from corral.scheduler.filters import FILTERS
from corral.scheduler.filters.contract import Filter, Misfit
from corral.scheduler.filters.volumebinding import FILTER as VOLUME_BINDING
from corral.scheduler.filters.volumebinding import choice_for
from corral.scheduler.scores import SCORES
from corral.scheduler.scores.contract import Score
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot


class Waiting(Struct, frozen=True):
    """A pod without a place. `order` breaks ties of priority: earlier first."""

    key: Key
    shape: Shape
    order: tuple[str, int]


class Refusal(Struct, frozen=True):
    """Why no node would do: the filter and its reason, by node."""

    by_node: Mapping[str, tuple[Filter, Misfit]]


class Decision(Struct, frozen=True):
    """Where a pod goes, or why nowhere (`node` is '')."""

    pod: Waiting
    node: str
    refusal: Refusal = field(default_factory=lambda: Refusal({}))


def place_all(waiting: Iterable[Waiting], snapshot: Snapshot, random: Random) -> list[Decision]:
    """A decision for each pod. Those that got a node are in the snapshot from now on; `random` breaks ties among nodes."""
    rankings: dict[Shape, Ranking] = {}
    decisions = []
    for pod in sorted(waiting, key=lambda p: (-p.shape.priority, p.order)):
        ranking = rankings.get(pod.shape)
        if ranking is None or not ranking.lasts(snapshot):
            ranking = rankings[pod.shape] = Ranking(pod.shape, snapshot, random)
        node = ranking.best()
        if node is None:
            decisions.append(Decision(pod, "", Refusal(ranking.misfits)))
        else:
            if pod.shape.claims:
                choice = choice_for(node, ranking.prepared(VOLUME_BINDING))
                snapshot.volumes.promise(pod.key, choice, node.name)
            snapshot.place(pod.key, pod.shape, node.name)
            decisions.append(Decision(pod, node.name))
    return decisions


def refusal(shape: Shape, snapshot: Snapshot) -> Refusal:
    """Why each node that does not fit does not."""
    return Refusal(Ranking(shape, snapshot, Random(0)).misfits)


class Fit:
    """The filters that matter to a shape, prepared."""

    def __init__(self, shape: Shape, snapshot: Snapshot) -> None:
        self._shape = shape
        chosen = [f for f in FILTERS if f.applies(shape, snapshot)]
        self._filters = [(f, f.prepare(shape, snapshot)) for f in chosen]
        self.local = all(f.local for f in chosen)

    def check(self, node: NodeInfo) -> tuple[Filter, Misfit] | None:
        """The first filter that objects, and why; None where the node fits."""
        for filter, state in self._filters:
            misfit = filter.check(self._shape, node, state)
            if misfit is not None:
                return filter, misfit
        return None

    def prepared(self, filter: Filter) -> Any:
        """What one of these filters has prepared."""
        return next(state for one, state in self._filters if one is filter)


class Ranking:
    """The nodes that fit a shape, best first, and why the others do not."""

    def __init__(self, shape: Shape, snapshot: Snapshot, random: Random) -> None:
        self.misfits: dict[str, tuple[Filter, Misfit]] = {}
        self._fit = Fit(shape, snapshot)
        chosen = [score for score in SCORES if score.applies(shape, snapshot)]
        self._shape = shape
        self._local = self._fit.local and all(score.scope != "cluster" for score in chosen)
        self._anti_affine = snapshot.anti_affine, snapshot.affine
        self._used = False
        nodes = [node for node in snapshot.nodes() if not self._rules_out(node)]
        self._moving = [(score, score.prepare(shape, snapshot)) for score in chosen if score.scope == "node"]
        self._fixed = _fixed(shape, nodes, snapshot, [score for score in chosen if score.scope != "node"])
        # Rank, then chance, then the node's place in the list: no two entries are equal.
        self._heap = [(-self._rate(node), random.random(), i, node, node.version) for i, node in enumerate(nodes)]
        heapq.heapify(self._heap)

    def prepared(self, filter: Filter) -> Any:
        """What a filter that matters to the shape has prepared."""
        return self._fit.prepared(filter)

    def lasts(self, snapshot: Snapshot) -> bool:
        """Whether it still holds after its last answer was followed."""
        return not self._used or (self._local and self._anti_affine == (snapshot.anti_affine, snapshot.affine))

    def best(self) -> NodeInfo | None:
        """The best node; None where none fits (any more)."""
        while self._heap:
            _, chance, i, node, version = self._heap[0]
            if version == node.version:
                self._used = True
                return node
            if self._rules_out(node):
                heapq.heappop(self._heap)
            else:
                heapq.heapreplace(self._heap, (-self._rate(node), chance, i, node, node.version))
        return None

    def _rules_out(self, node: NodeInfo) -> bool:
        found = self._fit.check(node)
        if found is not None:
            self.misfits[node.name] = found
        return found is not None

    def _rate(self, node: NodeInfo) -> float:
        total = self._fixed.get(node.name, 0.0)
        for score, state in self._moving:
            total += score.weight * score.rate(self._shape, node, state)
        return total


def _fixed(shape: Shape, nodes: Sequence[NodeInfo], snapshot: Snapshot, scores: Iterable[Score]) -> dict[str, float]:
    """The weighted sum of the scores that do not change while pods of this shape are placed."""
    totals = dict.fromkeys((node.name for node in nodes), 0.0)
    for score in scores:
        state: Any = score.prepare(shape, snapshot)
        values = score.normalize([score.rate(shape, node, state) for node in nodes])
        for node, value in zip(nodes, values, strict=True):
            totals[node.name] += score.weight * value
    return totals
