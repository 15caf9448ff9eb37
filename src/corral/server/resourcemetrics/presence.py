"""Makes the APIService of metrics.k8s.io/v1beta1 once the cluster has nodes, and the role that lets people read it.

A cluster without nodes has nothing to measure, and an API like any other's without metrics-server. What is there already, such
as metrics-server's own APIService, is left alone.
"""

from corral.api.objects import Key, Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.loop.controller import Controller
from corral.server.aggregation.backends import API_SERVICES
from corral.server.cache import Cache
from corral.server.changes import Change
from corral.server.resourcemetrics.document import GROUP, VERSION

ROLES = "clusterroles.rbac.authorization.k8s.io"
API_SERVICE: Object = {
    "kind": "APIService",
    "apiVersion": "apiregistration.k8s.io/v1",
    "metadata": {"name": f"{VERSION}.{GROUP}", "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}},
    "spec": {"group": GROUP, "version": VERSION, "groupPriorityMinimum": 100, "versionPriority": 100},
}
_TO = "rbac.authorization.k8s.io/aggregate-to-"
ROLE: Object = {
    "kind": "ClusterRole",
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "metadata": {
        "name": "system:aggregated-metrics-reader",
        "labels": {f"{_TO}admin": "true", f"{_TO}edit": "true", f"{_TO}view": "true"},
    },
    "rules": [{"apiGroups": [GROUP], "resources": ["nodes", "pods"], "verbs": ["get", "list", "watch"]}],
}


def build(cache: Cache, client: Client, clock: Clock) -> Controller:
    """The controller; its one key stands for the group version."""
    nodes = cache.collection("nodes")
    only = Key("", API_SERVICE["metadata"]["name"])

    async def reconcile(_: Key) -> float | None:
        if not len(nodes):
            return None
        for resource, wanted in ((ROLES, ROLE), (API_SERVICES, API_SERVICE)):
            if cache.collection(resource).get("", wanted["metadata"]["name"]) is None:
                await client.create(resource, wanted)
        return None

    controller = Controller("resource metrics", reconcile, clock=clock)

    def changed(change: Change) -> None:
        if change.old is None:
            controller.queue.add(only)

    nodes.listen(changed)
    controller.queue.add(only)
    return controller
