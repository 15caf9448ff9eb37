"""What a container finds in its environment: ConfigMaps, Secrets, the pod's own facts, Services, and $(VAR)."""

import base64

from tests.conformance.objects import config_map, service
from tests.conformance.pods import Pods, pod, shell, status_of

from corral.api.quantity import parse

#: Prefixes of names, with characters that no shell takes (KEP-4369).
PREFIXES = ("", "p-", "#", "1-", "$_", "a b.", "{\\|~")


def lines(text: str) -> dict[str, str]:
    """Name → value, of what `env` prints."""
    return dict(line.partition("=")[::2] for line in text.splitlines())


def field(path: str) -> dict[str, object]:
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


def test_config_maps_and_secrets(pods: Pods) -> None:
    """[sig-node] ConfigMap should be consumable via environment variable [NodeConformance] [Conformance]
    [sig-node] ConfigMap should be consumable via the environment [NodeConformance] [Conformance]
    [sig-node] ConfigMap should be consumable as environment variable names with various prefixes [Conformance]
    [sig-node] Secrets should be consumable from pods in env vars [NodeConformance] [Conformance]
    [sig-node] Secrets should be consumable via the environment [NodeConformance] [Conformance]
    [sig-node] Secrets should be consumable as environment variable names variable names with various prefixes [Conformance]
    """
    data = {"data_1": "value-1", "data_2": "value-2", "data.3": "a=b $(HOME)"}
    secret = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    pods.create("configmaps", config_map("c", data))
    pods.create("secrets", {"metadata": {"name": "s"}, "data": secret})
    wanted = {}
    containers = []
    for name, ref, key in (("config", {"name": "c"}, "configMap"), ("secret", {"name": "s"}, "secret")):
        every = [{"prefix": prefix, f"{key}Ref": ref} for prefix in PREFIXES]
        one = [
            {"name": "ONE", "valueFrom": {f"{key}KeyRef": {**ref, "key": "data_1"}}},
            {"name": "MAYBE", "valueFrom": {f"{key}KeyRef": {**ref, "key": "none", "optional": True}}},
        ]
        containers.append({"name": name, "command": ["env"], "env": one, "envFrom": every})
        wanted[name] = {"ONE": "value-1"} | {p + k: v for p in PREFIXES for k, v in data.items()}
    pods.start(pod("p", *containers))
    for name, variables in wanted.items():
        found = lines(pods.output("p", name))
        assert {k: found.get(k) for k in variables} == variables and "MAYBE" not in found


def test_what_a_pod_is_told_of_itself(pods: Pods) -> None:
    """[sig-node] Downward API should provide pod name, namespace and IP address as env vars [NodeConformance] [Conformance]
    [sig-node] Downward API should provide host IP as an env var [NodeConformance] [Conformance]
    [sig-node] Downward API should provide hostIPs as an env var [NodeConformance] [Conformance]
    [sig-node] Downward API should provide pod UID as env vars [NodeConformance] [Conformance]
    [sig-node] Downward API should provide container's limits.cpu/memory and requests.cpu/memory as env vars [NodeConformance] [Conformance]
    [sig-node] Downward API should provide default limits.cpu/memory from node allocatable [NodeConformance] [Conformance]
    [sig-node] Pods should get a host IP [NodeConformance] [Conformance]
    """
    paths = ("metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels['of']", "spec.nodeName")
    paths += ("spec.serviceAccountName", "status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs")
    amounts = [
        {"name": amount, "valueFrom": {"resourceFieldRef": {"resource": amount, "containerName": "c"}}}
        for amount in ("requests.cpu", "limits.cpu", "requests.memory", "limits.memory", "limits.ephemeral-storage")
    ]
    facts = {"command": ["env"], "env": [{"name": path, **field(path)} for path in paths] + amounts}
    sized = {"requests": {"cpu": "250m", "memory": "32Mi"}, "limits": {"cpu": "1250m", "memory": "64Mi"}}
    pods.start(
        pod("sized", facts | {"resources": sized}, meta={"labels": {"of": "x"}}),
        pod("plain", facts),
        pod("host", facts, hostNetwork=True),
    )
    said = lines(pods.output("sized"))
    now = pods.get("pods/sized")
    status, node = now["status"], pods.get(f"/api/v1/nodes/{pods.cluster.node}")["status"]
    address = next(a["address"] for a in node["addresses"] if a["type"] == "InternalIP")
    assert status["hostIP"] == address and status["hostIPs"] == [{"ip": address}]
    own = {"metadata.name": "sized", "metadata.namespace": pods.namespace, "metadata.uid": now["metadata"]["uid"]}
    own |= {"metadata.labels['of']": "x", "spec.nodeName": pods.cluster.node, "spec.serviceAccountName": "default"}
    own |= {"status.podIP": status["podIP"], "status.podIPs": status["podIP"]}
    own |= {"status.hostIP": address, "status.hostIPs": address}
    own |= {"requests.cpu": "1", "limits.cpu": "2", "requests.memory": str(32 << 20), "limits.memory": str(64 << 20)}
    assert {name: said[name] for name in own} == own
    plain = lines(pods.output("plain"))
    whole = {f"limits.{name}": parse(node["allocatable"][name]).value() for name in ("cpu", "memory", "ephemeral-storage")}
    assert {name: int(plain[name]) for name in whole} == whole
    host = lines(pods.output("host"))
    assert host["status.podIP"] == host["status.hostIP"] == address


def test_variables_name_each_other(pods: Pods) -> None:
    """[sig-node] Variable Expansion should allow composing env vars into new env vars [NodeConformance] [Conformance]
    [sig-node] Variable Expansion should allow substituting values in a container's command [NodeConformance] [Conformance]
    [sig-node] Variable Expansion should allow substituting values in a container's args [NodeConformance] [Conformance]
    """
    variables = {"FOO": "foo", "BAR": "bar", "BOTH": "$(FOO);;$(BAR)", "LATER": "$(NONE) $$(FOO) $FOO", "NONE": "$(BOTH)"}
    env = [{"name": name, "value": value} for name, value in variables.items()]
    pods.start(
        pod(
            "p",
            {"name": "env", "command": ["env"], "env": env},
            {"name": "command", "command": ["echo", "$(FOO)", "$$(FOO)", "$(NOWHERE)", "$(BOTH)"], "env": env},
            {"name": "args", "command": ["echo"], "args": ["$(BAR)", "$(NONE)"], "env": env},
        )
    )
    said = lines(pods.output("p", "env"))
    assert said["BOTH"] == said["NONE"] == "foo;;bar" and said["LATER"] == "$(NONE) $(FOO) $FOO"
    assert pods.output("p", "command") == "foo $(FOO) $(NOWHERE) foo;;bar\n"
    assert pods.output("p", "args") == "bar foo;;bar\n"


def test_services(pods: Pods) -> None:
    """[sig-node] Pods should contain environment variables for services [NodeConformance] [Conformance]"""
    made = pods.create("services", service("fooservice", {"name": "server"}, {"port": 8765, "targetPort": 8080}))
    ip = made["spec"]["clusterIP"]
    pods.start(pod("client", {"command": ["env"]}), pod("declines", {"command": ["env"]}, enableServiceLinks=False))
    url = f"tcp://{ip}:8765"
    wanted = {"SERVICE_HOST": ip, "SERVICE_PORT": "8765", "PORT": url, "PORT_8765_TCP": url, "PORT_8765_TCP_PROTO": "tcp"}
    wanted |= {"PORT_8765_TCP_PORT": "8765", "PORT_8765_TCP_ADDR": ip}
    found = lines(pods.output("client"))
    assert {name: found[f"FOOSERVICE_{name}"] for name in wanted} == wanted
    declined = lines(pods.output("declines"))
    assert "KUBERNETES_SERVICE_HOST" in declined and not any(name.startswith("FOOSERVICE") for name in declined)


def test_files_of_variables(pods: Pods) -> None:
    """KEP-3721: what an init container wrote into an emptyDir, without its being mounted; what is not there keeps a container waiting."""
    write = shell(
        "echo \"# said\nONE='1'\nTWO='two words'\" > /d/env; echo BAD=1 > /d/bad",
        volumeMounts=[{"name": "d", "mountPath": "/d"}],
    )

    def of(key: str, path: str = "env", **more: object) -> dict[str, object]:
        return {"name": key, "valueFrom": {"fileKeyRef": {"volumeName": "d", "path": path, "key": key, **more}}}

    volumes = [{"name": "d", "emptyDir": {}}]
    asked = {"good": [of("ONE"), of("TWO"), of("NONE", optional=True), of("ELSE", "none", optional=True)]}
    asked |= {"no-key": [of("NONE")], "no-file": [of("ONE", "none")], "bad": [of("BAD", "bad")]}
    pods.start(
        *(pod(name, {"command": ["env"], "env": env}, initContainers=[write], volumes=volumes) for name, env in asked.items())
    )
    found = lines(pods.output("good"))
    assert (found["ONE"], found["TWO"]) == ("1", "two words") and not {"NONE", "ELSE"} & found.keys()
    told = {
        "no-key": 'key "NONE" not found in file "env"',
        "no-file": "not found in volume d",
        "bad": "couldn't parse env file bad",
    }
    for name, message in told.items():
        waits = pods.until_pod(name, lambda p: status_of(p).get("state", {}).get("waiting", {}).get("message"))
        waiting = status_of(waits)["state"]["waiting"]
        assert waiting["reason"] == "CreateContainerConfigError" and message in waiting["message"]


def test_a_name_of_the_host(pods: Pods) -> None:
    """HOSTNAME and the name that the kernel knows are the pod's."""
    pods.start(pod("named", shell("echo $HOSTNAME; hostname"), hostname="other"))
    assert pods.output("named") == "other\nother\n"
