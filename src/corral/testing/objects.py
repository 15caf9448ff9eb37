"""Objects for tests: what the API would show, with only what matters filled in."""

import itertools
from typing import Any

from corral.api.objects import Object
from corral.base.clock import rfc3339

NOW_S = 1_800_000_000.0
_uids = itertools.count(1)


def ago(seconds: float) -> str:
    """A time before NOW_S."""
    return rfc3339(NOW_S - seconds)


def meta(name: str, **more: Any) -> Object:
    """Metadata in the namespace default, with a uid of its own."""
    return {"name": name, "namespace": "default", "uid": f"uid-{next(_uids)}", "resourceVersion": "1", "generation": 1, **more}


def owned_by(owner: Object) -> Object:
    """The reference to `owner` as a controller."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod(
    name: str,
    *,
    owner: Any = None,
    labels: Any = None,
    phase: str = "Running",
    ready_for_s: float | None = 100,
    node: str = "n1",
    ip: str = "10.0.0.1",
    age_s: float = 100,
    spec: Any = None,
    **more: Any,
) -> Object:
    """A pod that is Running, and Ready since `ready_for_s` before NOW_S (None: not)."""
    conditions = (
        [{"type": "Ready", "status": "True", "lastTransitionTime": ago(ready_for_s)}] if ready_for_s is not None else []
    )
    metadata = meta(name, labels=labels or {"app": "web"}, creationTimestamp=ago(age_s), **more)
    if owner is not None:
        metadata["ownerReferences"] = [owned_by(owner)]
    status: Object = {"phase": phase, "conditions": conditions}
    if ip:
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": metadata,
        "spec": {"containers": [{"name": "c"}], "nodeName": node, **(spec or {})},
        "status": status,
    }


def template(image: str = "nginx:1") -> Object:
    """A pod template."""
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}


def replica_set(name: str, replicas: int, *, status: Any = None, image: str = "nginx:1", **more: Any) -> Object:
    """A ReplicaSet; `more` goes to its metadata."""
    return {
        "kind": "ReplicaSet",
        "apiVersion": "apps/v1",
        "metadata": meta(name, **more),
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template(image)},
        "status": status if status is not None else {"replicas": replicas},
    }


def deployment(replicas: int, *, image: str = "nginx:1", status: Any = None, strategy: Any = None, **spec: Any) -> Object:
    """A Deployment `web`."""
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": meta("web"),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            "strategy": strategy or {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            **spec,
        },
        "status": status or {},
    }


def service(**spec: Any) -> Object:
    """A Service `web` that selects `app=web`."""
    return {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": meta("web"),
        "spec": {
            "clusterIP": "10.96.0.7",
            "ipFamilies": ["IPv4"],
            "selector": {"app": "web"},
            "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}],
            **spec,
        },
    }
