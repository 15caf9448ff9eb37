"""When an object is ready, and what is said while it is not."""

from typing import Any

import pytest

from corral.charts.actions.readiness import ended, is_watched, lacks

Object = dict[str, Any]


def obj(kind: str, spec: Object | None = None, status: Object | None = None, generation: int = 1) -> Object:
    return {
        "kind": kind,
        "metadata": {"name": "x", "generation": generation},
        "spec": spec or {},
        "status": {"observedGeneration": 1, **(status or {})},
    }


def condition(type_: str, status: str = "True", **more: str) -> Object:
    return {"conditions": [{"type": type_, "status": status, **more}]}


@pytest.mark.parametrize(
    ("thing", "wanted"),
    [
        (obj("Pod", status=condition("Ready")), ""),
        (obj("Pod", status={"phase": "Pending", **condition("Ready", "False")}), "it is Pending, not Ready"),
        (obj("Deployment", {"replicas": 2}, {"updatedReplicas": 2, "replicas": 2, "readyReplicas": 2}), ""),
        (obj("Deployment", {"replicas": 2}, {"updatedReplicas": 1}), "1 of 2 pods are of the new template"),
        (obj("Deployment", {"replicas": 2}, {"updatedReplicas": 2, "replicas": 3}), "1 old pods are still there"),
        (
            obj("Deployment", {"replicas": 2}, {"updatedReplicas": 2, "replicas": 2, "readyReplicas": 1}),
            "1 of 2 pods are ready",
        ),
        (obj("Deployment", {"replicas": 0}), ""),
        (obj("Deployment", {"paused": True, "replicas": 5}), ""),
        (obj("Deployment", generation=2), "the controller has not seen it yet"),
        (
            obj(
                "Deployment",
                {"replicas": 4, "strategy": {"rollingUpdate": {"maxUnavailable": "25%"}}},
                {"updatedReplicas": 4, "replicas": 4, "readyReplicas": 3},
            ),
            "",
        ),
        (obj("DaemonSet", {}, {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1}), "1 of 2 nodes have the new pod"),
        (
            obj("DaemonSet", {}, {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberReady": 1}),
            "1 of 3 pods are ready",
        ),
        (obj("DaemonSet", {}, {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberReady": 2}), ""),
        (obj("DaemonSet", {"updateStrategy": {"type": "OnDelete"}}, {"desiredNumberScheduled": 3}), ""),
        (
            obj(
                "StatefulSet",
                {"replicas": 1},
                {"updatedReplicas": 1, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "b"},
            ),
            "pods of the old revision are still there",
        ),
        (obj("StatefulSet", {"replicas": 2}, {"updatedReplicas": 2, "readyReplicas": 1}), "1 of 2 pods are ready"),
        (
            obj(
                "StatefulSet",
                {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
                {"updatedReplicas": 1, "readyReplicas": 3},
            ),
            "",
        ),
        (obj("StatefulSet", {"replicas": 1, "updateStrategy": {"type": "OnDelete"}}), ""),
        (obj("ReplicaSet", {"replicas": 2}, {"readyReplicas": 1}), "1 of 2 pods are ready"),
        (obj("ReplicationController", {"replicas": 1}, {"readyReplicas": 1}), ""),
        (obj("PersistentVolumeClaim", status={"phase": "Bound"}), ""),
        (obj("PersistentVolumeClaim"), "it is Pending, not Bound"),
        (obj("Service", {"clusterIP": "10.0.0.1"}), ""),
        (obj("Service", {"type": "ExternalName"}), ""),
        (obj("Service"), "it has no cluster IP"),
        (obj("Service", {"clusterIP": "10.0.0.1", "type": "LoadBalancer"}), "the load balancer has given it no address"),
        (
            obj("Service", {"clusterIP": "1", "type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "1"}]}}),
            "",
        ),
        (obj("Service", {"clusterIP": "10.0.0.1", "type": "LoadBalancer", "externalIPs": ["1.2.3.4"]}), ""),
        (obj("CustomResourceDefinition", status=condition("Established")), ""),
        (obj("CustomResourceDefinition", status=condition("NamesAccepted", "False")), ""),
        (obj("CustomResourceDefinition"), "it is not established"),
        (obj("ConfigMap"), ""),
        (obj("Job"), ""),
    ],
)
def test_what_it_lacks(thing: Object, wanted: str) -> None:
    assert lacks(thing) == wanted


def test_jobs_count_when_they_are_wished_for() -> None:
    assert lacks(obj("Job"), jobs=True) == "it has not completed"
    assert lacks(obj("Job", status=condition("Complete")), jobs=True) == ""
    assert lacks(obj("Job", status=condition("Failed", reason="BackoffLimitExceeded")), jobs=True) == (
        "job failed: BackoffLimitExceeded"
    )
    assert is_watched("Job", jobs=True)
    assert not is_watched("Job")
    assert is_watched("Deployment")
    assert not is_watched("Secret")


@pytest.mark.parametrize(
    ("thing", "wanted"),
    [
        (obj("Job"), (False, "")),
        (obj("Job", status=condition("Complete")), (True, "")),
        (obj("Job", status=condition("Complete", "False")), (False, "")),
        (obj("Job", status=condition("Failed", reason="DeadlineExceeded")), (True, "job failed: DeadlineExceeded")),
        (obj("Pod", status={"phase": "Running"}), (False, "")),
        (obj("Pod", status={"phase": "Succeeded"}), (True, "")),
        (obj("Pod", status={"phase": "Failed"}), (True, "pod x failed")),
        (obj("ConfigMap"), (True, "")),
    ],
)
def test_when_a_hook_has_ended(thing: Object, wanted: tuple[bool, str]) -> None:
    assert ended(thing) == wanted
