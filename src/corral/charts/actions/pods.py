"""The pods behind the objects of a release: which they are, and where their logs are."""

from corral.api.resources import Resource
from corral.base.annotations import TYPE_CHECKING
from corral.charts.actions.cluster import Cluster, Target

if TYPE_CHECKING:
    from corral.api.objects import Object

PODS = Resource("", "v1", "pods", "Pod", "pod", True, ())
#: Those whose selector is a LabelSelector.
WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")


def pods_of(cluster: Cluster, target: Target) -> "list[Object]":
    """The pods of an object as they are now; none where it is no workload."""
    if target.kind == "Pod":
        pod = cluster.get(target)
        return [] if pod is None else [pod]
    selector = _selector(target)
    return cluster.api.list(PODS.path(target.namespace), {"labelSelector": selector})[0] if selector else []


def _selector(target: Target) -> str:
    if target.kind == "Job":
        return f"batch.kubernetes.io/job-name={target.name}"
    selector = (target.obj.get("spec") or {}).get("selector")
    if not isinstance(selector, dict):
        return ""
    if target.kind == "ReplicationController":
        selector = {"matchLabels": selector}
    elif target.kind not in WORKLOADS:
        return ""
    from corral.api.selectors import text_of

    return text_of(selector)
