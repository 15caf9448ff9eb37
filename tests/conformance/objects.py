"""Objects for conformance tests, as a user writes them."""

from typing import Any

Object = dict[str, Any]


def config_map(name: str, data: dict[str, str] | None = None, **meta: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **meta}, "data": data or {}}


def pod(name: str, *, labels: dict[str, str] | None = None, container: Object | None = None, **spec: Any) -> Object:
    containers = [{"name": "c", "image": "registry.k8s.io/pause:3.9", **(container or {})}]
    meta: Object = {"name": name, **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers, **spec}}


def template(labels: dict[str, str], **container: Any) -> Object:
    one = {"name": "c", "image": "registry.k8s.io/pause:3.9", **container}
    return {"metadata": {"labels": labels}, "spec": {"containers": [one]}}


def workload(kind: str, name: str, *, replicas: int | None = 1, labels: dict[str, str] | None = None, **spec: Any) -> Object:
    """A Deployment, ReplicaSet, StatefulSet, DaemonSet (no replicas) or ReplicationController of pause containers."""
    labels = labels or {"app": name}
    filled: Object = {"template": template(labels), **({} if replicas is None else {"replicas": replicas}), **spec}
    legacy = kind == "ReplicationController"
    filled["selector"] = labels if legacy else {"matchLabels": labels}
    if kind == "StatefulSet":
        filled.setdefault("serviceName", name)
    return {
        "apiVersion": "v1" if legacy else "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "spec": filled,
    }


def service(name: str, selector: dict[str, str] | None = None, *ports: Object, **spec: Any) -> Object:
    filled = {"ports": list(ports) or [{"port": 80}], **({"selector": selector} if selector else {}), **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": filled}


def definition(group: str, plural: str = "gizmos", kind: str = "Gizmo", schema: Object | None = None, **more: Any) -> Object:
    """A namespaced CustomResourceDefinition with the version v1 and a status; `more` goes to that version."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
        "subresources": {"status": {}},
        **more,
    }
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
