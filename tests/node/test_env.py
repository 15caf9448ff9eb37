import base64

import pytest

from corral.node.env import environment, expand, service_links
from corral.node.facts import ConfigError, NodeFacts
from corral.node.references import Reference
from corral.testing.podstate import container, new_pod

NODE = NodeFacts("n1", ("192.0.2.1",), 4000, 8 * 1024**3)
OBJECTS = {
    Reference("configmaps", "default", "conf"): {"data": {"a": "1", "b": "two"}},
    Reference("secrets", "default", "keys"): {"data": {"p": base64.b64encode(b"pass").decode()}},
}


def env(spec, pod=None, services=()):
    pod = pod or new_pod(spec)
    return environment(pod, spec, OBJECTS.get, services, NODE, ("10.0.0.5", "fd00::5"))


def value_of(source, **more):
    return env(container("c", env=[{"name": "X", "valueFrom": source}], **more)).get("X")


def test_references_to_earlier_variables_are_expanded():
    variables = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(LATER)-$$(A)"}, {"name": "LATER", "value": "x"}]
    assert env(container("c", env=variables)) == {"A": "1", "B": "1-$(LATER)-$(A)", "LATER": "x"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("$(A)", "1"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$A", "$A"), ("$(A", "$(A"), ("$", "$"), ("$(N)", "$(N)")],
)
def test_expansion(text, expanded):
    assert expand(text, {"A": "1"}) == expanded


def test_whole_objects_with_a_prefix_and_what_env_says_wins():
    spec = container(
        "c",
        envFrom=[{"configMapRef": {"name": "conf"}, "prefix": "P_"}, {"secretRef": {"name": "keys"}}],
        env=[{"name": "P_a", "value": "mine"}],
    )
    assert env(spec) == {"P_a": "mine", "P_b": "two", "p": "pass"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "u1"),
        ("metadata.labels['app']", "shop"),
        ("metadata.annotations['none']", ""),
        ("spec.nodeName", "n1"),
        ("status.hostIP", "192.0.2.1"),
        ("status.podIP", "10.0.0.5"),
        ("status.podIPs", "10.0.0.5,fd00::5"),
    ],
)
def test_fields_of_the_pod(path, value):
    spec = container("c", env=[{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}])
    assert env(spec, new_pod(spec, meta={"labels": {"app": "shop"}}))["X"] == value


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", "0", "2"),
        ("limits.cpu", "1m", "1500"),
        ("requests.cpu", "1", "1"),
        ("limits.memory", "1Mi", "64"),
        ("requests.memory", "1", "0"),
    ],
)
def test_resources_are_divided_and_rounded_up(resource, divisor, value):
    resources = {"limits": {"cpu": "1500m", "memory": "64Mi"}, "requests": {"cpu": "250m"}}
    reference = {"resourceFieldRef": {"resource": resource, "divisor": divisor}}
    assert value_of(reference, resources=resources) == value


def test_without_a_limit_the_node_is_the_limit():
    assert value_of({"resourceFieldRef": {"resource": "limits.cpu"}}) == "4"
    assert value_of({"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Gi"}}) == "8"


def test_keys():
    assert value_of({"configMapKeyRef": {"name": "conf", "key": "b"}}) == "two"
    assert value_of({"secretKeyRef": {"name": "keys", "key": "p"}}) == "pass"
    assert value_of({"secretKeyRef": {"name": "keys", "key": "none", "optional": True}}) is None
    assert value_of({"configMapKeyRef": {"name": "none", "key": "k", "optional": True}}) is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "none", "key": "k"}}, 'configmap "none" not found'),
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"configMapKeyRef": {"name": "conf", "key": "k"}}, "couldn't find key k in ConfigMap default/conf"),
        ({"secretKeyRef": {"name": "keys", "key": "k"}}, "couldn't find key k in Secret default/keys"),
    ],
)
def test_what_is_missing_is_named(source, message):
    with pytest.raises(ConfigError) as caught:
        value_of(source)
    assert str(caught.value) == message


def service(name, namespace="default", ip="10.0.0.9", **more):
    ports = [{"name": "http", "port": 80, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": ip, "ports": ports, **more}}


def test_services_of_the_namespace_and_the_api():
    links = service_links(new_pod(), [service("my-web"), service("other", "elsewhere"), service("headless", ip="None")])
    assert links["MY_WEB_SERVICE_HOST"] == "10.0.0.9"
    assert links["MY_WEB_SERVICE_PORT"] == links["MY_WEB_SERVICE_PORT_HTTP"] == "80"
    assert links["MY_WEB_PORT"] == links["MY_WEB_PORT_80_TCP"] == "tcp://10.0.0.9:80"
    assert links["MY_WEB_PORT_53_UDP"] == "udp://10.0.0.9:53"
    assert links["MY_WEB_PORT_53_UDP_ADDR"] == "10.0.0.9"
    assert not [name for name in links if not name.startswith("MY_WEB")]


def test_a_pod_may_decline_all_but_the_api():
    pod = new_pod(enableServiceLinks=False)
    links = service_links(pod, [service("web"), service("kubernetes", ip="10.0.0.1")])
    assert {name.split("_")[0] for name in links} == {"KUBERNETES"}


def test_own_variables_win_over_services():
    spec = container("c", env=[{"name": "WEB_PORT", "value": "mine"}, {"name": "U", "value": "$(WEB_SERVICE_HOST)"}])
    made = env(spec, services=[service("web")])
    assert made["WEB_PORT"] == "mine"
    assert made["U"] == "10.0.0.9"
