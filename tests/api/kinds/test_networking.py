"""Ingresses and NetworkPolicies."""

import pytest

from corral.api.kinds import rules

GROUP = "networking.k8s.io"
BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


def ingress(path="/", kind="Prefix", backend=BACKEND, **spec):
    rule = {"host": "a.example.com", "http": {"paths": [{"path": path, "pathType": kind, "backend": backend}]}}
    return {"metadata": {"name": "i", "creationTimestamp": "1970-01-01T00:00:00Z"}, "spec": {"rules": [rule], **spec}}


def policy(**spec):
    obj = {"metadata": {"name": "p"}, "spec": {"podSelector": {}, **spec}}
    rules(GROUP, "NetworkPolicy").default(obj)
    return obj


def faults(kind, obj):
    return [str(e) for e in rules(GROUP, kind).validate_create(obj).items]


def test_a_sound_ingress():
    obj = ingress(ingressClassName="public", tls=[{"hosts": ["*.example.com"], "secretName": "s"}])
    assert faults("Ingress", obj) == []
    assert rules(GROUP, "Ingress").cells(obj, 5) == ["i", "public", "a.example.com", "", "80, 443", "5s"]


def test_an_ingress_leads_somewhere():
    assert faults("Ingress", {"metadata": {"name": "i"}}) == [
        "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"
    ]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"kind": None}, "pathType: Required value: pathType must be specified"),
        ({"path": "a"}, 'path: Invalid value: "a": must be an absolute path'),
        ({"path": "/a//b"}, "path: Invalid value: \"/a//b\": must not contain '//'"),
        ({"backend": {}}, 'backend: Invalid value: "": resource or service backend is required'),
        (
            {"backend": {"service": {"name": "web"}}},
            "backend: Required value: port name or number is required",
        ),
    ],
)
def test_faults_of_a_path(changed, fault):
    assert f"spec.rules[0].http.paths[0].{fault}" in faults("Ingress", ingress(**changed))


def test_policy_types_follow_the_rules():
    assert policy()["spec"]["policyTypes"] == ["Ingress"]
    obj = policy(egress=[{"ports": [{"port": 53}]}])
    assert obj["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert obj["spec"]["egress"][0]["ports"] == [{"port": 53, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({"from": [{}]}, "from[0]: Required value: must specify a peer"),
        (
            {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}]},
            'from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
        ),
        (
            {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]},
            "from[0]: Forbidden: may not specify both ipBlock and another peer",
        ),
        (
            {"ports": [{"port": 90, "endPort": 80}]},
            "ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`",
        ),
    ],
)
def test_faults_of_a_policy(rule, fault):
    assert faults("NetworkPolicy", policy(ingress=[rule])) == [f"spec.ingress[0].{fault}"]


def test_the_class_of_an_ingress_is_no_annotation():
    obj = ingress()
    obj["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "a"}
    (warning,) = rules(GROUP, "Ingress").warnings(obj, None)
    assert warning.startswith('annotation "kubernetes.io/ingress.class" is deprecated')
    obj["spec"]["ingressClassName"] = "b"
    (wrong,) = faults("Ingress", obj)
    assert wrong.startswith('annotations.kubernetes.io/ingress.class: Invalid value: "a": must match')


def test_a_class_has_a_controller_with_a_domain():
    def of(**spec):
        obj = {"metadata": {"name": "c"}, "spec": spec}
        rules(GROUP, "IngressClass").default(obj)
        return obj

    assert faults("IngressClass", of(controller="example.com/c", parameters={"kind": "K", "name": "n"})) == []
    assert faults("IngressClass", of(controller="c")) == [
        'spec.controller: Invalid value: "c": must be a domain-prefixed path (such as "acme.io/foo")'
    ]
    assert faults("IngressClass", of(controller="a.b/c", parameters={"kind": "K", "name": "n", "scope": "Namespace"})) == [
        "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"
    ]


def test_an_address_is_somebodys_and_stays_so():
    parent = {"resource": "services", "namespace": "n", "name": "web"}
    held = {"metadata": {"name": "10.0.0.1"}, "spec": {"parentRef": parent}}
    assert faults("IPAddress", held) == []
    assert faults("IPAddress", {"metadata": {"name": "10.0.0.1"}, "spec": {}}) == ["spec.parentRef: Required value"]
    assert rules(GROUP, "IPAddress").cells(held, 0.0)[1] == "services/n/web"
    other = {**held, "spec": {"parentRef": {**parent, "name": "db"}}}
    assert [str(e) for e in rules(GROUP, "IPAddress").validate_update(other, held, "").items] == [
        'spec.parentRef: Invalid value: {"Group":"","Resource":"services","Namespace":"n","Name":"db"}: field is immutable'
    ]


def test_a_service_range_may_get_one_of_the_other_family():
    def ranges(*cidrs):
        return {"metadata": {"name": "r"}, "spec": {"cidrs": list(cidrs)}}

    found = rules(GROUP, "ServiceCIDR")
    assert faults("ServiceCIDR", ranges("10.0.0.0/24", "2001:db8::/64")) == []
    assert faults("ServiceCIDR", ranges()) == ["spec.cidrs: Required value: at least one CIDR required"]
    assert len(faults("ServiceCIDR", ranges("10.0.0.0/24", "10.1.0.0/24"))) == 1
    old = ranges("10.0.0.0/24")
    assert found.validate_update(ranges("10.0.0.0/24", "2001:db8::/64"), old, "").items == []
    assert [str(e) for e in found.validate_update(ranges("10.1.0.0/24"), old, "").items] == [
        'spec.cidrs[0]: Invalid value: "10.1.0.0/24": field is immutable'
    ]
