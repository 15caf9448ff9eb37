"""Nodes read what their pods need, and nothing else."""

import pytest

from corral.server.authorization import Attributes, Authorizer
from corral.server.lookup import MemoryLookup
from corral.server.request import User

NODE = User("system:node:n1", groups=("system:nodes", "system:authenticated"))


@pytest.fixture
def authorizer() -> Authorizer:
    lookup = MemoryLookup()
    spec = {
        "nodeName": "n1",
        "serviceAccountName": "robot",
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [{"name": "c", "envFrom": [{"configMapRef": {"name": "env"}}]}],
        "volumes": [
            {"name": "s", "secret": {"secretName": "mounted"}},
            {"name": "p", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
            {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
        ],
    }
    lookup.put("pods", {"metadata": {"namespace": "x", "name": "web"}, "spec": spec})
    lookup.put("pods", {"metadata": {"namespace": "x", "name": "other"}, "spec": {"nodeName": "n2"}})
    lookup.put("persistentvolumeclaims", {"metadata": {"namespace": "x", "name": "data"}, "spec": {"volumeName": "pv1"}})
    ref = {"namespace": "x", "name": "data"}
    csi = {
        "driver": "d",
        "nodePublishSecretRef": {"namespace": "vault", "name": "publish"},
        "controllerPublishSecretRef": {"namespace": "vault", "name": "controllers"},
    }
    lookup.put("persistentvolumes", {"metadata": {"name": "pv1"}, "spec": {"claimRef": ref, "csi": csi}})
    mirror = {"namespace": "x", "name": "static", "annotations": {"kubernetes.io/config.mirror": "hash"}}
    grabbing = {"nodeName": "n1", "volumes": [{"name": "s", "secret": {"secretName": "grabbed"}}]}
    lookup.put("pods", {"metadata": mirror, "spec": grabbing})
    return Authorizer(lookup)


def ask(verb: str, resource: str, name: str = "", namespace: str = "x", group: str = "", **more: str) -> Attributes:
    found = Attributes(NODE, verb, group, "v1", resource, namespace=namespace, name=name)
    return found._replace(**more)


@pytest.mark.parametrize(
    "asked",
    [
        ask("get", "secrets", "pull"),
        ask("watch", "secrets", "mounted"),
        ask("get", "secrets", "projected"),
        ask("list", "configmaps", "env"),
        ask("get", "persistentvolumeclaims", "data"),
        ask("get", "persistentvolumes", "pv1", ""),
        ask("get", "secrets", "publish", "vault"),
        ask("get", "pods", "static"),
        ask("create", "serviceaccounts", "robot", subresource="token"),
        ask("get", "pods", "web"),
        ask("list", "pods", namespace="", field_selector="spec.nodeName=n1"),
        ask("patch", "pods", "web", subresource="status"),
        ask("get", "nodes", "n1", ""),
        ask("create", "nodes", "", ""),
        ask("update", "leases", "n1", "kube-node-lease", "coordination.k8s.io"),
        ask("list", "services", namespace=""),
    ],
)
def test_a_node_may(authorizer: Authorizer, asked: Attributes) -> None:
    assert authorizer.decide(asked).allowed


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (ask("get", "secrets", "strange"), "no relationship found between node 'n1' and this object"),
        (ask("get", "secrets", "pull", "y"), "no relationship found between node 'n1' and this object"),
        (ask("get", "secrets", "grabbed"), "no relationship found between node 'n1' and this object"),
        (ask("get", "secrets", "controllers", "vault"), "no relationship found between node 'n1' and this object"),
        (ask("list", "secrets"), "No Object name found"),
        (ask("update", "secrets", "pull"), "can only read resources of this type"),
        (ask("get", "pods", "other"), "no relationship found between node 'n1' and this object"),
        (ask("list", "pods", namespace=""), "can only list/watch pods with spec.nodeName field selector"),
        (ask("get", "nodes", "n2", ""), "node 'n1' cannot read 'n2', only its own Node object"),
        (
            ask("update", "leases", "n2", "kube-node-lease", "coordination.k8s.io"),
            "can only access node lease with the same name as the requesting node",
        ),
        (ask("list", "deployments", group="apps"), ""),
        (ask("create", "pods", "web", subresource="exec"), ""),
    ],
)
def test_a_node_may_not(authorizer: Authorizer, asked: Attributes, reason: str) -> None:
    decision = authorizer.decide(asked)
    assert not decision.allowed
    assert decision.reason == reason


def test_the_name_alone_makes_no_node(authorizer: Authorizer) -> None:
    impostor = User("system:node:n1", groups=("system:authenticated",))
    assert not authorizer.decide(ask("get", "secrets", "pull")._replace(user=impostor)).allowed
