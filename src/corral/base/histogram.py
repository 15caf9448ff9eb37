"""A histogram that costs little to fill: counts by bucket, made into Prometheus' form when somebody asks."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Histogram:
    """Counts of values by the smallest of `bounds` that is not below them, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def totals(self) -> list[int]:
        """How many values there are up to each bound, and last how many in all."""
        return list(accumulate(self.counts))

    def cumulative(self) -> list[tuple[str, float]]:
        """(bound, count of values up to it), the last for all: what Prometheus calls buckets."""
        return [(bound, float(total)) for bound, total in zip([*map(str, self.bounds), "+Inf"], self.totals(), strict=True)]
