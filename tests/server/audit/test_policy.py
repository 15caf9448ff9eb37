"""Policies decide how much is written of which request; faults in them are named."""

from pathlib import Path

import pytest

from corral.api.resources import Resource
from corral.base.errors import CorralError
from corral.server.audit import Level, Policy, default_policy, load_policy
from corral.server.request import Request, User

ANN = User("ann", groups=("dev", "system:authenticated"))
GROUPS = {"secrets": "", "pods": "", "deployments": "apps", "tokenreviews": "authentication.k8s.io"}


def request(verb: str, plural: str = "pods", name: str = "", subresource: str = "", namespace: str = "x") -> Request:
    resource = Resource(GROUPS.get(plural, ""), "v1", plural, "Kind", "kind", True, (verb,))
    return Request(
        "", "", {}, {}, user=ANN, verb=verb, resource=resource, name=name, subresource=subresource, namespace=namespace
    )


def page(path: str) -> Request:
    return Request("GET", path, {}, {}, user=ANN, verb="get")


def policy(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "policy.yaml"
    file.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\n" + text)
    return load_policy(file)


RULES = """
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  userGroups: [dev]
  verbs: [watch]
- level: RequestResponse
  resources:
  - group: ""
    resources: [pods, "*/status"]
    resourceNames: []
  omitStages: [Panic]
- level: Request
  omitManagedFields: false
  resources:
  - group: apps
    resources: [deployments]
    resourceNames: [web]
- level: Metadata
  nonResourceURLs: ["/api*", /version]
- level: Metadata
  namespaces: [x]
"""


def test_the_first_rule_that_matches_decides(tmp_path: Path) -> None:
    found = policy(tmp_path, RULES)

    def level(asked: Request) -> Level:
        return found.decide(asked, ANN).level

    assert level(request("watch")) is Level.NOTHING
    assert level(request("get")) is Level.REQUEST_RESPONSE
    assert level(request("get", subresource="log")) is Level.METADATA
    assert level(request("get", subresource="status")) is Level.REQUEST_RESPONSE
    assert level(request("get", "deployments", "web")) is Level.REQUEST
    assert level(request("get", "deployments", "api")) is Level.METADATA
    assert level(request("get", "deployments", "api", namespace="y")) is Level.NOTHING
    assert level(page("/apis/apps")) is Level.METADATA
    assert level(page("/healthz")) is Level.NOTHING


def test_stages_and_managed_fields_are_those_of_the_policy_and_the_rule(tmp_path: Path) -> None:
    found = policy(tmp_path, RULES)
    assert found.decide(request("get"), ANN).omit_stages == {"RequestReceived", "Panic"}
    assert found.decide(request("get"), ANN).omit_managed_fields
    assert not found.decide(request("get", "deployments", "web"), ANN).omit_managed_fields


@pytest.mark.parametrize("asked", [request("get", "secrets"), request("create", "tokenreviews")])
def test_what_holds_secrets_is_never_written_above_metadata(tmp_path: Path, asked: Request) -> None:
    assert policy(tmp_path, "rules: [{level: RequestResponse}]").decide(asked, ANN).level is Level.METADATA


def test_the_default_writes_what_people_do_and_not_what_parts_ask_all_the_time() -> None:
    found = default_policy()
    assert found.decide(request("create", "secrets"), ANN).level is Level.METADATA
    assert found.decide(request("list"), ANN).level is Level.METADATA
    scheduler = User("system:kube-scheduler", groups=("system:authenticated",))
    assert found.decide(request("list"), scheduler).level is Level.NOTHING
    assert found.decide(request("create", "pods", "a", "binding"), scheduler).level is Level.METADATA
    assert found.decide(page("/readyz"), ANN).level is Level.NOTHING


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: []", "rules: there are none"),
        ("rules: [{level: All}]", "rules[0].level: 'All' is not possible"),
        ("rules: [{level: None, verb: get}]", "rules[0].verb: there is no such field"),
        ("rules: [{level: None, verbs: get}]", "rules[0].verbs: 'get' is not possible"),
        ("rules: [{level: None, users: [1]}]", "rules[0].users[0]: 1 is not possible"),
        ("rules: [{level: None, nonResourceURLs: [healthz]}]", "rules[0].nonResourceURLs[0]"),
        ("rules: [{level: None, nonResourceURLs: ['/a*b']}]", "rules[0].nonResourceURLs[0]"),
        ("rules: [{level: None, omitStages: [Later]}]", "rules[0].omitStages: 'Later'"),
        ("rules: [{level: None, resources: [{resourceNames: [a]}]}]", "rules[0].resources[0].resourceNames"),
        ("rules: [{level: None}]\nrules: []", "already"),
        ("rules: [", "is no YAML"),
    ],
)
def test_a_fault_names_file_and_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CorralError) as fault:
        policy(tmp_path, text)
    assert said in str(fault.value)
    assert "policy.yaml" in str(fault.value)
