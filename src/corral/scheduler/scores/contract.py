"""What a score is: how good a node that fits would be, from 0 to 100."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot

BEST = 100.0


class Score(Struct, frozen=True):
    """One preference among nodes that fit.

    `scope` tells when it must be worked out anew: `fixed`: not while a batch of equal pods is placed; `node`: for a node when
    that node changed; `cluster`: for all nodes after each pod. `normalize` brings raw values of all candidates to 0..100; it is
    not used in scope `node`.
    """

    name: str
    weight: float
    scope: Literal["fixed", "node", "cluster"]
    applies: Callable[[Shape, Snapshot], bool]
    rate: Callable[[Shape, NodeInfo, Any], float]
    prepare: Callable[[Shape, Snapshot], Any] = lambda shape, snapshot: None
    normalize: Callable[[Sequence[float]], list[float]] = list


def highest(values: Sequence[float]) -> list[float]:
    """The largest is best."""
    most = max(values, default=0.0)
    return [BEST * value / most for value in values] if most > 0 else [0.0] * len(values)


def lowest(values: Sequence[float]) -> list[float]:
    """The smallest is best."""
    most = max(values, default=0.0)
    return [BEST - BEST * value / most for value in values] if most > 0 else [BEST] * len(values)


def spread_out(values: Sequence[float]) -> list[float]:
    """The largest is best and the smallest worth nothing."""
    least, most = min(values, default=0.0), max(values, default=0.0)
    return [BEST * (v - least) / (most - least) for v in values] if most > least else [0.0] * len(values)
