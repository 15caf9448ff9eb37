"""The smaller core kinds: ConfigMaps, Secrets, Namespaces, Nodes, Endpoints and slices, Leases, Events, quotas, volumes."""

import copy

from corral.api.conversion import convert
from corral.api.kinds import rules
from corral.api.kinds.event import to_core
from corral.api.rules import Context

CONTEXT = Context(now_s=0)


def obj(**fields):
    return {"metadata": {"name": "x", "namespace": "n", "creationTimestamp": "1970-01-01T00:00:00Z"}, **fields}


def made(group, kind, **fields):
    made = obj(**fields)
    rules(group, kind).default(made)
    return made


def faults(group, kind, new, old=None, subresource=""):
    found = rules(group, kind)
    errors = found.validate_create(new) if old is None else found.validate_update(new, old, subresource)
    return [str(e) for e in errors.items]


def test_a_sealed_config_map_stays():
    old, new = obj(immutable=True, data={"a": "1"}), obj(immutable=True, data={"a": "2"})
    assert faults("", "ConfigMap", new, old) == ["data: Forbidden: field is immutable when `immutable` is set"]
    assert faults("", "ConfigMap", obj(data={"a": "1"}), old)[0].startswith("immutable: Forbidden:")


def test_config_keys_are_checked():
    assert faults("", "ConfigMap", obj(data={"a/b": ""}))[0].startswith('data[a/b]: Invalid value: "a/b": a valid config key')


def test_texts_of_a_secret_become_data():
    secret = made("", "Secret", stringData={"a": "x"}, data={"a": "old", "b": "Yg=="})
    assert secret["data"] == {"a": "eA==", "b": "Yg=="} and "stringData" not in secret and secret["type"] == "Opaque"


def test_a_secret_has_what_its_type_needs_and_keeps_the_type():
    assert faults("", "Secret", made("", "Secret", type="kubernetes.io/tls", data={"tls.crt": ""})) == [
        "data[tls.key]: Required value"
    ]
    old, new = made("", "Secret"), made("", "Secret", type="other")
    assert faults("", "Secret", new, old) == ['type: Invalid value: "other": field is immutable']


def test_a_namespace_is_active_and_has_its_name_as_a_label():
    space = made("", "Namespace")
    rules("", "Namespace").prepare_create(space, CONTEXT)
    assert space["metadata"]["labels"] == {"kubernetes.io/metadata.name": "x"}
    assert space["spec"]["finalizers"] == ["kubernetes"] and space["status"] == {"phase": "Active"}


def test_only_finalize_changes_a_namespaces_finalizers():
    old = made("", "Namespace", spec={"finalizers": ["kubernetes"]})
    for subresource, left in (("", ["kubernetes"]), ("finalize", [])):
        new = copy.deepcopy(old)
        new["spec"]["finalizers"] = []
        rules("", "Namespace").prepare_update(new, old, subresource, CONTEXT)
        assert new["spec"]["finalizers"] == left


def test_nodes():
    node = made("", "Node", spec={"podCIDR": "10.1.0.0/24", "taints": [{"key": "k"}]}, status={"capacity": {"cpu": "4"}})
    assert node["status"]["allocatable"] == {"cpu": "4"} and node["spec"]["podCIDRs"] == ["10.1.0.0/24"]
    assert faults("", "Node", node) == ["metadata.taints[0].effect: Required value"]
    node["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    node["spec"]["unschedulable"] = True
    assert rules("", "Node").cells(node, 0)[1] == "Ready,SchedulingDisabled"
    assert rules("", "Node").selectable_fields(node) == {"spec.unschedulable": "true"}


def test_endpoints_have_addresses_and_ports():
    assert faults("", "Endpoints", obj(subsets=[{}])) == [
        "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"
    ]
    sound = made("", "Endpoints", subsets=[{"addresses": [{"ip": "10.1.1.1"}, {"ip": "fd00::1"}], "ports": [{"port": 80}]}])
    assert faults("", "Endpoints", sound) == []
    assert rules("", "Endpoints").cells(sound, 0)[1] == "10.1.1.1:80,[fd00::1]:80"


def test_the_address_type_of_a_slice_stays_and_counts():
    old = made("discovery.k8s.io", "EndpointSlice", addressType="IPv4", endpoints=[{"addresses": ["10.1.1.1"]}])
    new = old | {"addressType": "IPv6"}
    assert faults("discovery.k8s.io", "EndpointSlice", new, old) == [
        'endpoints[0].addresses[0]: Invalid value: "10.1.1.1": must be an IPv6 address',
        'addressType: Invalid value: "IPv6": field is immutable',
    ]


def test_many_endpoints_are_cut_short_in_the_row():
    many = obj(addressType="IPv4", endpoints=[{"addresses": [f"10.0.0.{i}"]} for i in range(5)], ports=[])
    row = rules("discovery.k8s.io", "EndpointSlice").cells(many, 0)
    assert row[2:4] == ["<unset>", "10.0.0.0,10.0.0.1,10.0.0.2 + 2 more..."]


def test_a_lease_lasts():
    assert faults("coordination.k8s.io", "Lease", obj(spec={"leaseDurationSeconds": 0})) == [
        "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"
    ]


def test_an_event_has_two_shapes():
    event = {"kind": "Event", "apiVersion": "v1", **obj(involvedObject={"kind": "Pod", "name": "p"}, message="hi", count=2)}
    other = convert(event, "v1", "events.k8s.io/v1")
    assert other["regarding"] == {"kind": "Pod", "name": "p"} and other["note"] == "hi" and other["deprecatedCount"] == 2
    assert to_core(other) == event
    assert rules("", "Event").cells(event, 0)[3] == rules("events.k8s.io", "Event").cells(other, 0)[3] == "pod/p"


def test_an_event_is_in_the_namespace_of_what_it_is_about():
    event = obj(involvedObject={"kind": "Pod", "namespace": "other"})
    assert faults("", "Event", event) == ['involvedObject.namespace: Invalid value: "other": does not match event.namespace']


def test_limits_fill_in_defaults_and_must_fit():
    limits = made("", "LimitRange", spec={"limits": [{"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "2"}}]})
    item = limits["spec"]["limits"][0]
    assert item["defaultRequest"] == {"cpu": "2"}
    found = faults("", "LimitRange", limits)
    assert 'spec.limits[0].default[cpu]: Invalid value: "1": default value 2 is greater than max value 1' in found


def test_a_quota_counts_what_its_scope_can():
    quota = obj(spec={"hard": {"services": "1"}, "scopes": ["BestEffort"]})
    assert faults("", "ResourceQuota", quota) == [
        'spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'
    ]
    quota["status"] = {"hard": {"pods": "5", "limits.cpu": "2"}, "used": {"pods": "1"}}
    assert rules("", "ResourceQuota").cells(quota, 0)[1:3] == ["pods: 1/5", "limits.cpu: 0/2"]


def claim(size, **more):
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}, **more}
    return made("", "PersistentVolumeClaim", spec=spec)


def test_a_bound_claim_may_grow_only():
    old = claim("1Gi", volumeName="v")
    old["status"] = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
    new = claim("2Gi", volumeName="v") | {"status": old["status"]}
    assert faults("", "PersistentVolumeClaim", new, old) == []
    assert faults("", "PersistentVolumeClaim", old, new) == [
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    ]


def test_the_source_of_a_volume_stays():
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/a"}}
    old, new = (made("", "PersistentVolume", spec=copy.deepcopy(spec)) for _ in range(2))
    assert faults("", "PersistentVolume", new, old) == []
    new["spec"]["hostPath"]["path"] = "/b"
    (fault,) = faults("", "PersistentVolume", new, old)
    assert fault.startswith("spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation")
    assert '-  "Path": "/a"' in fault


def test_keys_in_both_bags_are_told_of_once():
    told = faults("", "ConfigMap", obj(data={"a": "1"}, binaryData={"a": "MQ=="}))
    assert told == ['data[a]: Invalid value: "a": duplicate of key present in binaryData']


def test_registries_are_json_objects():
    def told(text):
        secret = made("", "Secret", type="kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": text})
        return [one.partition('redacted>": ')[2] for one in faults("", "Secret", secret)]

    assert told("{}") == told("null") == []
    assert told("[]") == ["json: cannot unmarshal array into Go value of type map[string]interface {}"]
    assert told("5") == ["json: cannot unmarshal number into Go value of type map[string]interface {}"]
    assert told('{"a"') == ["unexpected end of JSON input"]


def test_names_and_scopes_of_a_quota():
    def told(**spec):
        return [text.removeprefix("spec.") for text in faults("", "ResourceQuota", obj(spec=spec))]

    assert told(hard={"foo": "1"}) == [
        'hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
        'hard[foo]: Invalid value: "foo": must be a standard resource for quota',
    ]
    assert told(hard={"ephemeral-storage": "1"}, scopes=["NotBestEffort"]) == [
        'scopes: Invalid value: ["NotBestEffort"]: unsupported scope applied to resource'
    ]
    assert told(hard={"requests.storage": "1"}, scopes=["VolumeAttributesClass"]) == []
    both = [{"scopeName": name, "operator": "Exists"} for name in ("Terminating", "NotTerminating")]
    at = "scopeSelector.matchExpressions"
    assert told(hard={"pods": "1"}, scopeSelector={"matchExpressions": both}) == [
        f"{at}: Invalid value: null: conflicting scopes"
    ]
    one = [{"scopeName": "PriorityClass", "operator": "In"}]
    assert told(hard={"services": "1"}, scopeSelector={"matchExpressions": one}) == [
        f'{at}: Invalid value: {{"MatchExpressions":[{{"ScopeName":"PriorityClass","Operator":"In","Values":null}}]}}: '
        "unsupported scope applied to resource",
        f"{at}.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
    ]


def test_limits_of_claims_are_told_of_before_ratios():
    item = {"type": "PersistentVolumeClaim", "maxLimitRequestRatio": {"foo": "2"}}
    told = faults("", "LimitRange", obj(spec={"limits": [item]}))
    assert told == [
        "spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided",
        'spec.limits[0].maxLimitRequestRatio[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
    ]


def test_each_pod_range_of_a_node_stays():
    old = made("", "Node", spec={"podCIDRs": ["10.0.0.0/24", "fd00::/64"], "externalID": "a"})
    new = made("", "Node", spec={"podCIDRs": ["10.0.1.0/24", "fd01::/64"]})
    same = 'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid'
    assert faults("", "Node", new, old) == [same, same, "spec.externalID: Forbidden: may not be updated"]


def test_what_a_node_can_do_is_listed_in_order():
    old = made("", "Node", spec={})
    for features, paths in (
        (["Aa", "Bb/cc"], []),
        (["Bb", "Aa"], [1]),
        (["Aa", "Aa"], [1]),
        (["aa"], [0]),
        (["A" * 254], [0]),
    ):
        new = made("", "Node", spec={}, status={"declaredFeatures": features})
        found = [fault.split(": ")[0] for fault in faults("", "Node", new, old, "status")]
        assert found == [f"status.declaredFeatures[{i}]" for i in paths]


def test_leases_of_coordinated_elections_are_plain_leases():
    lease = made("coordination.k8s.io", "Lease", spec={"strategy": "OldestEmulationVersion", "preferredHolder": "a"})
    rules("coordination.k8s.io", "Lease").prepare_create(lease, CONTEXT)
    assert lease["spec"] == {}
    old, new = made("coordination.k8s.io", "Lease", spec={}), made("coordination.k8s.io", "Lease", spec={"strategy": "x"})
    rules("coordination.k8s.io", "Lease").prepare_update(new, old, "", CONTEXT)
    assert new["spec"] == {}
