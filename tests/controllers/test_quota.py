"""Quotas: what is there is counted, what has gone is given back."""

from corral.controllers.quota import plan, resources_of
from corral.testing.objects import meta, pod, service


def quota(status=None, scopes=None, **hard):
    spec = {"hard": {name.replace("_", "."): text for name, text in hard.items()}, **({"scopes": scopes} if scopes else {})}
    return {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": meta("q"), "spec": spec, "status": status or {}}


def asking(name, cpu, **more):
    return pod(name, spec={"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}]}, **more)


def test_what_is_there_is_counted_and_what_has_ended_is_not():
    pods = [asking("a", "100m"), asking("b", "2"), asking("c", "5", phase="Succeeded")]
    (update,) = plan(quota(pods="10", requests_cpu="4", services="5"), {"pods": pods, "services": [service()]})
    assert update.object["status"] == {
        "hard": {"pods": "10", "requests.cpu": "4", "services": "5"},
        "used": {"pods": "2", "requests.cpu": "2100m", "services": "1"},
    }


def test_scopes_choose_pods():
    pods = [pod("idle"), asking("busy", "1")]
    (update,) = plan(quota(pods="10", scopes=["BestEffort"]), {"pods": pods})
    assert update.object["status"]["used"] == {"pods": "1"}


def test_a_settled_quota_is_not_written_again():
    settled = quota({"hard": {"pods": "10"}, "used": {"pods": "1"}}, pods="10")
    assert plan(settled, {"pods": [pod("a")]}) == []


def test_names_tell_what_to_count():
    names = [
        "pods",
        "limits.cpu",
        "services.nodeports",
        "requests.storage",
        "count/jobs.batch",
        "fast.storageclass.storage.k8s.io/requests.storage",
    ]
    assert resources_of(names) == ["jobs.batch", "persistentvolumeclaims", "pods", "services"]
