"""Nodes write what is theirs."""

from collections.abc import Callable
from typing import Any

import pytest

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.admission.noderestriction import NodeRestriction
from corral.server.lookup import MemoryLookup
from corral.server.request import Admission, User

Write = Callable[..., Admission]

NODE = User("system:node:n1", groups=("system:nodes", "system:authenticated"))
TOKEN = {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}, "name": "t"}


def pod(node: str, name: str = "p", **meta: Any) -> Object:
    return {
        "metadata": {"name": name, "namespace": "x", "uid": f"{name}-uid", **meta},
        "spec": {"nodeName": node, "volumes": [TOKEN]},
    }


def node(**meta: Any) -> Object:
    return {"metadata": {"name": "n1", **meta}, "spec": {"taints": [{"key": "a"}]}}


def token(name: str, uid: str = "", audiences: list[str] | None = None) -> Object:
    ref = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid or f"{name}-uid"}
    return {"spec": {"boundObjectRef": ref, "audiences": audiences or []}}


@pytest.fixture
def plugin() -> NodeRestriction:
    lookup = MemoryLookup()
    lookup.put("pods", pod("n1", "mine"))
    lookup.put("pods", pod("n2", "other"))
    return NodeRestriction(lookup)


@pytest.mark.parametrize(
    ("resource", "obj", "old", "more"),
    [
        ("pods", pod("n1"), pod("n1"), {"subresource": "status"}),
        ("pods", None, pod("n1"), {"operation": "DELETE"}),
        ("pods", {}, None, {"operation": "CREATE", "subresource": "eviction", "name": "mine"}),
        ("nodes", node(labels={"kubernetes.io/hostname": "n1", "zone": "a"}), None, {}),
        ("nodes", node(labels={"node.kubernetes.io/x": "y"}), node(), {}),
        ("serviceaccounts", token("mine"), None, {"subresource": "token", "name": "robot"}),
        ("leases.coordination.k8s.io", {"metadata": {"name": "n1"}}, None, {"namespace": "kube-node-lease"}),
    ],
)
def test_a_node_may(plugin: NodeRestriction, write: Write, resource: str, obj: Object, old: Object, more: Any) -> None:
    plugin.admit(write(resource, obj, old, user=NODE, **more))


@pytest.mark.parametrize(
    ("resource", "obj", "old", "more", "why"),
    [
        ("pods", pod("n1"), None, {}, "can only create mirror pods"),
        ("pods", pod("n2"), pod("n2"), {"subresource": "status"}, "can only update pod status for pods with spec.nodeName"),
        ("pods", pod("n1", labels={"a": "b"}), pod("n1"), {"subresource": "status"}, "cannot update labels through pod status"),
        ("pods", None, pod("n2"), {"operation": "DELETE"}, "can only delete pods with spec.nodeName set to itself"),
        ("pods", {}, None, {"operation": "CREATE", "subresource": "exec", "name": "mine"}, "unexpected pod subresource"),
        ("nodes", {"metadata": {"name": "n2"}}, None, {}, 'node "n1" is not allowed to modify node "n2"'),
        ("nodes", {**node(), "spec": {}}, node(), {}, "is not allowed to modify taints"),
        (
            "nodes",
            node(labels={"node-restriction.kubernetes.io/x": "y"}),
            None,
            {},
            'node "n1" is not allowed to set the following labels: node-restriction.kubernetes.io/x',
        ),
        ("serviceaccounts", token("other"), None, {"subresource": "token"}, "a pod scheduled on a different node"),
        ("serviceaccounts", token("mine", "old"), None, {"subresource": "token"}, "does not match the UID in record"),
        ("serviceaccounts", {"spec": {}}, None, {"subresource": "token"}, "node requested token not bound to a pod"),
        ("serviceaccounts", token("mine", audiences=["v"]), None, {"subresource": "token"}, 'audience "v" not found in pod'),
        ("leases.coordination.k8s.io", {"metadata": {"name": "n2"}}, None, {"namespace": "kube-node-lease"}, "same name"),
    ],
)
def test_a_node_may_not(
    plugin: NodeRestriction, write: Write, resource: str, obj: Object, old: Object, more: Any, why: str
) -> None:
    with pytest.raises(ApiError) as refused:
        plugin.admit(write(resource, obj, old, user=NODE, **more))
    assert refused.value.code == 403
    assert why in refused.value.message


def test_others_are_not_looked_at(plugin: NodeRestriction, write: Write) -> None:
    plugin.admit(write("nodes", node(labels={"node-restriction.kubernetes.io/x": "y"})))


@pytest.mark.parametrize(("operation", "verb"), [("CREATE", "create"), ("DELETE", "delete")])
def test_a_node_publishes_its_own_resource_slices(plugin: NodeRestriction, write: Write, operation: str, verb: str) -> None:
    def asked(node_name: str) -> Admission:
        obj = {"metadata": {"name": "s"}, "spec": {"nodeName": node_name}}
        new, old = (obj, None) if operation == "CREATE" else (None, obj)
        return write("resourceslices.resource.k8s.io", new, old, operation=operation, user=NODE)

    plugin.admit(asked("n1"))
    with pytest.raises(ApiError, match=f"can only {verb} ResourceSlice with the same NodeName as the requesting node"):
        plugin.admit(asked("n2"))


def claim(phase: str = "Bound", size: str = "1Gi", **meta: Any) -> Object:
    status = {"phase": phase, "capacity": {"storage": size}}
    return {"metadata": {"name": "c", "namespace": "x", "uid": "1", **meta}, "spec": {"volumeName": "v"}, "status": status}


def test_a_node_says_how_large_a_claims_volume_is_and_no_more(plugin: NodeRestriction, write: Write) -> None:
    def judge(new: Object, subresource: str = "status") -> None:
        plugin.admit(write("persistentvolumeclaims", new, claim(), user=NODE, subresource=subresource))

    judge(claim(size="2Gi", resourceVersion="7"))
    for other in (claim(phase="Lost"), claim(finalizers=[]), claim(labels={"a": "b"}), claim(annotations={"a": "b"})):
        with pytest.raises(ApiError, match=r"not allowed to update fields other than status\.quantity"):
            judge(other)
    with pytest.raises(ApiError, match="may only update PVC status"):
        judge(claim(), "")


def test_a_node_does_not_say_which_claims_a_pod_uses(plugin: NodeRestriction, write: Write) -> None:
    new = {**pod("n1"), "status": {"resourceClaimStatuses": [{"name": "a"}]}}
    with pytest.raises(ApiError, match='node "n1" cannot update resource claim statuses'):
        plugin.admit(write("pods", new, pod("n1"), user=NODE, subresource="status"))
