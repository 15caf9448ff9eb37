"""Webhook configurations and admission policies."""

import pytest

from corral.api.kinds import rules

GROUP = "admissionregistration.k8s.io"
POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}


def made(kind, **fields):
    obj = {"metadata": {"name": "a"}, **fields}
    rules(GROUP, kind).default(obj)
    return obj


def faults(kind, **fields):
    return [str(e) for e in rules(GROUP, kind).validate_create(made(kind, **fields)).items]


def hook(**fields):
    return {
        "name": "a.example.com",
        "clientConfig": {"url": "https://example.com/x"},
        "rules": [dict(RULE)],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **fields,
    }


def policy(**fields):
    return {"matchConstraints": {"resourceRules": [dict(RULE)]}, "validations": [{"expression": "true"}], **fields}


def test_a_webhook_fails_closed_within_ten_seconds():
    (found,) = made("MutatingWebhookConfiguration", webhooks=[hook()])["webhooks"]
    expected = {
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "timeoutSeconds": 10,
        "reinvocationPolicy": "Never",
    }
    assert {field: found[field] for field in expected} == expected
    assert found["rules"][0]["scope"] == "*"
    assert faults("MutatingWebhookConfiguration", webhooks=[hook()]) == []


def test_a_webhooks_name_is_a_domain_of_three_parts_and_its_own():
    assert faults("ValidatingWebhookConfiguration", webhooks=[hook(name="a.b"), hook(), hook()]) == [
        'webhooks[0].name: Invalid value: "a.b": should be a domain with at least three segments separated by dots',
        'webhooks[2].name: Duplicate value: "a.example.com"',
    ]


@pytest.mark.parametrize(
    ("client", "why"),
    [
        ({}, ": Required value: exactly one of url or service is required"),
        (
            {"url": "http://u@example.com/?a=b#c"},
            ".url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
        ),
        (
            {"service": {"name": "s", "namespace": "n", "path": "a//b"}},
            '.service.path: Invalid value: "a//b": must start with a',
        ),
        ({"service": {"name": "s", "namespace": "n", "path": "/a/b/"}}, None),
    ],
)
def test_how_a_webhook_is_reached(client, why):
    wrong = faults("ValidatingWebhookConfiguration", webhooks=[hook(clientConfig=client)])
    if why is None:
        assert wrong == []
    else:
        assert wrong[0].startswith("webhooks[0].clientConfig" + why)


def test_a_rule_names_operations_groups_versions_and_resources():
    rule = {"operations": ["*", "GET"], "apiGroups": ["*", "a"], "apiVersions": [""], "resources": ["*/*", "pods"]}
    assert faults("ValidatingWebhookConfiguration", webhooks=[hook(rules=[rule])]) == [
        'webhooks[0].rules[0].operations: Invalid value: ["*","GET"]: if \'*\' is present, must not specify other operations',
        'webhooks[0].rules[0].operations[1]: Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE",'
        ' "UPDATE"',
        'webhooks[0].rules[0].apiGroups: Invalid value: ["*","a"]: if \'*\' is present, must not specify other API groups',
        "webhooks[0].rules[0].apiVersions[0]: Required value",
        'webhooks[0].rules[0].resources: Invalid value: ["*/*","pods"]: if \'*/*\' is present, must not specify other'
        " resources",
    ]


def test_side_effects_and_versions_must_be_known():
    assert faults("ValidatingWebhookConfiguration", webhooks=[hook(sideEffects=None, admissionReviewVersions=["v9"])]) == [
        "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
        'webhooks[0].admissionReviewVersions: Invalid value: ["v9"]: must include at least one of v1, v1beta1',
    ]


def test_a_policy_is_about_all_namespaces_and_objects():
    obj = made(POLICY, spec=policy())
    assert obj["spec"]["failurePolicy"] == "Fail"
    assert obj["spec"]["matchConstraints"]["namespaceSelector"] == {}
    assert faults(POLICY, spec=policy()) == []
    assert rules(GROUP, POLICY).cells(obj, 0.0) == ["a", 1, "<unset>", "<unknown>"]


def test_a_policy_says_something():
    assert faults(POLICY, spec=policy(validations=[])) == [
        "spec.validations: Required value: validations or auditAnnotations must contain at least one item",
        "spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item",
    ]


def test_expressions_of_a_policy_can_be_read():
    (wrong,) = faults(POLICY, spec=policy(validations=[{"expression": "nothing.there"}]))
    assert wrong.startswith(
        'spec.validations[0].expression: Invalid value: "nothing.there": compilation failed: ERROR: <input>:1:1: undeclared'
    )


def test_a_variable_has_a_name_that_cel_can_read():
    assert faults(POLICY, spec=policy(variables=[{"name": "for", "expression": "1"}])) == [
        'spec.variables[0].name: Invalid value: "for": name is not a valid CEL identifier'
    ]


def test_a_binding_names_a_policy_and_what_to_do():
    assert faults(BINDING, spec={"validationActions": ["Deny", "Warn", "Deny"]})[:2] == [
        "spec.policyName: Required value",
        'spec.validationActions[2]: Duplicate value: "Deny"',
    ]
    assert faults(BINDING, spec={"policyName": "p", "validationActions": ["Deny"]}) == []


def test_parameters_are_named_or_selected():
    reference = {"name": "p", "selector": {}}
    assert faults("MutatingAdmissionPolicyBinding", spec={"policyName": "p", "paramRef": reference}) == [
        "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
        "spec.paramRef.parameterNotFoundAction: Required value",
    ]


def test_a_mutation_is_of_one_type():
    spec = {**policy(), "reinvocationPolicy": "Never", "mutations": [{"patchType": "JSONPatch"}, {"patchType": "X"}]}
    assert faults("MutatingAdmissionPolicy", spec=spec) == [
        "spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch",
        'spec.mutations[1].patchType: Unsupported value: "X": supported values: "ApplyConfiguration", "JSONPatch"',
    ]


def test_a_bindings_row_shows_its_parameters():
    def shown(**reference):
        return rules(GROUP, BINDING).cells(made(BINDING, spec={"policyName": "p", "paramRef": reference}), 0.0)[2]

    assert shown(name="x") == "*/x"
    assert shown(name="x", namespace="n") == "n/x"
    assert shown(selector={"matchLabels": {"a": "b"}}) == (
        "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}"
    )
