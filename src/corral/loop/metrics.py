"""How busy controllers are, under the reference's names: `workqueue_*`.

https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from corral.loop.controller import Controller

if TYPE_CHECKING:
    from prometheus_client import Metric


def collect(controllers: Iterable[Controller]) -> Iterable["Metric"]:
    """The families of the controllers' queues."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    labels = ["name"]
    depth = GaugeMetricFamily("workqueue_depth", "Keys that wait.", labels=labels)
    adds = CounterMetricFamily("workqueue_adds", "Keys that were added.", labels=labels)
    retries = CounterMetricFamily("workqueue_retries", "Keys that were added again after a failure.", labels=labels)
    waits = HistogramMetricFamily("workqueue_queue_duration_seconds", "How long keys wait.", labels=labels)
    works = HistogramMetricFamily("workqueue_work_duration_seconds", "How long keys are worked on.", labels=labels)
    unfinished = GaugeMetricFamily("workqueue_unfinished_work_seconds", "Work in progress, all keys together.", labels=labels)
    longest = GaugeMetricFamily("workqueue_longest_running_processor_seconds", "The key worked on longest.", labels=labels)
    for controller in controllers:
        queue, name = controller.queue, [controller.name]
        depth.add_metric(name, queue.depth)
        adds.add_metric(name, queue.adds)
        retries.add_metric(name, controller.retries)
        waits.add_metric(name, queue.waits.cumulative(), queue.waits.sum)
        works.add_metric(name, queue.works.cumulative(), queue.works.sum)
        running = queue.running_s()
        unfinished.add_metric(name, sum(running))
        longest.add_metric(name, max(running, default=0.0))
    return (depth, adds, retries, waits, works, unfinished, longest)
