"""What priority and fairness counts, under the reference's names.

https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#metrics
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from corral.base.histogram import Histogram

if TYPE_CHECKING:
    from prometheus_client import Metric

    from corral.server.flowcontrol.level import Level

WAIT_BUCKETS_S = (0.0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0)


class Counts:
    """Plain numbers; Prometheus' objects are made when somebody asks."""

    def __init__(self) -> None:
        self._dispatched: dict[tuple[str, str], list[int]] = {}
        self._rejected: dict[tuple[str, str, str], int] = {}
        self._waits: dict[tuple[str, str, bool], Histogram] = {}

    def dispatched(self, level: str, schema: str) -> list[int]:
        """How many requests of a schema were admitted: to be counted up."""
        return self._dispatched.setdefault((level, schema), [0])

    def rejected(self, level: str, schema: str, reason: str) -> None:
        """A request was turned away: queue-full, concurrency-limit, time-out."""
        key = level, schema, reason
        self._rejected[key] = self._rejected.get(key, 0) + 1

    def waited(self, level: str, schema: str, wait_s: float, *, executed: bool) -> None:
        """A request waited so long, and was then `executed` or not."""
        self._waits.setdefault((level, schema, executed), Histogram(WAIT_BUCKETS_S)).observe(wait_s)

    def collect(self, levels: Mapping[str, "Level"]) -> Iterable["Metric"]:
        """The families."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        start = "apiserver_flowcontrol_"
        both = ["priority_level", "flow_schema"]
        dispatched = CounterMetricFamily(f"{start}dispatched_requests", "Requests that were admitted.", labels=both)
        for key, admitted in self._dispatched.items():
            dispatched.add_metric(list(key), admitted[0])
        rejected = CounterMetricFamily(f"{start}rejected_requests", "Requests turned away.", labels=[*both, "reason"])
        for labels, count in self._rejected.items():
            rejected.add_metric(list(labels), count)
        waits = HistogramMetricFamily(f"{start}request_wait_duration_seconds", "Time in the queues.", labels=[*both, "execute"])
        for (level_name, schema, executed), wait in self._waits.items():
            waits.add_metric([level_name, schema, str(executed).lower()], wait.cumulative(), wait.sum)
        yield from (dispatched, rejected, waits)
        one = ["priority_level"]
        gauges: dict[str, tuple[str, Callable[[Level], int]]] = {
            "current_executing_requests": ("Requests that are worked on.", lambda level: level.working),
            "current_executing_seats": ("Seats that are taken.", lambda level: level.used),
            "current_inqueue_requests": ("Requests that wait.", lambda level: len(level.queues or ())),
            "nominal_limit_seats": ("Seats of the level.", lambda level: level.nominal),
        }
        for name, (text, read) in gauges.items():
            gauge = GaugeMetricFamily(start + name, text, labels=one)
            for level_name, level in levels.items():
                gauge.add_metric([level_name], read(level))
            yield gauge
