"""Kinds of resource.k8s.io, scheduling.k8s.io and node.k8s.io."""

from corral.api.kinds import rules
from corral.api.rules import Context

GROUP = "resource.k8s.io"


def made(kind, spec):
    obj = {"metadata": {"name": "a"}, "spec": spec}
    rules(GROUP, kind).default(obj)
    return obj


def faults(kind, spec):
    return [str(e) for e in rules(GROUP, kind).validate_create(made(kind, spec)).items]


def claim(*requests, **devices):
    return {"devices": {"requests": list(requests), **devices}}


def test_a_request_is_for_one_device():
    obj = made("ResourceClaim", claim({"name": "r", "exactly": {"deviceClassName": "c"}}))
    exactly = obj["spec"]["devices"]["requests"][0]["exactly"]
    assert (exactly["allocationMode"], exactly["count"]) == ("ExactCount", 1)
    assert faults("ResourceClaim", obj["spec"]) == []
    assert rules(GROUP, "ResourceClaim").cells(obj, 0.0) == ["a", "pending", "<unknown>"]


def test_a_request_is_exact_or_has_alternatives():
    spec = claim({"name": "r"}, {"name": "s", "exactly": {}, "firstAvailable": [{"name": "t"}]}, {"name": "u", "exactly": {}})
    assert faults("ResourceClaim", spec) == [
        "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
        "spec.devices.requests[1]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple"
        " fields are set",
        "spec.devices.requests[2].exactly.deviceClassName: Required value",
    ]


def test_constraints_are_about_requests_of_the_claim():
    constraint = {"requests": ["r", "x"], "matchAttribute": "a"}
    spec = claim({"name": "r", "exactly": {"deviceClassName": "c"}}, constraints=[constraint])
    assert faults("ResourceClaim", spec) == [
        'spec.devices.constraints[0].requests[1]: Invalid value: "x": must be the name of a request in the claim or the name of'
        " a request and a subrequest separated by '/'",
        'spec.devices.constraints[0].matchAttribute: Invalid value: "a": a fully qualified name must be a domain and a name'
        " separated by a slash",
    ]


def test_all_devices_are_not_counted():
    spec = claim({"name": "r", "exactly": {"deviceClassName": "c", "allocationMode": "All", "count": 2}})
    assert faults("ResourceClaim", spec) == [
        "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"
    ]


def test_a_claims_spec_stays():
    old = made("ResourceClaim", claim({"name": "r", "exactly": {"deviceClassName": "c"}}))
    new = made("ResourceClaim", claim({"name": "r", "exactly": {"deviceClassName": "d"}}))
    (wrong,) = rules(GROUP, "ResourceClaim").validate_update(new, old, "").items
    assert (wrong.field, wrong.body.endswith("field is immutable")) == ("spec", True)


def test_a_class_selects_by_expressions_about_a_device():
    assert faults("DeviceClass", {"selectors": [{"cel": {"expression": "device.driver == 'x'"}}]}) == []
    first, second = faults("DeviceClass", {"selectors": [{}, {"cel": {"expression": "object.x"}}]})
    assert first == "spec.selectors[0].cel: Required value"
    assert "undeclared reference to 'object'" in second


def test_a_slice_is_of_one_place():
    pool = {"name": "p", "resourceSliceCount": 1}
    devices = [{"name": "d", "attributes": {"model": {"string": "x"}, "bad/": {}}}]
    assert faults("ResourceSlice", {"driver": "d", "pool": pool, "devices": devices}) == [
        "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
        'spec.devices[0].attributes: Invalid value: "": the name must not be empty',
        'spec.devices[0].attributes[bad/]: Invalid value: "": exactly one value must be specified',
    ]
    assert faults("ResourceSlice", {"driver": "d", "pool": pool, "nodeName": "n"}) == []


def test_taints_of_a_slice_are_from_now_on():
    obj = made("ResourceSlice", {"devices": [{"name": "d", "taints": [{"key": "k", "effect": "None"}]}]})
    rules(GROUP, "ResourceSlice").prepare_create(obj, Context(0.0))
    assert obj["spec"]["devices"][0]["taints"][0]["timeAdded"] == "1970-01-01T00:00:00Z"


def test_users_priorities_have_an_end():
    priority = rules("scheduling.k8s.io", "PriorityClass")
    obj = {"metadata": {"name": "high"}, "value": 1_000_000_001}
    priority.default(obj)
    assert [str(e) for e in priority.validate_create(obj).items] == [
        "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"
    ]
    assert priority.cells({**obj, "value": 5}, 0.0) == ["high", 5, False, "<unknown>", "PreemptLowerPriority"]


def test_system_priorities_are_known():
    priority = rules("scheduling.k8s.io", "PriorityClass")
    known = {"metadata": {"name": "system-node-critical"}, "value": 2_000_001_000, "preemptionPolicy": "Never"}
    assert priority.validate_create(known).items == []
    (wrong,) = priority.validate_create({**known, "metadata": {"name": "system-mine"}}).items
    assert str(wrong).endswith("error: system-mine is not a known system priority class")
    assert [str(e) for e in priority.validate_update({**known, "value": 1}, known, "").items] == [
        "value: Forbidden: may not be changed in an update."
    ]


def test_a_handler_is_a_label_and_stays():
    runtime = rules("node.k8s.io", "RuntimeClass")
    obj = {"metadata": {"name": "a"}, "handler": "runc"}
    assert runtime.validate_create(obj).items == []
    assert len(runtime.validate_create({**obj, "handler": "Not_Valid!"}).items) == 1
    assert [str(e) for e in runtime.validate_update({**obj, "handler": "kata"}, obj, "").items] == [
        'handler: Invalid value: "kata": field is immutable'
    ]


def test_names_of_requests_are_their_own():
    request = {"name": "r", "exactly": {"deviceClassName": "c"}}
    assert faults("ResourceClaim", claim(request, request)) == ['spec.devices.requests[1]: Duplicate value: "r"']


def test_a_list_that_is_too_long_is_not_looked_at():
    assert faults("DeviceClass", {"selectors": [{}] * 33}) == ["spec.selectors: Too many: 33: must have at most 32 items"]
