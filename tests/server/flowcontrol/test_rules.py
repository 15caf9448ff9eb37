"""To which flow schema a request belongs."""

import pytest

from corral.api import facts
from corral.server.flowcontrol import rules
from corral.server.request import Request, User

CATALOG = facts.catalog()
PODS = next(resource for resource in CATALOG if resource.group_resource == "pods")
LEASES = next(resource for resource in CATALOG if resource.group_resource == "leases.coordination.k8s.io")


def schema(*subjects: dict, resources: list[dict] | None = None, paths: list[dict] | None = None, **spec: object) -> dict:
    rule = {"subjects": list(subjects), "resourceRules": resources or [], "nonResourceRules": paths or []}
    return {"metadata": {"name": "s"}, "spec": {"priorityLevelConfiguration": {"name": "l"}, "rules": [rule], **spec}}


def all_of(**rule: object) -> dict:
    return {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True, **rule}


def asks(user: User, resource=PODS, verb: str = "get", namespace: str = "a", subresource: str = "") -> Request:
    return Request("GET", "/", {}, {}, user=user, verb=verb, resource=resource, namespace=namespace, subresource=subresource)


ACCOUNT = User("system:serviceaccount:kube-system:cleaner", groups=("system:serviceaccounts",))


@pytest.mark.parametrize(
    ("subject", "is_meant"),
    [
        ({"kind": "User", "user": {"name": ACCOUNT.name}}, True),
        ({"kind": "User", "user": {"name": "*"}}, True),
        ({"kind": "User", "user": {"name": "other"}}, False),
        ({"kind": "Group", "group": {"name": "system:serviceaccounts"}}, True),
        ({"kind": "Group", "group": {"name": "system:nodes"}}, False),
        ({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": "*"}}, True),
        ({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": "cleaner"}}, True),
        ({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube", "name": "*"}}, False),
        ({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": "clean"}}, False),
    ],
)
def test_subjects(subject, is_meant):
    assert rules.matches(schema(subject, resources=[all_of()]), asks(ACCOUNT)) is is_meant


@pytest.mark.parametrize(
    ("rule", "request_", "is_meant"),
    [
        ({}, asks(ACCOUNT), True),
        ({"verbs": ["list"]}, asks(ACCOUNT), False),
        ({"apiGroups": [""]}, asks(ACCOUNT), True),
        ({"apiGroups": [""]}, asks(ACCOUNT, LEASES), False),
        ({"resources": ["pods"]}, asks(ACCOUNT), True),
        ({"resources": ["pods"]}, asks(ACCOUNT, subresource="status"), False),
        ({"resources": ["pods/status"]}, asks(ACCOUNT, subresource="status"), True),
        ({"namespaces": ["b"]}, asks(ACCOUNT), False),
        ({"namespaces": ["a"]}, asks(ACCOUNT), True),
        ({"clusterScope": False}, asks(ACCOUNT, namespace=""), False),
        ({"clusterScope": True, "namespaces": []}, asks(ACCOUNT), False),
    ],
)
def test_rules_of_resources(rule, request_, is_meant):
    everybody = {"kind": "User", "user": {"name": "*"}}
    assert rules.matches(schema(everybody, resources=[all_of(**rule)]), request_) is is_meant


@pytest.mark.parametrize(
    ("url", "path", "is_meant"),
    [("*", "/x", True), ("/healthz", "/healthz", True), ("/healthz", "/healthz/etcd", False), ("/a/*", "/a/b/c", True)],
)
def test_rules_of_paths(url, path, is_meant):
    everybody = {"kind": "User", "user": {"name": "*"}}
    request = Request("GET", path, {}, {}, user=ACCOUNT, verb="get")
    assert rules.matches(schema(everybody, paths=[{"verbs": ["get"], "nonResourceURLs": [url]}]), request) is is_meant


def test_precedence_comes_before_the_name():
    first, second, third = schema(matchingPrecedence=10), schema(matchingPrecedence=9), schema(matchingPrecedence=10)
    first["metadata"]["name"], third["metadata"]["name"] = "b", "a"
    assert rules.ordered([first, second, third]) == [second, third, first]
