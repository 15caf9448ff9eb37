"""FlowSchemas and PriorityLevelConfigurations."""

import pytest

from corral.api.kinds import rules

GROUP = "flowcontrol.apiserver.k8s.io"
LEVEL = "PriorityLevelConfiguration"


def made(kind, spec, name="a"):
    obj = {"metadata": {"name": name}, "spec": spec}
    rules(GROUP, kind).default(obj)
    return obj


def faults(kind, spec, name="a"):
    return [str(e) for e in rules(GROUP, kind).validate_create(made(kind, spec, name)).items]


def schema(**rule):
    whole = {
        "subjects": [{"kind": "User", "user": {"name": "ann"}}],
        "resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["*"]}],
        **rule,
    }
    return {"priorityLevelConfiguration": {"name": "p"}, "rules": [whole]}


def test_a_schema_has_a_precedence_in_the_middle():
    obj = made("FlowSchema", schema())
    assert faults("FlowSchema", schema()) == []
    assert rules(GROUP, "FlowSchema").cells(obj, 0.0) == ["a", "p", 1000, "<none>", "<unknown>", "?"]


def test_only_one_schema_comes_first():
    assert faults("FlowSchema", {**schema(), "matchingPrecedence": 1}) == [
        "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"
    ]


def test_a_subject_is_of_its_kind():
    subjects = [{"kind": "Group", "user": {"name": "a"}}, {"kind": "ServiceAccount", "serviceAccount": {"name": "*"}}, {}]
    assert faults("FlowSchema", schema(subjects=subjects)) == [
        "spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'",
        "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
        "spec.rules[0].subjects[1].serviceAccount.namespace: Required value: must specify namespace for service account",
        'spec.rules[0].subjects[2].kind: Unsupported value: "": supported values: "Group", "ServiceAccount", "User"',
    ]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("healthz", "must start with slash"),
        ("/a//b", "must not contain double slash"),
        ("/a*", "wildcard can only do suffix matching"),
        ("/a/*", None),
        ("/", None),
    ],
)
def test_urls_of_a_rule(url, why):
    wrong = faults("FlowSchema", schema(resourceRules=[], nonResourceRules=[{"verbs": ["get"], "nonResourceURLs": [url]}]))
    at = "spec.rules[0].nonResourceRules[0].nonResourceURLs[0]"
    assert wrong == ([] if why is None else [f'{at}: Invalid value: "{url}": {why}'])


def test_a_level_has_shares_and_queues():
    obj = made(LEVEL, {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": {}}}})
    assert faults(LEVEL, obj["spec"]) == []
    assert rules(GROUP, LEVEL).cells(obj, 0.0) == ["a", "Limited", 30, 64, 8, 50, "<unknown>"]


def test_the_type_of_a_level_says_what_else_there_is():
    assert faults(LEVEL, {"type": "Limited"}) == ["spec.limited: Required value: must not be empty when type is Limited"]
    assert faults(LEVEL, {"type": "Exempt"}) == [
        "spec.type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if name is 'exempt'"
    ]
    assert faults(LEVEL, {"type": "Exempt"}, "exempt") == []
    assert faults(LEVEL, {"type": "Limited", "limited": {"limitResponse": {"type": "Queue"}}}) == [
        "spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited"
    ]


def test_a_hand_is_no_larger_than_a_hash_can_deal():
    queuing = {"queues": 1000, "handSize": 8, "queueLengthLimit": 1}
    spec = {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": queuing}}}
    (wrong,) = faults(LEVEL, spec)
    assert wrong.endswith("required entropy bits of deckSize 1000 and handSize 8 should not be greater than 60")
