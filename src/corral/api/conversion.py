"""Objects in another version of their kind: Events (core and events.k8s.io), HorizontalPodAutoscalers (v2 and v1), devices.

Only what the server serves by default needs converting; every other kind has one version. Results share nested values with
their argument, which is never changed.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from corral.api.deviceconversion import from_v1beta1, to_v1beta1
from corral.api.objects import Object

_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "reportingComponent": "reportingController",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}
_EVENT_FIELDS_BACK = {new: old for old, new in _EVENT_FIELDS.items()}

METRICS_ANNOTATION = "autoscaling.alpha.kubernetes.io/metrics"
BEHAVIOR_ANNOTATION = "autoscaling.alpha.kubernetes.io/behavior"
CONDITIONS_ANNOTATION = "autoscaling.alpha.kubernetes.io/conditions"
CURRENT_METRICS_ANNOTATION = "autoscaling.alpha.kubernetes.io/current-metrics"


def convert(obj: Object, source: str, target: str) -> Object:
    """`obj` of apiVersion `source` in apiVersion `target`. Where no rule is known, only the apiVersion changes."""
    if source == target:
        return obj
    function = _CONVERSIONS.get((source, target))
    made = dict(obj) if function is None else function(obj)
    made["apiVersion"] = target
    return made


def _renamed(names: Mapping[str, str]) -> Callable[[Object], Object]:
    def rename(obj: Object) -> Object:
        return {names.get(name, name): value for name, value in obj.items()}

    return rename


def _autoscaler_to_v1(obj: Object) -> Object:
    made = {**obj, "spec": dict(obj.get("spec") or {})}
    spec = made["spec"]
    annotations = dict(obj["metadata"].get("annotations") or {})
    others = []
    for metric in spec.pop("metrics", None) or ():
        utilization = _cpu_utilization(metric)
        if utilization is not None and "targetCPUUtilizationPercentage" not in spec:
            spec["targetCPUUtilizationPercentage"] = utilization
        else:
            others.append(metric)
    _annotate(annotations, METRICS_ANNOTATION, others)
    _annotate(annotations, BEHAVIOR_ANNOTATION, spec.pop("behavior", None))
    status = dict(obj.get("status") or {})
    if "status" in obj:
        current = []
        for metric in status.pop("currentMetrics", None) or ():
            resource = metric.get("resource") or {}
            average = (resource.get("current") or {}).get("averageUtilization")
            if metric.get("type") == "Resource" and resource.get("name") == "cpu" and average is not None:
                status["currentCPUUtilizationPercentage"] = average
            else:
                current.append(metric)
        _annotate(annotations, CURRENT_METRICS_ANNOTATION, current)
        _annotate(annotations, CONDITIONS_ANNOTATION, status.pop("conditions", None))
        status.setdefault("currentReplicas", 0)
        status.setdefault("desiredReplicas", 0)
        made["status"] = status
    return _with_annotations(made, annotations)


def _autoscaler_to_v2(obj: Object) -> Object:
    made = {**obj, "spec": dict(obj.get("spec") or {})}
    spec = made["spec"]
    annotations = dict(obj["metadata"].get("annotations") or {})
    metrics = _read(annotations, METRICS_ANNOTATION) or []
    utilization = spec.pop("targetCPUUtilizationPercentage", None)
    if utilization is not None:
        target = {"type": "Utilization", "averageUtilization": utilization}
        metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}, *metrics]
    if metrics:
        spec["metrics"] = metrics
    behavior = _read(annotations, BEHAVIOR_ANNOTATION)
    if behavior:
        spec["behavior"] = behavior
    if "status" in obj:
        status = dict(obj["status"] or {})
        current = _read(annotations, CURRENT_METRICS_ANNOTATION) or []
        average = status.pop("currentCPUUtilizationPercentage", None)
        if average is not None:
            shown = {"averageUtilization": average, "averageValue": "0"}
            current = [{"type": "Resource", "resource": {"name": "cpu", "current": shown}}, *current]
        if not status.get("currentReplicas"):
            status.pop("currentReplicas", None)
        if current:
            status["currentMetrics"] = current
        conditions = _read(annotations, CONDITIONS_ANNOTATION)
        if conditions:
            status["conditions"] = conditions
        made["status"] = status
    return _with_annotations(made, annotations)


def _cpu_utilization(metric: Object) -> int | None:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    target: int | None = (resource.get("target") or {}).get("averageUtilization")
    return target


def _annotate(annotations: Object, name: str, value: Any) -> None:
    if value:
        annotations[name] = orjson.dumps(value).decode()


def _read(annotations: Object, name: str) -> Any:
    text = annotations.pop(name, None)
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _with_annotations(obj: Object, annotations: Object) -> Object:
    metadata = {name: value for name, value in obj["metadata"].items() if name != "annotations"}
    if annotations:
        metadata["annotations"] = annotations
    obj["metadata"] = metadata
    return obj


_CONVERSIONS: Mapping[tuple[str, str], Callable[[Object], Object]] = {
    ("v1", "events.k8s.io/v1"): _renamed(_EVENT_FIELDS),
    ("events.k8s.io/v1", "v1"): _renamed(_EVENT_FIELDS_BACK),
    ("autoscaling/v2", "autoscaling/v1"): _autoscaler_to_v1,
    ("autoscaling/v1", "autoscaling/v2"): _autoscaler_to_v2,
    ("resource.k8s.io/v1beta1", "resource.k8s.io/v1"): from_v1beta1,
    ("resource.k8s.io/v1", "resource.k8s.io/v1beta1"): to_v1beta1,
}
