"""Values read as Go reads them and shown as Go shows them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.api import facts, golang
from corral.api.golang import DecodeError

POD = facts.schema("", "v1", "Pod")
SECRET = facts.schema("", "v1", "Secret")


def shown(value: Any, type_: facts.Type) -> Any:
    return golang.read(value, type_)[0]


def error(value: Any, type_: facts.Type) -> str:
    with pytest.raises(DecodeError) as caught:
        golang.read(value, type_)
    return str(caught.value)


def cannot(what: str, where: str, type_: str) -> str:
    return f"json: cannot unmarshal {what} into Go struct field {where} of type {type_}"


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def test_optional_fields_with_zero_values_go() -> None:
    made = shown(pod(hostNetwork=False, nodeName="", tolerations=[], nodeSelector={}, volumes=None), POD)
    assert set(made["spec"]) == {"containers"}


def test_zero_values_behind_pointers_stay() -> None:
    made = shown(pod(automountServiceAccountToken=False, terminationGracePeriodSeconds=0, hostnameOverride=""), POD)
    assert made["spec"]["automountServiceAccountToken"] is False
    assert made["spec"]["terminationGracePeriodSeconds"] == 0
    assert made["spec"]["hostnameOverride"] == ""


def test_structs_by_value_are_written_even_when_missing() -> None:
    made = shown(pod(), POD)
    assert made["status"] == {}
    assert made["spec"]["containers"] == [{"name": "c", "image": "i", "resources": {}}]


def test_empty_structs_behind_pointers_stay_and_null_ones_go() -> None:
    volumes = shown(pod(volumes=[{"name": "a", "emptyDir": {}, "hostPath": None}]), POD)["spec"]["volumes"]
    assert volumes == [{"name": "a", "emptyDir": {}}]


def test_null_items_are_zero_values() -> None:
    assert shown({"metadata": {"labels": {"a": None}}}, POD)["metadata"] == {"labels": {"a": ""}}
    assert shown(pod(containers=[None]), POD)["spec"]["containers"] == [{"name": "", "resources": {}}]


def test_quantities_and_times_become_canonical() -> None:
    limits = {"cpu": "1000m", "memory": 1048576, "x/y": "0.5"}
    made = shown(pod(containers=[{"name": "c", "resources": {"limits": limits}}]), POD)
    assert made["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "1", "memory": "1048576", "x/y": "500m"}
    made = shown({"metadata": {"creationTimestamp": "2026-01-02T03:04:05.678+01:00"}}, POD)
    assert made["metadata"]["creationTimestamp"] == "2026-01-02T02:04:05Z"


def test_lease_times_keep_microseconds() -> None:
    lease = facts.schema("coordination.k8s.io", "v1", "Lease")
    made = shown({"spec": {"renewTime": "2026-01-02T03:04:05.678901+02:00"}}, lease)
    assert made["spec"]["renewTime"] == "2026-01-02T01:04:05.678901Z"


def test_unknown_fields_go_and_are_told_with_their_path() -> None:
    given_pod = pod(containers=[{"name": "c", "bogus": 1}], a={"b": 1})
    made, strict = golang.read({**given_pod, "c": None}, POD)
    assert strict == ['unknown field "spec.containers[0].bogus"', 'unknown field "spec.a"', 'unknown field "c"']
    assert "bogus" not in made["spec"]["containers"][0]


def test_free_form_values_stay_as_they_are() -> None:
    revision = facts.schema("apps", "v1", "ControllerRevision")
    data = {"any": [None, {"x": {}}], "n": 1.5}
    assert shown({"revision": 1, "data": data}, revision)["data"] == data


@pytest.mark.parametrize(
    ("value", "type_", "message"),
    [
        (pod(containers=[[]]), POD, cannot("array", "PodSpec.spec.containers", "v1.Container")),
        (pod(containers={}), POD, cannot("object", "PodSpec.spec.containers", "[]v1.Container")),
        (pod(hostNetwork="x"), POD, cannot("string", "PodSpec.spec.hostNetwork", "bool")),
        (pod(priority=1.5), POD, cannot("number 1.5", "PodSpec.spec.priority", "int32")),
        (pod(priority=2**31), POD, cannot("number 2147483648", "PodSpec.spec.priority", "int32")),
        (pod(dnsPolicy=True), POD, cannot("bool", "PodSpec.spec.dnsPolicy", "v1.DNSPolicy")),
        ({"data": {"a": 1}}, SECRET, cannot("number", "Secret.data", "[]uint8")),
        ({"data": []}, SECRET, cannot("array", "Secret.data", "map[string][]uint8")),
        ({"data": {"a": "b!!!"}}, SECRET, "illegal base64 data at input byte 1"),
        ({"data": {"a": "YWJjZ"}}, SECRET, "illegal base64 data at input byte 4"),
        ({"data": {"a": "YQ=="}, "type": []}, SECRET, cannot("array", "Secret.type", "v1.SecretType")),
        ([], POD, "json: cannot unmarshal array into Go value of type v1.Pod"),
        (
            {"spec": {"ports": [{"targetPort": True}]}},
            facts.schema("", "v1", "Service"),
            cannot("bool", "ServicePort.spec.ports.targetPort", "int32"),
        ),
        (
            {"spec": {"hostPath": []}},
            facts.schema("", "v1", "PersistentVolume"),
            cannot("array", "PersistentVolumeSpec.spec.PersistentVolumeSource.hostPath", "v1.HostPathVolumeSource"),
        ),
        (
            {"metadata": {"creationTimestamp": "yesterday"}},
            POD,
            'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
        ),
        (
            {"metadata": {"creationTimestamp": "2026-13-01T00:00:00Z"}},
            POD,
            'parsing time "2026-13-01T00:00:00Z": month out of range',
        ),
    ],
)
def test_what_does_not_fit_is_told_in_gos_words(value: Any, type_: facts.Type, message: str) -> None:
    assert error(value, type_) == message


def test_the_first_type_error_counts_unless_a_format_is_wrong_later() -> None:
    assert "dnsPolicy" in error(pod(dnsPolicy=1, hostNetwork="x"), POD)
    assert error(pod(dnsPolicy=1, overhead={"cpu": "x"}), POD).startswith("quantities must match")


def test_schemas_within_definitions_are_read() -> None:
    crd = facts.schema("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
    schema = {"type": "object", "properties": {"a": {"items": {"type": "string", "bogus": 1}, "additionalProperties": True}}}
    value = {"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}}
    made, strict = golang.read(value, crd)
    assert strict == []
    read = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["a"]
    assert read == {"items": {"type": "string"}, "additionalProperties": True}


def test_values_too_deep_are_refused() -> None:
    revision = facts.schema("apps", "v1", "ControllerRevision")
    assert error({"data": nested("a", 900)}, revision) == "exceeded max depth"
    crd = facts.schema("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
    versions = [{"schema": {"openAPIV3Schema": nested("items", 900)}}]
    assert error({"spec": {"versions": versions}}, crd) == "exceeded max depth"


def nested(key: str, depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {key: value}
    return value


def test_filling_adds_what_go_always_writes_and_leaves_the_object_alone() -> None:
    obj = {"spec": {"podFailurePolicy": {}}}
    made = golang.filled(obj, facts.schema("batch", "v1", "Job"))
    assert made["spec"]["podFailurePolicy"] == {"rules": None}
    assert made["spec"]["template"] == {"metadata": {}, "spec": {"containers": None}}
    assert made["status"] == {}
    assert obj == {"spec": {"podFailurePolicy": {}}}


keys = st.sampled_from([*facts.named("core.v1.PodSpec").fields, "name", "image", "metadata", "spec"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


@given(json_values)
def test_any_value_is_read_or_refused_and_reading_again_changes_nothing(value: Any) -> None:
    try:
        made, _ = golang.read({"spec": value}, POD)
    except DecodeError:
        return
    assert golang.read(made, POD) == (made, [])


def test_an_empty_list_that_go_always_writes_is_there_until_it_is_stored() -> None:
    type_ = facts.schema("rbac.authorization.k8s.io", "v1", "ClusterRole")
    made, _ = golang.read({"metadata": {"name": "r"}, "rules": []}, type_)
    assert made["rules"] == []
    assert golang.filled(made, type_)["rules"] is None
