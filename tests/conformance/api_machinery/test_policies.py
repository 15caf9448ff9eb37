"""Admission policies as objects; what they do is tested where admission is."""

import pytest
from tests.conformance.operations import all_verbs, in_discovery, status_verbs
from tests.conformance.rest import Api

GROUP = "/apis/admissionregistration.k8s.io/v1"
RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}


def test_validating_policies(api: Api) -> None:
    """[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicy API operations [Conformance]"""
    in_discovery(api, "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "validatingadmissionpolicies/status")
    spec = {
        "matchConstraints": {"resourceRules": [RULE]},
        "validations": [{"expression": "object.spec.replicas <= 100"}],
        "failurePolicy": "Fail",
    }
    body = {"metadata": {"name": f"vap.{api.namespace}"}, "spec": spec}
    path = f"{GROUP}/validatingadmissionpolicies"
    all_verbs(api, path, body, {"spec": {"failurePolicy": "Ignore"}})
    api.create(path, body)
    condition = {"type": "Seen", "status": "True", "reason": "T", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    status_verbs(api, f"{path}/vap.{api.namespace}", condition)
    api.delete(f"{path}/vap.{api.namespace}")


def test_validating_bindings(api: Api) -> None:
    """[sig-api-machinery] ValidatingAdmissionPolicy [Privileged:ClusterAdmin] should support ValidatingAdmissionPolicyBinding API operations [Conformance]"""
    in_discovery(api, "admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings")
    body = {
        "metadata": {"name": f"b.{api.namespace}"},
        "spec": {"policyName": f"none.{api.namespace}", "validationActions": ["Deny"]},
    }
    all_verbs(api, f"{GROUP}/validatingadmissionpolicybindings", body)


@pytest.mark.parametrize("version", ["v1"])
def test_mutating_policies(api: Api, version: str) -> None:
    """[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicy API operations [Conformance]"""
    in_discovery(api, "admissionregistration.k8s.io", version, "mutatingadmissionpolicies")
    mutation = {
        "patchType": "ApplyConfiguration",
        "applyConfiguration": {"expression": "Object{metadata: Object.metadata{labels: {'a': 'b'}}}"},
    }
    spec = {
        "matchConstraints": {"resourceRules": [RULE]},
        "mutations": [mutation],
        "reinvocationPolicy": "Never",
        "failurePolicy": "Fail",
    }
    body = {"metadata": {"name": f"map.{api.namespace}"}, "spec": spec}
    all_verbs(
        api,
        f"/apis/admissionregistration.k8s.io/{version}/mutatingadmissionpolicies",
        body,
        {"spec": {"failurePolicy": "Ignore"}},
    )


def test_mutating_bindings(api: Api) -> None:
    """[sig-api-machinery] MutatingAdmissionPolicy [Privileged:ClusterAdmin] should support MutatingAdmissionPolicyBinding API operations [Conformance]"""
    in_discovery(api, "admissionregistration.k8s.io", "v1", "mutatingadmissionpolicybindings")
    body = {"metadata": {"name": f"mb.{api.namespace}"}, "spec": {"policyName": f"none.{api.namespace}"}}
    all_verbs(api, f"{GROUP}/mutatingadmissionpolicybindings", body)
