"""What becomes of the number of replicas that metrics ask for: steadied over time, kept within rates and bounds.

https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct, field

from corral.api.objects import Object

#: Without `behavior`: how long the highest recommendation counts, and how fast it may go up.
DOWN_WINDOW_S = 300.0
UP_FACTOR = 2
UP_LEAST = 4

RANGE = ("DesiredWithinRange", "the desired count is within the acceptable range")
TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
UP_LIMIT = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
DOWN_LIMIT = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
READY = ("ReadyForNewScale", "recommended size matches current size")
UP_STEADIED = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
DOWN_STEADIED = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)

Reason = tuple[str, str]


class Moment(NamedTuple):
    """A number of replicas at a time: recommended, or added or taken away."""

    at_s: float
    replicas: int


class History(Struct, frozen=True):
    """What was recommended for an autoscaler, and what it has done, as far as it matters."""

    recommendations: Sequence[Moment] = ()
    added: Sequence[Moment] = ()
    removed: Sequence[Moment] = ()

    def since(self, at_s: float) -> "History":
        """Without what is older."""
        parts = self.recommendations, self.added, self.removed
        return History(*([moment for moment in moments if moment.at_s >= at_s] for moments in parts))


class Bounds(Struct, frozen=True):
    """Between which numbers the target may be."""

    least: int
    most: int


class Settled(Struct, frozen=True):
    """The number of replicas, why it was steadied (or not), and what limited it (or not)."""

    replicas: int
    steadied: Reason = READY
    limited: Reason = field(default=RANGE)
    is_limited: bool = False


def settle(current: int, wanted: int, bounds: Bounds, behavior: Object | None, history: History, now_s: float) -> Settled:
    """The number of replicas to have now, where metrics ask for `wanted`."""
    if behavior is None:
        steady = max([wanted, *_within(history.recommendations, DOWN_WINDOW_S, now_s)])
        steadied = READY if steady == wanted else DOWN_STEADIED
        replicas, limited = _by_usual_rate(current, steady, bounds)
    else:
        steady = _steadied(current, wanted, behavior, history, now_s)
        steadied = READY if steady == wanted else UP_STEADIED if wanted >= current else DOWN_STEADIED
        replicas, limited = _by_rates(current, steady, bounds, behavior, history, now_s)
    return Settled(replicas, steadied, limited, replicas != steady)


def longest_s(behavior: Object | None) -> float:
    """How far back history matters."""
    if behavior is None:
        return DOWN_WINDOW_S
    rules = [behavior[way] for way in ("scaleUp", "scaleDown") if behavior.get(way)]
    periods = [policy["periodSeconds"] for rule in rules for policy in rule.get("policies") or ()]
    windows = [rule.get("stabilizationWindowSeconds") or 0 for rule in rules]
    return float(max([DOWN_WINDOW_S, *periods, *windows]))


def _steadied(current: int, wanted: int, behavior: Object, history: History, now_s: float) -> int:
    """The lowest recent recommendation on the way up, the highest on the way down, else what there is."""
    up_s = _window_s(behavior, "scaleUp", 0)
    down_s = _window_s(behavior, "scaleDown", DOWN_WINDOW_S)
    lowest = min([wanted, *_within(history.recommendations, up_s, now_s)])
    highest = max([wanted, *_within(history.recommendations, down_s, now_s)])
    return min(max(current, lowest), highest)


def _by_usual_rate(current: int, wanted: int, bounds: Bounds) -> tuple[int, Reason]:
    fastest = max(UP_FACTOR * current, UP_LEAST)
    most, why = (fastest, UP_LIMIT) if bounds.most > fastest else (bounds.most, TOO_MANY)
    if wanted < bounds.least:
        return bounds.least, TOO_FEW
    return (most, why) if wanted > most else (wanted, RANGE)


def _by_rates(
    current: int, wanted: int, bounds: Bounds, behavior: Object, history: History, now_s: float
) -> tuple[int, Reason]:
    if wanted > current:
        fastest = max(current, _limit(current, behavior.get("scaleUp") or {}, history, now_s, up=True))
        most, why = (fastest, UP_LIMIT) if bounds.most > fastest else (bounds.most, TOO_MANY)
        return (most, why) if wanted > most else (wanted, RANGE)
    if wanted < current:
        fastest = min(current, _limit(current, behavior.get("scaleDown") or {}, history, now_s, up=False))
        least, why = (fastest, DOWN_LIMIT) if bounds.least < fastest else (bounds.least, TOO_FEW)
        return (least, why) if wanted < least else (wanted, RANGE)
    return wanted, RANGE


def _limit(current: int, rules: Object, history: History, now_s: float, *, up: bool) -> int:
    """How far the policies let it go from `current` now, given what they have let it go in their periods."""
    select = rules.get("selectPolicy") or "Max"
    if select == "Disabled":
        return current
    limits = []
    for policy in rules.get("policies") or ():
        period_s, value = policy["periodSeconds"], policy["value"]
        began = current - sum(_within(history.added, period_s, now_s)) + sum(_within(history.removed, period_s, now_s))
        if policy["type"] == "Pods":
            limits.append(began + value if up else began - value)
        else:
            limits.append(math.ceil(began * (1 + value / 100)) if up else int(began * (1 - value / 100)))
    widest: Callable[[Iterable[int]], int] = max if up == (select != "Min") else min
    return widest(limits) if limits else current


def _window_s(behavior: Object, way: str, default_s: float) -> float:
    found = (behavior.get(way) or {}).get("stabilizationWindowSeconds")
    return default_s if found is None else float(found)


def _within(moments: Iterable[Moment], window_s: float, now_s: float) -> list[int]:
    return [moment.replicas for moment in moments if moment.at_s > now_s - window_s]
