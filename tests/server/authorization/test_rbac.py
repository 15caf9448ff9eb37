"""Roles and bindings decide; the messages are the reference's."""

import asyncio

import pytest

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.authorization import Attributes, Authorizer
from corral.server.lookup import MemoryLookup
from corral.server.request import User

GROUP = "rbac.authorization.k8s.io"
ANN = User("ann", groups=("dev", "system:authenticated"))


def role(name: str, *rules: Object, namespace: str = "") -> Object:
    return {"metadata": {"name": name, "namespace": namespace}, "rules": list(rules)}


def binding(name: str, kind: str, to: str, *subjects: Object, namespace: str = "") -> Object:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"kind": kind, "name": to},
        "subjects": list(subjects),
    }


def rule(verbs: str, resources: str, group: str = "", names: str = "") -> Object:
    found: Object = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return {**found, "resourceNames": names.split()} if names else found


@pytest.fixture
def lookup() -> MemoryLookup:
    lookup = MemoryLookup()
    lookup.put(f"roles.{GROUP}", role("r", rule("get update", "configmaps", names="a"), namespace="x"))
    lookup.put(f"rolebindings.{GROUP}", binding("b", "Role", "r", {"kind": "User", "name": "ann"}, namespace="x"))
    return lookup


def ask(verb: str, resource: str, namespace: str = "", name: str = "", user: User = ANN, subresource: str = "") -> Attributes:
    return Attributes(user, verb, "", "v1", resource, subresource, namespace, name)


def test_a_role_grants_its_names_in_its_namespace_only(lookup: MemoryLookup) -> None:
    decide = Authorizer(lookup).decide
    allowed = decide(ask("get", "configmaps", "x", "a"))
    assert allowed.allowed
    assert allowed.reason == 'RBAC: allowed by RoleBinding "b/x" of Role "r" to User "ann"'
    assert not decide(ask("get", "configmaps", "x", "b")).allowed
    assert not decide(ask("get", "configmaps", "y", "a")).allowed
    assert not decide(ask("list", "configmaps", "x")).allowed
    assert not decide(ask("delete", "configmaps", "x", "a")).allowed


def test_decisions_follow_changes(lookup: MemoryLookup) -> None:
    authorizer = Authorizer(lookup)
    asked = ask("get", "configmaps", "x", "a")
    assert authorizer.decide(asked).allowed
    lookup.put(f"roles.{GROUP}", role("r", rule("list", "configmaps"), namespace="x"))
    assert not authorizer.decide(asked).allowed
    assert authorizer.decide(ask("list", "configmaps", "x")).allowed
    lookup.remove(f"rolebindings.{GROUP}", "x", "b")
    assert not authorizer.decide(ask("list", "configmaps", "x")).allowed


def test_a_cluster_role_bound_in_a_namespace_holds_there(lookup: MemoryLookup) -> None:
    lookup.put(f"clusterroles.{GROUP}", role("view", rule("get list", "pods pods/log")))
    dev = {"kind": "Group", "name": "dev"}
    lookup.put(f"rolebindings.{GROUP}", binding("v", "ClusterRole", "view", dev, namespace="x"))
    decide = Authorizer(lookup).decide
    assert decide(ask("get", "pods", "x", "p", subresource="log")).allowed
    assert not decide(ask("get", "pods", "x", "p", subresource="exec")).allowed
    assert not decide(ask("list", "pods")).allowed


def test_service_accounts_are_subjects(lookup: MemoryLookup) -> None:
    lookup.put(f"clusterroles.{GROUP}", role("all", rule("*", "*", "*")))
    account = {"kind": "ServiceAccount", "name": "robot", "namespace": "x"}
    lookup.put(f"clusterrolebindings.{GROUP}", binding("all", "ClusterRole", "all", account))
    user = User("system:serviceaccount:x:robot", groups=("system:serviceaccounts",))
    decision = Authorizer(lookup).decide(ask("delete", "nodes", name="n", user=user))
    assert decision.reason == 'RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "all" to ServiceAccount "robot/x"'


def test_paths_match_exactly_or_by_trailing_star(lookup: MemoryLookup) -> None:
    lookup.put(f"clusterroles.{GROUP}", role("p", {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/apis/*"]}))
    lookup.put(f"clusterrolebindings.{GROUP}", binding("p", "ClusterRole", "p", {"kind": "Group", "name": "dev"}))
    decide = Authorizer(lookup).decide
    assert decide(Attributes(ANN, "get", path="/healthz")).allowed
    assert decide(Attributes(ANN, "get", path="/apis/apps")).allowed
    assert not decide(Attributes(ANN, "get", path="/healthz/etcd")).allowed
    assert not decide(Attributes(ANN, "post", path="/healthz")).allowed


def test_masters_may_do_everything() -> None:
    assert Authorizer(MemoryLookup()).decide(ask("delete", "nodes", user=User("root", groups=("system:masters",)))).allowed


@pytest.mark.parametrize(
    ("asked", "message", "details"),
    [
        (
            ask("get", "pods", "x", "p", subresource="log"),
            'pods "p" is forbidden: User "ann" cannot get resource "pods/log" in API group "" in the namespace "x"',
            {"name": "p", "kind": "pods"},
        ),
        (
            ask("list", "nodes"),
            'nodes is forbidden: User "ann" cannot list resource "nodes" in API group "" at the cluster scope',
            {"kind": "nodes"},
        ),
        (Attributes(ANN, "get", path="/metrics"), 'forbidden: User "ann" cannot get path "/metrics"', {}),
    ],
)
def test_refusals_say_who_cannot_do_what(asked: Attributes, message: str, details: Object) -> None:
    with pytest.raises(ApiError) as refused:
        asyncio.run(Authorizer(MemoryLookup()).require(asked))
    assert refused.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": "Forbidden",
        "details": details,
        "code": 403,
    }


def test_a_missing_role_is_named_in_the_refusal(lookup: MemoryLookup) -> None:
    lookup.put(f"rolebindings.{GROUP}", binding("c", "Role", "gone", {"kind": "User", "name": "ann"}, namespace="x"))
    decision = Authorizer(lookup).decide(ask("list", "secrets", "x"))
    assert decision.reason == 'RBAC: role.rbac.authorization.k8s.io "gone" not found'
