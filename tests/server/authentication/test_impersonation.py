"""Who may, acts as another; constrained, only for what the request does."""

import asyncio
from typing import Any

import pytest

from corral.api.errors import ApiError
from corral.api.resources import Resource
from corral.server.authentication.impersonation import Impersonated, impersonate
from corral.server.authorization import Authorizer
from corral.server.lookup import MemoryLookup
from corral.server.request import Request, User

RBAC = "rbac.authorization.k8s.io"
AUTHENTICATION = "authentication.k8s.io"
PODS = Resource("", "v1", "pods", "Pod", "pod", True, ("get",))
NODE_EXTRA = {
    "authentication.kubernetes.io/pod-name": ("agent",),
    "authentication.kubernetes.io/node-name": ("n1",),
}
AGENT = User("system:serviceaccount:x:agent", groups=("system:serviceaccounts",), extra=NODE_EXTRA)
BOB = User("bob")


def authorizer(user: User, *rules: dict[str, Any]) -> Authorizer:
    lookup = MemoryLookup()
    lookup.put(f"clusterroles.{RBAC}", {"metadata": {"name": "r"}, "rules": list(rules)})
    subjects = [{"kind": "User", "name": user.name}]
    ref = {"kind": "ClusterRole", "name": "r"}
    lookup.put(f"clusterrolebindings.{RBAC}", {"metadata": {"name": "b"}, "roleRef": ref, "subjects": subjects})
    return Authorizer(lookup)


def acting(request: Request, authorizer: Authorizer) -> Impersonated | None:
    return asyncio.run(impersonate(request, authorizer))


def rule(verb: str, resource: str, *names: str, group: str = AUTHENTICATION) -> dict[str, Any]:
    found: dict[str, Any] = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
    return {**found, "resourceNames": list(names)} if names else found


def asking(user: User, verb: str = "list", **headers: str) -> Request:
    sent = {f"Impersonate-{name.replace('_', '-')}": value for name, value in headers.items()}
    return Request("GET", "/api/v1/pods", {}, sent, user=user, verb=verb, resource=PODS)


ANN = rule("impersonate:user-info", "users", "ann")
LIST = rule("impersonate-on:user-info:list", "pods", group="")


def test_identity_and_action_must_both_be_allowed() -> None:
    both = authorizer(BOB, ANN, LIST)
    assert acting(asking(BOB, User="ann"), both) == (
        User("ann", groups=("system:authenticated",)),
        "impersonate:user-info",
    )
    for wrong in (asking(BOB, User="eve"), asking(BOB, "delete", User="ann"), asking(BOB, User="ann", Group="dev")):
        with pytest.raises(ApiError) as refused:
            acting(wrong, both)
        assert 'cannot impersonate resource "users" in API group "" at the cluster scope' in refused.value.message
    for half in (ANN, LIST):
        with pytest.raises(ApiError):
            acting(asking(BOB, User="ann"), authorizer(BOB, half))


def test_groups_uid_and_extra_are_asked_for_one_by_one() -> None:
    verb = "impersonate:user-info"
    rules = [ANN, LIST, rule(verb, "groups", "dev"), rule(verb, "uids", "7"), rule(verb, "userextras/team", "a")]
    headers = {"User": "ann", "Group": "dev", "Uid": "7", "Extra_team": "a"}
    found = acting(asking(BOB, **headers), authorizer(BOB, *rules))
    assert found is not None
    assert found.user == User("ann", "7", ("dev", "system:authenticated"), {"team": ("a",)})
    for left_out in range(2, 5):
        with pytest.raises(ApiError):
            acting(asking(BOB, **headers), authorizer(BOB, *rules[:left_out], *rules[left_out + 1 :]))


def test_the_old_verb_allows_everything_and_is_no_constraint() -> None:
    old = authorizer(BOB, rule("impersonate", "users", "ann", group=""))
    assert acting(asking(BOB, "delete", User="ann"), old) == (User("ann", groups=("system:authenticated",)), "")


def test_a_service_account_is_of_its_own_mode() -> None:
    name = "system:serviceaccount:x:robot"
    as_user = authorizer(BOB, rule("impersonate:user-info", "users"), rule("impersonate-on:user-info:list", "pods", group=""))
    with pytest.raises(ApiError):
        acting(asking(BOB, User=name), as_user)
    account = rule("impersonate:serviceaccount", "serviceaccounts", "robot")
    both = authorizer(BOB, account, rule("impersonate-on:serviceaccount:list", "pods", group=""))
    found = acting(asking(BOB, User=name), both)
    assert found is not None
    assert found.constraint == "impersonate:serviceaccount"
    assert found.user.groups == ("system:serviceaccounts", "system:serviceaccounts:x", "system:authenticated")


def test_an_agent_is_the_node_it_runs_on_and_no_other() -> None:
    own = rule("impersonate:associated-node", "nodes")
    both = authorizer(AGENT, own, rule("impersonate-on:associated-node:list", "pods", group=""))
    found = acting(asking(AGENT, User="system:node:n1"), both)
    assert found == (User("system:node:n1", groups=("system:nodes", "system:authenticated")), "impersonate:associated-node")
    with pytest.raises(ApiError):
        acting(asking(AGENT, User="system:node:n2"), both)
    with pytest.raises(ApiError):
        acting(asking(User(AGENT.name, groups=AGENT.groups), User="system:node:n1"), both)


def test_a_node_by_name() -> None:
    any_node = rule("impersonate:arbitrary-node", "nodes", "n2")
    both = authorizer(BOB, any_node, rule("impersonate-on:arbitrary-node:list", "pods", group=""))
    found = acting(asking(BOB, User="system:node:n2"), both)
    assert found is not None
    assert found.user.groups == ("system:nodes", "system:authenticated")
    for headers in ({"User": "system:node:n1"}, {"User": "system:node:n2", "Group": "system:masters"}):
        with pytest.raises(ApiError):
            acting(asking(BOB, **headers), both)
