"""Reviews answer questions about access and identity."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from corral.api.errors import ApiError
from corral.api.resources import Resource
from corral.base.clock import SystemClock
from corral.server.authentication import Authenticator, TokenAuthority
from corral.server.authentication.bearer import digest
from corral.server.authorization import Authorizer
from corral.server.authorization.reviews import Reviews
from corral.server.lookup import MemoryLookup
from corral.server.request import Request, User

RBAC = "rbac.authorization.k8s.io"
ANN = User("ann", groups=("system:authenticated",))


@pytest.fixture
def reviews() -> Reviews:
    lookup = MemoryLookup()
    rules = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, {"verbs": ["get"], "nonResourceURLs": ["/metrics"]}]
    lookup.put(f"clusterroles.{RBAC}", {"metadata": {"name": "r"}, "rules": rules})
    subjects = [{"kind": "User", "name": "ann"}]
    ref = {"kind": "ClusterRole", "name": "r"}
    lookup.put(f"clusterrolebindings.{RBAC}", {"metadata": {"name": "b"}, "roleRef": ref, "subjects": subjects})
    tokens = TokenAuthority(ec.generate_private_key(ec.SECP256R1()), "https://kubernetes.default.svc")
    authenticator = Authenticator(lookup, SystemClock(), tokens, {digest("secret"): User("bob", "7")})
    return Reviews(Authorizer(lookup), authenticator, SystemClock())


def ask(reviews: Reviews, kind: str, within: str = "", /, **spec: Any) -> dict[str, Any]:
    group = "authentication.k8s.io" if kind in ("TokenReview", "SelfSubjectReview") else "authorization.k8s.io"
    resource = Resource(group, "v1", kind.lower() + "s", kind, kind.lower(), bool(within), ("create",))
    request = Request("POST", "", {}, {}, user=ANN, verb="create", resource=resource, namespace=within)
    body = {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {}, "spec": spec}
    return asyncio.run(reviews.create(request, body))


PODS = {"verb": "get", "resource": "pods", "namespace": "x"}
BECAUSE = 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "ann"'


def test_what_may_i_do(reviews: Reviews) -> None:
    assert ask(reviews, "SelfSubjectAccessReview", resourceAttributes=PODS)["status"] == {"allowed": True, "reason": BECAUSE}
    denied = {**PODS, "verb": "delete"}
    assert ask(reviews, "SelfSubjectAccessReview", resourceAttributes=denied)["status"] == {"allowed": False}


def test_what_may_another_do(reviews: Reviews) -> None:
    path = {"path": "/metrics", "verb": "get"}
    assert ask(reviews, "SubjectAccessReview", user="ann", nonResourceAttributes=path)["status"]["allowed"]
    assert not ask(reviews, "SubjectAccessReview", user="eve", nonResourceAttributes=path)["status"]["allowed"]
    assert ask(reviews, "LocalSubjectAccessReview", "x", user="ann", resourceAttributes=PODS)["status"]["allowed"]


def test_a_local_review_stays_in_its_namespace(reviews: Reviews) -> None:
    with pytest.raises(ApiError, match="must match"):
        ask(reviews, "LocalSubjectAccessReview", "y", user="ann", resourceAttributes=PODS)


def test_what_are_my_rules(reviews: Reviews) -> None:
    answer = ask(reviews, "SelfSubjectRulesReview", namespace="x")
    assert answer["status"] == {
        "resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}],
        "incomplete": False,
    }


def test_whose_token_is_this(reviews: Reviews) -> None:
    status = ask(reviews, "TokenReview", token="secret")["status"]
    assert status == {
        "authenticated": True,
        "user": {"username": "bob", "uid": "7", "groups": ["system:authenticated"]},
        "audiences": ["https://kubernetes.default.svc"],
    }
    assert ask(reviews, "TokenReview", token="nonsense")["status"] == {"user": {}, "error": "invalid bearer token"}


def test_who_am_i(reviews: Reviews) -> None:
    answer = ask(reviews, "SelfSubjectReview")
    assert answer["status"] == {"userInfo": {"username": "ann", "groups": ["system:authenticated"]}}


def test_a_review_of_nothing_is_invalid(reviews: Reviews) -> None:
    with pytest.raises(ApiError) as refused:
        ask(reviews, "SubjectAccessReview")
    assert refused.value.message == (
        '.authorization.k8s.io "" is invalid: [spec.resourceAttributes: Invalid value: null: exactly one of '
        "nonResourceAttributes or resourceAttributes must be specified, "
        'spec.user: Invalid value: "": at least one of user or group must be specified]'
    )
    assert refused.value.details is not None
    assert "kind" not in refused.value.details


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ({}, "requirements: Required value"),
        ({"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "Exists"}]}, "rawSelector: Invalid value"),
        ({"requirements": [{"operator": "Exists"}]}, "requirements[0].key: Required value: must be specified"),
        ({"requirements": [{"key": "a", "operator": "In"}]}, "requirements[0].values: Required value"),
        ({"requirements": [{"key": "a", "operator": "Exists", "values": ["b"]}]}, "requirements[0].values: Forbidden"),
        ({"requirements": [{"key": "a", "operator": "Like", "values": ["b"]}]}, "not a valid selector operator"),
    ],
)
def test_selectors_of_attributes_are_checked(reviews: Reviews, selector: dict[str, Any], said: str) -> None:
    for name in ("fieldSelector", "labelSelector"):
        with pytest.raises(ApiError) as refused:
            ask(reviews, "SelfSubjectAccessReview", resourceAttributes={**PODS, name: selector})
        assert said in refused.value.message
        assert f"spec.resourceAttributes.{name}" in refused.value.message


def test_a_node_may_list_its_pods_only(reviews: Reviews) -> None:
    pods = {"verb": "list", "resource": "pods"}
    node = {"user": "system:node:n1", "groups": ["system:nodes"]}
    for values, allowed in ((["n1"], True), (["n2"], False)):
        selector = {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": values}]}
        answer = ask(reviews, "SubjectAccessReview", **node, resourceAttributes={**pods, "fieldSelector": selector})
        assert answer["status"]["allowed"] is allowed
