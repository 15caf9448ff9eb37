"""HorizontalPodAutoscalers and PodDisruptionBudgets."""

from corral.api.kinds import rules

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}


def scaler(version="v2", **spec):
    obj = {"apiVersion": f"autoscaling/{version}", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}}
    obj["spec"] = {"scaleTargetRef": TARGET, "maxReplicas": 3, **spec}
    rules("autoscaling", "HorizontalPodAutoscaler").default(obj)
    return obj


def faults(group, kind, obj):
    return [str(e) for e in rules(group, kind).validate_create(obj).items]


def test_defaults():
    spec = scaler()["spec"]
    assert spec["minReplicas"] == 1
    assert spec["metrics"][0]["resource"]["target"] == {"type": "Utilization", "averageUtilization": 80}
    assert scaler("v1")["spec"]["targetCPUUtilizationPercentage"] == 80
    behavior = scaler(behavior={"scaleDown": {"stabilizationWindowSeconds": 60}})["spec"]["behavior"]
    assert behavior["scaleUp"]["selectPolicy"] == "Max" and len(behavior["scaleUp"]["policies"]) == 2


def test_both_versions_are_checked_alike():
    for version in ("v1", "v2"):
        assert faults("autoscaling", "HorizontalPodAutoscaler", scaler(version)) == []
        found = faults("autoscaling", "HorizontalPodAutoscaler", scaler(version, maxReplicas=1, minReplicas=2))
        assert found == ["spec.maxReplicas: Invalid value: 1: must be greater than or equal to `minReplicas`"]


def test_a_metric_has_what_its_type_says():
    obj = scaler(metrics=[{"type": "Pods", "resource": {"name": "cpu", "target": {"type": "Value", "averageValue": "1"}}}])
    assert faults("autoscaling", "HorizontalPodAutoscaler", obj) == [
        "spec.metrics[0].pods: Required value: must populate information for the given metric source"
    ]


def test_row():
    obj = scaler()
    obj["metadata"]["creationTimestamp"] = "1970-01-01T00:00:00Z"
    row = rules("autoscaling", "HorizontalPodAutoscaler").cells(obj, 5)
    assert row == ["h", "Deployment/web", "cpu: <unknown>/80%", "1", 3, 0, "5s"]


def test_a_budget_has_one_bound():
    obj = {"metadata": {"name": "b"}, "spec": {"minAvailable": "101%", "maxUnavailable": 1}}
    found = faults("policy", "PodDisruptionBudget", obj)
    assert found[0].endswith("minAvailable and maxUnavailable cannot be both set")
    assert found[1] == 'spec.minAvailable: Invalid value: "101%": must not be greater than 100%'


def test_a_tolerance_is_not_negative():
    policies = [{"type": "Pods", "value": 1, "periodSeconds": 1}]
    obj = scaler(behavior={"scaleUp": {"tolerance": "-100m", "policies": policies}})
    assert faults("autoscaling", "HorizontalPodAutoscaler", obj) == [
        'spec.behavior.scaleUp.tolerance: Invalid value: "-100m": must be greater than or equal to 0'
    ]
