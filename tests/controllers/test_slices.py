"""EndpointSlices: what an endpoint is, and how endpoints are laid out in slices."""

import copy
import itertools

from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from corral.api.objects import Key
from corral.controllers import endpoints, endpointslice
from corral.controllers.actions import Create, Delete, Update
from corral.controllers.slices import Group, arrange
from corral.testing.objects import NOW_S, ago, pod, service

PORTS = [{"name": "", "port": 80, "protocol": "TCP"}]
METADATA = {"generateName": "web-", "namespace": "default", "labels": {"a": "b"}, "ownerReferences": []}
_names = itertools.count()


def planned(service, *pods, zones=None):
    return endpointslice.plan(service, pods, [], zones or {}, NOW_S)


def one(service, *pods, **more):
    (action,) = planned(service, *pods, **more)
    return action.object


def applied(slices, actions):
    """The slices after `actions`."""
    result = {s["metadata"]["name"]: s for s in slices}
    for action in actions:
        match action:
            case Create(_, obj):
                made = copy.deepcopy(obj)
                made["metadata"] |= {"name": f"web-{next(_names)}", "uid": str(next(_names)), "resourceVersion": "1"}
                result[made["metadata"]["name"]] = made
            case Update(_, obj):
                result[obj["metadata"]["name"]] = obj
            case Delete(_, key):
                del result[key.name]
    return list(result.values())


def endpoint(number):
    return {"addresses": [f"10.0.{number // 250}.{number % 250}"], "targetRef": {"uid": str(number)}}


def test_ready_serving_and_terminating_are_told_apart():
    slice = one(service(), pod("a"), pod("b", ready_for_s=None), pod("c", deletionTimestamp=ago(1)))
    conditions = {e["targetRef"]["name"]: tuple(e["conditions"].values()) for e in slice["endpoints"]}
    assert conditions == {"a": (True, True, False), "b": (False, False, False), "c": (False, True, True)}


def test_pods_that_have_ended_or_have_no_address_are_no_endpoints():
    assert one(service(), pod("a", phase="Succeeded"), pod("b", ip=""))["endpoints"] == []


def test_publish_not_ready_addresses_makes_all_ready():
    slice = one(service(publishNotReadyAddresses=True), pod("b", ready_for_s=None))
    assert slice["endpoints"][0]["conditions"] == {"ready": True, "serving": False, "terminating": False}


def test_an_endpoint_names_its_node_zone_and_host():
    named = pod("a", spec={"hostname": "first", "subdomain": "web"})
    (found,) = one(service(), named, zones={"n1": "z1"})["endpoints"]
    assert (found["nodeName"], found["zone"], found["hostname"]) == ("n1", "z1", "first")
    assert found["targetRef"] == {"kind": "Pod", "namespace": "default", "name": "a", "uid": named["metadata"]["uid"]}


def test_a_named_target_port_is_looked_up_in_each_pod():
    svc = service(ports=[{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}])
    pods = [
        pod("a", spec={"containers": [{"ports": [{"name": "web", "containerPort": 8080}]}]}),
        pod("b", spec={"containers": [{"ports": [{"name": "web", "containerPort": 9090}]}]}),
        pod("c"),
    ]
    ports = sorted([p["port"] for p in action.object["ports"]] for action in planned(svc, *pods))
    assert ports == [[], [8080], [9090]]


def test_both_families_get_slices_of_their_own():
    both = pod("a")
    both["status"]["podIPs"] = [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]
    found = {a.object["addressType"]: a.object["endpoints"] for a in planned(service(ipFamilies=["IPv4", "IPv6"]), both)}
    assert {type: e[0]["addresses"] for type, e in found.items()} == {"IPv4": ["10.0.0.1"], "IPv6": ["fd00::1"]}


def test_a_service_without_pods_has_one_empty_slice_and_keeps_it():
    svc = service()
    slices = applied([], planned(svc))
    assert [s["endpoints"] for s in slices] == [[]]
    assert endpointslice.plan(svc, [], slices, {}, NOW_S) == []


def test_services_without_selector_or_of_another_name_have_none():
    assert planned(service(selector={}), pod("a")) == []
    assert planned(service(type="ExternalName"), pod("a")) == []


def test_headless_services_are_labelled_so():
    assert one(service(clusterIP="None"))["metadata"]["labels"]["service.kubernetes.io/headless"] == ""
    assert "service.kubernetes.io/headless" not in one(service())["metadata"]["labels"]


def test_the_first_pod_takes_over_the_empty_slice():
    svc = service()
    slices = applied([], planned(svc))
    (action,) = endpointslice.plan(svc, [pod("a")], slices, {}, NOW_S)
    assert isinstance(action, Update)
    assert action.object["metadata"]["name"] == slices[0]["metadata"]["name"]
    assert action.object["ports"]


def test_slices_hold_at_most_a_hundred():
    actions = arrange([Group("IPv4", PORTS, [endpoint(i) for i in range(250)])], [], METADATA)
    assert [len(a.object["endpoints"]) for a in actions] == [100, 100, 50]


def test_one_changed_endpoint_changes_one_slice():
    endpoints = [endpoint(i) for i in range(250)]
    slices = applied([], arrange([Group("IPv4", PORTS, endpoints)], [], METADATA))
    endpoints[120] = {**endpoints[120], "conditions": {"ready": True}}
    (action,) = arrange([Group("IPv4", PORTS, endpoints)], slices, METADATA)
    assert isinstance(action, Update)


@examples(60)
@given(st.lists(st.sets(st.integers(0, 40), max_size=40), min_size=1, max_size=6))
def test_whatever_changes_every_endpoint_is_in_exactly_one_slice(rounds):
    slices = []
    for wanted in rounds:
        group = Group("IPv4", PORTS, [endpoint(i) for i in sorted(wanted)])
        slices = applied(slices, arrange([group], slices, METADATA, max_endpoints=7))
        found = sorted(int(e["targetRef"]["uid"]) for s in slices for e in s["endpoints"])
        assert found == sorted(wanted)
        assert all(len(s["endpoints"]) <= 7 for s in slices)
        assert arrange([group], slices, METADATA, max_endpoints=7) == []


def test_endpoints_group_ready_and_other_addresses_by_port():
    pods = [pod("a", ip="10.0.0.2"), pod("b", ip="10.0.0.1"), pod("c", ready_for_s=None), pod("d", deletionTimestamp=ago(1))]
    (subset,) = endpoints.subsets_of(service(), pods)
    assert [a["ip"] for a in subset["addresses"]] == ["10.0.0.1", "10.0.0.2"]
    assert [a["targetRef"]["name"] for a in subset["notReadyAddresses"]] == ["c"]
    assert subset["ports"] == [{"port": 80, "protocol": "TCP"}]


def test_endpoints_beyond_a_thousand_are_left_out_and_that_is_told():
    pods = [pod(f"p{i}", ip=f"10.0.{i // 250}.{i % 250}") for i in range(1100)]
    (action,) = endpoints.plan(Key("default", "web"), service(), pods, None)
    assert sum(len(s["addresses"]) for s in action.object["subsets"]) == 1000
    assert action.object["metadata"]["annotations"] == {"endpoints.kubernetes.io/over-capacity": "truncated"}
