"""What an autoscaler decides, and what its status says of it."""

import pytest

from corral.api.objects import Object
from corral.base.clock import rfc3339
from corral.controllers.actions import Note
from corral.controllers.autoscaling import View, decide, refused, scaled, unscalable
from corral.controllers.replicacount import PodMetric

NOW = 10_000.0


def autoscaler(*metrics: Object, least: int = 1, most: int = 10, **spec: object) -> Object:
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most, "metrics": list(metrics), **spec}
    about = {"kind": "HorizontalPodAutoscaler", "apiVersion": "autoscaling/v2", "metadata": {"name": "h", "namespace": "d"}}
    return {**about, "spec": spec}


def cpu(percent: int = 50) -> Object:
    return {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}


def pods(count: int) -> list[Object]:
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(0)}
    status = {"phase": "Running", "startTime": rfc3339(0), "conditions": [condition]}
    container = {"name": "c", "resources": {"requests": {"cpu": "1"}}}
    return [{"metadata": {"name": str(i)}, "spec": {"containers": [container]}, "status": status} for i in range(count)]


def view(replicas: int, milli: int = 500, *, error: str = "", selector: str = "app=web", **more: object) -> View:
    scale = {"spec": {"replicas": replicas}, "status": {"replicas": replicas, "selector": selector}}
    metrics = {pod["metadata"]["name"]: PodMetric(milli, NOW, 15) for pod in pods(replicas)}
    return View(scale, pods(replicas), {("cpu", ""): error or metrics}, **more)


def condition(status: Object, type: str) -> tuple[str, str]:
    found = next(one for one in status["conditions"] if one["type"] == type)
    return found["status"], found["reason"]


def events(decision) -> list[tuple[str, str]]:
    return [(note.reason, note.message) for note in decision.notes if isinstance(note, Note)]


def test_a_busy_target_grows_and_says_why():
    hpa = autoscaler(cpu())
    decision = decide(hpa, view(2, 1000), NOW)
    assert (decision.replicas, decision.reason) == (4, "cpu resource utilization (percentage of request) above target")
    done = scaled(hpa, decision, NOW)
    assert done.status["desiredReplicas"] == 4
    assert done.status["currentReplicas"] == 2
    assert done.status["lastScaleTime"] == rfc3339(NOW)
    assert events(done) == [
        ("SuccessfulRescale", "New size: 4; reason: cpu resource utilization (percentage of request) above target")
    ]
    assert condition(done.status, "AbleToScale") == ("True", "SucceededRescale")
    assert condition(done.status, "ScalingActive") == ("True", "ValidMetricFound")
    assert condition(done.status, "ScalingLimited") == ("False", "DesiredWithinRange")
    metric = {"name": "cpu", "current": {"averageUtilization": 100, "averageValue": "1"}}
    assert done.status["currentMetrics"] == [{"type": "Resource", "resource": metric}]


def test_an_idle_target_shrinks_once_nothing_higher_was_recommended():
    hpa = autoscaler(cpu())
    first = decide(hpa, view(4, 100), NOW)
    assert first.replicas is None
    assert condition(first.status, "AbleToScale") == ("True", "ScaleDownStabilized")
    later = decide(hpa, view(4, 100, history=first.history), NOW + 301)
    assert (later.replicas, later.reason) == (1, "All metrics below target")


@pytest.mark.parametrize(
    ("replicas", "wanted", "reason"),
    [
        (12, 10, "Current number of replicas above Spec.MaxReplicas"),
        (1, 2, "Current number of replicas below Spec.MinReplicas"),
    ],
)
def test_bounds_come_before_metrics(replicas, wanted, reason):
    decision = decide(autoscaler(cpu(), least=2), view(replicas, error="none"), NOW)
    assert (decision.replicas, decision.reason) == (wanted, reason)


def test_a_target_of_none_is_left_alone():
    decision = decide(autoscaler(cpu()), view(0), NOW)
    assert decision.replicas is None
    assert condition(decision.status, "ScalingActive") == ("False", "ScalingDisabled")


def test_without_metrics_nothing_changes_and_it_is_told():
    decision = decide(autoscaler(cpu()), view(3, error="no metrics returned from resource metrics API"), NOW)
    assert decision.replicas is None
    assert condition(decision.status, "ScalingActive") == ("False", "FailedGetResourceMetric")
    first = (
        "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API"
    )
    assert events(decision) == [
        ("FailedGetResourceMetric", first),
        ("FailedComputeMetricsReplicas", f"invalid metrics (1 invalid out of 1), first error is: {first}"),
    ]


def test_the_metric_that_asks_for_most_counts_and_a_missing_one_stops_only_shrinking():
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1"}}}
    busy = decide(autoscaler(memory, cpu()), view(2, 1000), NOW)
    assert busy.replicas == 4
    assert busy.status["currentMetrics"][0] == {"type": ""}
    idle = decide(autoscaler(memory, cpu()), view(4, 100), NOW)
    assert idle.replicas is None
    assert condition(idle.status, "ScalingActive") == ("False", "FailedGetResourceMetric")


def test_metrics_that_nobody_serves_are_named():
    metric = {"type": "Pods", "pods": {"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "1"}}}
    decision = decide(autoscaler(metric), view(2, custom={0: "nobody serves it"}), NOW)
    assert condition(decision.status, "ScalingActive") == ("False", "FailedGetPodsMetric")
    assert events(decision)[0][1] == "failed to get pods metric value: unable to get metric hits: nobody serves it"


def test_several_autoscalers_of_the_same_pods_do_nothing():
    decision = decide(autoscaler(cpu()), view(2, 1000, rivals=["d/h", "d/other"]), NOW)
    assert decision.replicas is None
    assert events(decision)[0] == (
        "AmbiguousSelector",
        "pods by selector app=web are controlled by multiple HPAs: [d/h d/other]",
    )


def test_a_target_without_a_selector_is_not_scaled():
    decision = decide(autoscaler(cpu()), view(2, selector=""), NOW)
    assert condition(decision.status, "ScalingActive") == ("False", "InvalidSelector")


def test_what_could_not_be_done_is_told():
    hpa = autoscaler(cpu())
    decision = refused(hpa, decide(hpa, view(2, 1000), NOW), "forbidden", NOW)
    assert condition(decision.status, "AbleToScale") == ("False", "FailedUpdateScale")
    assert "lastScaleTime" not in decision.status
    gone = unscalable(hpa, 'deployments.apps "web" not found', NOW)
    assert condition(gone.status, "AbleToScale") == ("False", "FailedGetScale")
    assert events(gone) == [("FailedGetScale", 'deployments.apps "web" not found')]


def test_a_condition_keeps_its_time_while_its_status_stays():
    hpa = autoscaler(cpu())
    first = decide(hpa, view(2, 500), NOW)
    again = decide({**hpa, "status": first.status}, view(2, 510), NOW + 60)
    assert [one["lastTransitionTime"] for one in again.status["conditions"]] == [rfc3339(NOW)] * 3


def test_what_was_done_is_remembered_for_the_rates():
    policies = [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    hpa = autoscaler(cpu(), behavior={"scaleUp": {"stabilizationWindowSeconds": 0, "policies": policies}})
    first = scaled(hpa, decide(hpa, view(2, 1000), NOW), NOW)
    assert first.status["desiredReplicas"] == 3
    soon = decide(hpa, view(3, 1000, history=first.history), NOW + 15)
    assert soon.replicas is None
    assert condition(soon.status, "ScalingLimited") == ("True", "ScaleUpLimit")
    assert decide(hpa, view(3, 1000, history=soon.history), NOW + 61).replicas == 4


def custom(kind: str, target: Object, **source: Object) -> Object:
    return {"type": kind, kind.lower(): {"metric": {"name": "hits"}, "target": target, **source}}


TEN_EACH = {"type": "AverageValue", "averageValue": "10"}
INGRESS = {"kind": "Ingress", "name": "main", "apiVersion": "networking.k8s.io/v1"}


@pytest.mark.parametrize(
    ("metric", "found", "wanted", "current"),
    [
        (custom("Pods", TEN_EACH), "pods", 4, {"averageValue": "20"}),
        (custom("Object", {"type": "Value", "value": "10"}, describedObject=INGRESS), 15_000, 3, {"value": "15"}),
        (
            custom("Object", {"type": "AverageValue", "averageValue": "10"}, describedObject=INGRESS),
            35_000,
            4,
            {"averageValue": "17500m"},
        ),
        (custom("External", {"type": "Value", "value": "10"}), 10_500, 2, {"value": "10500m"}),
        (custom("External", {"type": "AverageValue", "averageValue": "100m"}), 300, 3, {"averageValue": "150m"}),
    ],
)
def test_metrics_of_peoples_own(metric, found, wanted, current):
    measured = {pod["metadata"]["name"]: PodMetric(20_000, NOW, 60) for pod in pods(2)} if found == "pods" else found
    decision = decide(autoscaler(metric), view(2, custom={0: measured}), NOW)
    assert (decision.replicas or 2) == wanted
    assert decision.status["currentMetrics"][0][metric["type"].lower()]["current"] == current
