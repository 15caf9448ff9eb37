"""Claims and slices in v1beta1 and v1."""

from corral.api.conversion import convert

OLD, NEW = "resource.k8s.io/v1beta1", "resource.k8s.io/v1"


def test_a_requests_fields_move_into_exactly_and_back():
    old = {
        "kind": "ResourceClaim",
        "apiVersion": OLD,
        "spec": {"devices": {"requests": [{"name": "r", "deviceClassName": "c"}]}},
    }
    new = convert(old, OLD, NEW)
    assert new["spec"]["devices"]["requests"] == [{"name": "r", "exactly": {"deviceClassName": "c"}}]
    assert convert(new, NEW, OLD) == old


def test_alternatives_stay_where_they_are():
    requests = [{"name": "r", "firstAvailable": [{"name": "a", "deviceClassName": "c"}]}]
    spec = {"spec": {"devices": {"requests": requests}}}
    new = convert({"kind": "ResourceClaimTemplate", "apiVersion": OLD, "spec": spec}, OLD, NEW)
    assert new["spec"]["spec"]["devices"]["requests"] == requests


def test_a_devices_fields_move_out_of_basic_and_back():
    device = {"name": "d", "basic": {"attributes": {"a": {"int": 1}}}}
    old = {"kind": "ResourceSlice", "apiVersion": OLD, "spec": {"driver": "x", "devices": [device]}}
    new = convert(old, OLD, NEW)
    assert new["spec"]["devices"] == [{"name": "d", "attributes": {"a": {"int": 1}}}]
    assert convert(new, NEW, OLD) == old
    assert old["spec"]["devices"] == [device]
