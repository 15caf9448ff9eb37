"""Nobody grants more than he holds."""

import asyncio
from collections.abc import Callable

import pytest

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.admission.escalation import EscalationCheck
from corral.server.authorization import Authorizer
from corral.server.lookup import MemoryLookup
from corral.server.request import Admission, User

GROUP = "rbac.authorization.k8s.io"
GET_PODS = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
GET_SECRETS = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}

Write = Callable[..., Admission]


def put_role(lookup: MemoryLookup, name: str, *rules: Object, subject: str = "") -> None:
    meta = {"name": name, "namespace": "x"}
    lookup.put(f"roles.{GROUP}", {"metadata": meta, "rules": list(rules)})
    if subject:
        binding = {"roleRef": {"kind": "Role", "name": name}, "subjects": [{"kind": "User", "name": subject}]}
        lookup.put(f"rolebindings.{GROUP}", {"metadata": meta, **binding})


@pytest.fixture
def lookup() -> MemoryLookup:
    lookup = MemoryLookup()
    put_role(lookup, "held", GET_PODS, subject="ann")
    put_role(lookup, "more", GET_PODS, GET_SECRETS)
    return lookup


@pytest.fixture
def check(lookup: MemoryLookup) -> EscalationCheck:
    return EscalationCheck(Authorizer(lookup))


def role(*rules: Object) -> Object:
    return {"metadata": {"name": "mine", "namespace": "x"}, "rules": list(rules)}


def binding(name: str) -> Object:
    return {"metadata": {"name": "mine", "namespace": "x"}, "roleRef": {"apiGroup": GROUP, "kind": "Role", "name": name}}


def test_what_one_holds_one_may_grant(check: EscalationCheck, write: Write) -> None:
    asyncio.run(check.admit(write(f"roles.{GROUP}", role(GET_PODS))))
    asyncio.run(check.admit(write(f"rolebindings.{GROUP}", binding("held"))))


def test_more_is_refused_and_named(check: EscalationCheck, write: Write) -> None:
    why = (
        'user "ann" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'
    )
    with pytest.raises(ApiError) as refused:
        asyncio.run(check.admit(write(f"roles.{GROUP}", role(GET_PODS, GET_SECRETS))))
    assert refused.value.message == f'roles.{GROUP} "mine" is forbidden: {why}'
    with pytest.raises(ApiError) as refused:
        asyncio.run(check.admit(write(f"rolebindings.{GROUP}", binding("more"))))
    assert refused.value.message == f'rolebindings.{GROUP} "mine" is forbidden: {why}'


def test_a_role_that_is_not_there_cannot_be_bound(check: EscalationCheck, write: Write) -> None:
    with pytest.raises(ApiError) as refused:
        asyncio.run(check.admit(write(f"rolebindings.{GROUP}", binding("gone"))))
    assert refused.value.code == 404


def test_who_may_bind_and_escalate_goes_further(check: EscalationCheck, lookup: MemoryLookup, write: Write) -> None:
    may = {"verbs": ["bind", "escalate"], "apiGroups": [GROUP], "resources": ["roles"]}
    put_role(lookup, "manager", may, subject="ann")
    asyncio.run(check.admit(write(f"roles.{GROUP}", role(GET_SECRETS))))
    asyncio.run(check.admit(write(f"rolebindings.{GROUP}", binding("more"))))


def test_masters_may_grant_all(check: EscalationCheck, write: Write) -> None:
    asyncio.run(check.admit(write(f"roles.{GROUP}", role(GET_SECRETS), user=User("root", groups=("system:masters",)))))


def test_labels_of_a_greater_role_may_not_change_as_they_can_aggregate_it(check: EscalationCheck, write: Write) -> None:
    old = role(GET_SECRETS)
    new = {**old, "metadata": {**old["metadata"], "labels": {f"{GROUP}/aggregate-to-edit": "true"}}}
    with pytest.raises(ApiError, match="not currently held"):
        asyncio.run(check.admit(write(f"roles.{GROUP}", new, old)))
    asyncio.run(check.admit(write(f"roles.{GROUP}", {**new, "rules": [GET_PODS]}, {**old, "rules": [GET_PODS]})))


def test_what_garbage_collection_needs_may_change(check: EscalationCheck, write: Write) -> None:
    old = role(GET_SECRETS)
    new = {**old, "metadata": {**old["metadata"], "finalizers": ["a/b"], "managedFields": [{}]}}
    asyncio.run(check.admit(write(f"roles.{GROUP}", new, old)))
    asyncio.run(check.admit(write(f"roles.{GROUP}", old, new)))


def test_only_a_cluster_admin_makes_aggregated_roles(check: EscalationCheck, write: Write) -> None:
    selector = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    obj = {"metadata": {"name": "all"}, "rules": [], "aggregationRule": selector}
    with pytest.raises(ApiError, match="must have cluster-admin privileges"):
        asyncio.run(check.admit(write(f"clusterroles.{GROUP}", obj)))
