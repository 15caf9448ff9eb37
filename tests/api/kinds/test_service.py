"""Services: defaults, addresses, ports, and what stays once allocated."""

import copy

import pytest

from corral.api.kinds import rules
from corral.api.kinds.servicespec import keep_allocated, normalize_cluster_ips
from corral.api.rules import Context

RULES = rules("", "Service")
CONTEXT = Context(now_s=0)


def service(**spec):
    obj = {"metadata": {"name": "s", "namespace": "n", "creationTimestamp": "1970-01-01T00:00:00Z"}}
    obj["spec"] = {"ports": [{"port": 80}], **spec}
    RULES.default(obj)
    RULES.prepare_create(obj, CONTEXT)
    return obj


def faults(obj, old=None):
    errors = RULES.validate_create(obj) if old is None else RULES.validate_update(obj, old, "")
    return [str(e) for e in errors.items]


def test_defaults():
    spec = service()["spec"]
    assert spec["type"] == "ClusterIP" and spec["sessionAffinity"] == "None" and spec["internalTrafficPolicy"] == "Cluster"
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert service(type="NodePort")["spec"]["externalTrafficPolicy"] == "Cluster"
    timeout = service(sessionAffinity="ClientIP")["spec"]["sessionAffinityConfig"]
    assert timeout == {"clientIP": {"timeoutSeconds": 10800}}


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort", "LoadBalancer"])
def test_a_sound_service_has_no_fault(kind):
    assert faults(service(type=kind)) == []


def test_ports_are_required_but_for_headless_and_external_services():
    assert faults(service(ports=[])) == ["spec.ports: Required value"]
    assert faults(service(ports=[], clusterIP="None")) == []
    assert faults(service(ports=[], type="ExternalName", externalName="a.b")) == []


def test_several_ports_have_names_and_differ():
    assert faults(service(ports=[{"port": 80}, {"port": 80, "name": "b"}])) == [
        "spec.ports[0].name: Required value",
        'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ]


def test_the_list_of_addresses_follows_the_address():
    assert service(clusterIP="None")["spec"]["clusterIPs"] == ["None"]
    new, old = {"clusterIP": "10.0.0.2", "clusterIPs": ["10.0.0.1"]}, {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]}
    normalize_cluster_ips(new, old)
    assert new["clusterIPs"] == ["10.0.0.2"]


def test_an_allocated_address_stays():
    old = service(clusterIP="10.0.0.1")
    new = copy.deepcopy(old)
    new["spec"]["clusterIP"] = "10.0.0.2"
    RULES.prepare_update(new, old, "", CONTEXT)
    assert faults(new, old) == ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set']


def test_a_manifest_without_what_was_allocated_keeps_it():
    old = {"type": "NodePort", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ports": [{"port": 80, "nodePort": 30001}]}
    new = {"type": "NodePort", "ports": [{"port": 80}]}
    keep_allocated(new, old)
    assert new["clusterIP"] == "10.0.0.1" and new["ports"][0]["nodePort"] == 30001


def test_what_only_the_former_type_needed_goes():
    old = service(type="NodePort", clusterIP="10.0.0.1")
    old["spec"]["ports"][0]["nodePort"] = 30001
    new = copy.deepcopy(old)
    new["spec"]["type"] = "ClusterIP"
    RULES.prepare_update(new, old, "", CONTEXT)
    assert "nodePort" not in new["spec"]["ports"][0] and "externalTrafficPolicy" not in new["spec"]
    assert faults(new, old) == []


def test_what_a_headless_service_ignores_is_warned_of():
    assert RULES.warnings(service(clusterIP="None", sessionAffinity="ClientIP"), None) == [
        "spec.SessionAffinity is ignored for headless services"
    ]
    assert RULES.warnings(service(), None) == []


def test_rows():
    obj = service(type="NodePort", clusterIP="10.0.0.1", selector={"app": "w"}, externalIPs=["1.2.3.4"])
    obj["spec"]["ports"][0]["nodePort"] = 30001
    assert RULES.cells(obj, 5) == ["s", "NodePort", "10.0.0.1", "1.2.3.4", "80:30001/TCP", "5s", "app=w"]
    assert RULES.cells(service(type="LoadBalancer"), 5)[2:4] == ["<none>", "<pending>"]


def test_releasing_the_second_address():
    both = {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "fd00::1"], "ipFamilies": ["IPv4", "IPv6"]}
    one = {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"]}
    old = service(**both, ipFamilyPolicy="PreferDualStack")
    why = "must be set to 'SingleStack' when releasing the secondary"
    assert faults(service(**one, ipFamilyPolicy="PreferDualStack"), old) == [
        f'spec.ipFamilyPolicy: Invalid value: "PreferDualStack": {why} {what}' for what in ("clusterIP", "ipFamily")
    ]
    assert faults(service(**one, ipFamilyPolicy="SingleStack"), old) == []


def test_families_of_headless_services_may_change():
    headless = {"clusterIP": "None", "clusterIPs": ["None"]}
    assert faults(service(**headless, ipFamilies=["IPv6"]), service(**headless, ipFamilies=["IPv4"])) == []


def test_the_two_annotations_of_topology_agree():
    obj = service()
    names = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")
    obj["metadata"]["annotations"] = dict(zip(names, ("Auto", "auto"), strict=True))
    assert faults(obj) == [
        f'metadata.annotations[{names[0]}]: Invalid value: "Auto": must match annotations[{names[1]}] when both are specified'
    ]


def test_the_first_address_is_the_address():
    obj = service(clusterIP="10.0.0.1", clusterIPs=["10.0.0.2"])
    assert faults(obj) == ['spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`']
