"""The objects of API priority and fairness."""

from tests.conformance.operations import all_verbs, in_discovery, status_verbs
from tests.conformance.rest import Api

GROUP = "/apis/flowcontrol.apiserver.k8s.io/v1"


def test_flow_schemas(api: Api) -> None:
    """[sig-api-machinery] API priority and fairness should support FlowSchema API operations [Conformance]"""
    in_discovery(api, "flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "flowschemas/status")
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "example-e2e-non-existent-user"}}],
        "nonResourceRules": [{"nonResourceURLs": ["*"], "verbs": ["*"]}],
    }
    body = {
        "metadata": {"name": f"fs-{api.namespace}"},
        "spec": {
            "matchingPrecedence": 10000,
            "priorityLevelConfiguration": {"name": "global-default"},
            "distinguisherMethod": {"type": "ByUser"},
            "rules": [rule],
        },
    }
    all_verbs(api, f"{GROUP}/flowschemas", body, {"spec": {"matchingPrecedence": 9999}})
    api.create(f"{GROUP}/flowschemas", body)
    status_verbs(api, f"{GROUP}/flowschemas/fs-{api.namespace}")
    api.delete(f"{GROUP}/flowschemas/fs-{api.namespace}")


def test_priority_levels(api: Api) -> None:
    """[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations [Conformance]"""
    in_discovery(api, "flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "prioritylevelconfigurations/status")
    limited = {"nominalConcurrencyShares": 2, "limitResponse": {"type": "Reject"}}
    body = {"metadata": {"name": f"pl-{api.namespace}"}, "spec": {"type": "Limited", "limited": limited}}
    path = f"{GROUP}/prioritylevelconfigurations"
    all_verbs(api, path, body, {"spec": {"limited": {"nominalConcurrencyShares": 4}}})
    api.create(path, body)
    status_verbs(api, f"{path}/pl-{api.namespace}")
    api.delete(f"{path}/pl-{api.namespace}")
