"""Patches whose outcome is no object of the kind: the message names what went wrong, and nothing is written."""

import pytest
from tests.server.verbs.test_writing import deployment

from corral.api.errors import ApiError
from corral.api.golang import printed


@pytest.mark.parametrize(
    ("kind", "patch", "message"),
    [
        (
            "strategic",
            {"spec": {"replicas": "two"}},
            'patch: Invalid value: "map[spec:map[replicas:two]]": unrecognized type: int32',
        ),
        ("strategic", {"metadata": {"labels": "x"}}, "cannot restore map from string"),
        ("strategic", {"metadata": {"name": 5}}, "cannot convert int64 to string"),
        (
            "merge",
            {"spec": {"replicas": "two"}},
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas",
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(story, kind, patch, message):
    async def tell(server):
        client = server.client()
        made = await client.create("deployments.apps", deployment(), "default")
        with pytest.raises(ApiError) as caught:
            await client.patch("deployments.apps", made["metadata"]["name"], patch, "default", type=kind)
        assert caught.value.code == 422
        assert message in caught.value.message
        present = await client.get("deployments.apps", made["metadata"]["name"], "default")
        assert present["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]

    story(tell)


def test_values_are_printed_as_go_prints_them():
    value = {"b": [1, True, None, "x"], "a": {"c": {}}}
    assert printed(value) == "map[a:map[c:map[]] b:[1 true <nil> x]]"
