"""Probes: who is restarted, who is ready and when. All pods are started at once, as most have to be watched for a while."""

import shlex
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.conformance.pods import FOREVER, Pods, condition, is_ready, pod, restarts, shell, status_of
from tests.waiting import eventually

from corral.base.clock import parse_rfc3339

Object = dict[str, Any]

QUICK: Object = {"periodSeconds": 1, "failureThreshold": 1}
#: Serves /healthz on 8080 for the number of seconds that is filled in, and answers 404 from then on.
FADES = "mkdir /w; echo ok > /w/healthz; (sleep {0}; rm /w/healthz) & exec httpd -f -p 8080 -h /w"
#: The standard health service on port 5000, by this host's own Python.
HEALTH = """
import grpc, time
from concurrent.futures import ThreadPoolExecutor
def check(request, context): return b"\\x08\\x01"
server = grpc.server(ThreadPoolExecutor(2))
handlers = {"Check": grpc.unary_unary_rpc_method_handler(check)}
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers),))
server.add_insecure_port("0.0.0.0:5000")
server.start()
time.sleep(600)
"""
HOST: Object = {"name": "host", "hostPath": {"path": "/", "type": "Directory"}}


def on_the_host(script: str) -> Object:
    """A container that runs Python with what this host has installed."""
    path = ":".join(p for p in sys.path if p)
    command = f"exec chroot /host env PYTHONPATH={path} {sys.executable} -c {shlex.quote(script)}"
    return shell(command, volumeMounts=[{"name": "host", "mountPath": "/host", "readOnly": True}])


def alive(probe: Object, **more: Any) -> Object:
    return {"livenessProbe": {**probe, **QUICK, **more}}


def get(path: str = "/healthz", port: Any = 8080) -> Object:
    return {"httpGet": {"path": path, "port": port}}


CAT = {"exec": {"command": ["cat", "/tmp/health"]}}
TCP = {"tcpSocket": {"port": 8080}}
GRPC = {"grpc": {"port": 5000}}
#: For machines that are slow to start a server.
SPARE = {"timeoutSeconds": 5, "failureThreshold": 30}

BODIES = [
    pod("cat-gone", shell("touch /tmp/health; sleep 1; rm /tmp/health; sleep 600") | alive(CAT), restartPolicy="Always"),
    pod("cat-stays", shell("touch /tmp/health; sleep 600") | alive(CAT, **SPARE), restartPolicy="Always"),
    pod("http-gone", shell(FADES.format(2)) | alive(get(), initialDelaySeconds=1), restartPolicy="Always"),
    pod("http-stays", shell(FADES.format(600)) | alive(get(), initialDelaySeconds=1, **SPARE), restartPolicy="Always"),
    pod("tcp-stays", shell(FADES.format(1)) | alive(TCP, initialDelaySeconds=1, **SPARE), restartPolicy="Always"),
    pod(
        "http-moved",
        shell(FADES.format(600))
        | alive(get(port="web"), initialDelaySeconds=1, **SPARE)
        | {"ports": [{"name": "web", "containerPort": 8080}]},
        restartPolicy="Always",
    ),
    pod(
        "grpc-stays", on_the_host(HEALTH) | alive(GRPC, initialDelaySeconds=2, **SPARE), volumes=[HOST], restartPolicy="Always"
    ),
    pod("grpc-wrong", shell("sleep 600") | alive({"grpc": {"port": 2333}}), restartPolicy="Always"),
    pod(
        "delayed",
        shell("sleep 600") | {"readinessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 4}},
        restartPolicy="Always",
    ),
    pod("unready", shell("sleep 600") | {"readinessProbe": {"exec": {"command": ["false"]}, **QUICK}}, restartPolicy="Always"),
    pod(
        "starting",
        shell("sleep 600")
        | {"startupProbe": {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 600}}
        | alive({"exec": {"command": ["false"]}}),
        restartPolicy="Always",
    ),
    pod("never-started", {"command": FOREVER, "startupProbe": {"exec": {"command": ["false"]}, **QUICK}}),
    pod(
        "impatient",
        shell("trap '' TERM; sleep 600") | alive({"exec": {"command": ["false"]}}, terminationGracePeriodSeconds=1),
        terminationGracePeriodSeconds=500,
    ),
    pod(
        "slow-answer",
        shell("sleep 600") | alive({"exec": {"command": ["sleep", "10"]}}, timeoutSeconds=1),
        restartPolicy="Always",
    ),
]


def successes(pods: Pods, name: str) -> float:
    """How often the liveness probe of a pod has succeeded, as its node counts."""
    text = pods.get(f"/api/v1/nodes/{pods.cluster.node}/proxy/metrics/probes")
    wanted = {"namespace": pods.namespace, "pod": name, "probe_type": "Liveness", "result": "successful"}
    found = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(sample.value for sample in found if wanted.items() <= sample.labels.items())


@pytest.fixture(scope="module")
def probed(shared_pods: Pods) -> Iterator[Pods]:
    """All of them, started."""
    shared_pods.start(*BODIES)
    yield shared_pods


def test_the_unhealthy_are_restarted(probed: Pods) -> None:
    """[sig-node] Probing container should be restarted with a /healthz http liveness probe [NodeConformance] [Conformance]
    [sig-node] Probing container should be restarted with a exec "cat /tmp/health" liveness probe [NodeConformance] [Conformance]
    [sig-node] Probing container should be restarted with a GRPC liveness probe [NodeConformance] [Conformance]
    """
    for name in ("http-gone", "cat-gone", "grpc-wrong", "slow-answer"):
        found = probed.until_pod(name, lambda p: restarts(p) >= 1)
        assert status_of(found)["lastState"]["terminated"]["exitCode"] == 137, name
        eventually(lambda name=name: {"Unhealthy", "Killing"} <= {e["reason"] for e in probed.events(name)})
    failed = "Liveness probe failed: HTTP probe failed with statuscode: 404"
    eventually(lambda: failed in [e["message"] for e in probed.events("http-gone")])
    killed = "Container c failed liveness probe, will be restarted"
    eventually(lambda: killed in [e["message"] for e in probed.events("cat-gone")])


def test_readiness_waits_for_its_delay(probed: Pods) -> None:
    """[sig-node] Probing container with readiness probe should not be ready before initial delay and never restart [NodeConformance] [Conformance]"""
    found = probed.ready("delayed")
    started = status_of(found)["state"]["running"]["startedAt"]
    assert parse_rfc3339(condition(found, "Ready")["lastTransitionTime"]) - parse_rfc3339(started) >= 3
    assert restarts(found) == 0


def test_a_startup_probe_holds_the_others_back(probed: Pods) -> None:
    """Until it succeeds nothing else is asked; where it never does, the container ends."""
    found = probed.ended("never-started")
    assert found["status"]["phase"] in ("Failed", "Succeeded") and restarts(found) == 0
    eventually(lambda: "Container c failed startup probe" in [e["message"] for e in probed.events("never-started")])
    found = probed.get("pods/starting")
    assert (restarts(found), status_of(found)["started"], is_ready(found)) == (0, False, False)


def test_a_probe_has_a_grace_of_its_own(probed: Pods) -> None:
    """KEP-2238: the probe's terminationGracePeriodSeconds holds for the container that it condemns."""
    assert status_of(probed.ended("impatient"))["state"]["terminated"]["exitCode"] == 137


def test_restarts_are_counted_up(probed: Pods) -> None:
    """[sig-node] Probing container should have monotonically increasing restart count [NodeConformance] [Conformance]"""
    seen = [0]
    found = probed.until_pod("http-gone", lambda p: seen.append(restarts(p)) or seen[-1] == 2)
    assert seen == sorted(seen) and "terminated" in status_of(found)["lastState"]


def test_the_healthy_are_not_restarted(probed: Pods) -> None:
    """[sig-node] Probing container should *not* be restarted with a /healthz http liveness probe [NodeConformance] [Conformance]
    [sig-node] Probing container should *not* be restarted with a exec "cat /tmp/health" liveness probe [NodeConformance] [Conformance]
    [sig-node] Probing container should *not* be restarted with a tcp:8080 liveness probe [NodeConformance] [Conformance]
    [sig-node] Probing container should *not* be restarted with a GRPC liveness probe [NodeConformance] [Conformance]
    [sig-node] Probing container with readiness probe that fails should never be ready and never restart [NodeConformance] [Conformance]
    """
    for name in ("cat-stays", "http-stays", "http-moved", "tcp-stays", "grpc-stays"):
        eventually(lambda name=name: successes(probed, name) >= 2, 60)
        assert restarts(probed.ready(name)) == 0, name
    unready = probed.running("unready")
    assert (restarts(unready), is_ready(unready), status_of(unready)["started"]) == (0, False, True)
    assert condition(unready, "Ready")["reason"] == "ContainersNotReady"
    changes = {c["lastTransitionTime"] for c in unready["status"]["conditions"] if c["type"] == "Ready"}
    assert len(changes) == 1 and "Unhealthy" in [e["reason"] for e in probed.events("unready")]
