"""What a container asks to be done after its start and before its stop."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.conformance.pods import FOREVER, Pods, pod, shell, status_of
from tests.waiting import eventually

#: Answers each request on port 8080 and says what was asked for.
WORDS = ("exec-start", "exec-stop", "http-start", "http-stop")
SERVER = f"mkdir /w; cd /w; touch {' '.join(WORDS)}; exec httpd -f -vv -p 8080"


@pytest.fixture(scope="module")
def target(shared_pods: Pods) -> str:
    """The address of a server whose log tells what was asked of it."""
    shared_pods.start(pod("target", shell(SERVER)))
    found = shared_pods.ready("target")
    shared_pods.until_pod("target", lambda _: "8080" in shared_pods.exec("target", "netstat", "-ltn"))
    return str(found["status"]["podIP"])


@contextmanager
def asked(pods: Pods, word: str) -> Iterator[None]:
    """The server is asked for `word` meanwhile, and was not before."""
    assert f"url:/{word}" not in pods.log("target")
    yield
    eventually(lambda: f"url:/{word}" in pods.log("target"))


def hooked(name: str, hook: str, handler: dict[str, object]) -> dict[str, object]:
    container = {"command": FOREVER, "lifecycle": {hook: handler}}
    return pod(name, container, terminationGracePeriodSeconds=15)


def test_hooks_by_command(shared_pods: Pods, target: str) -> None:
    """[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart exec hook properly [NodeConformance] [Conformance]
    [sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop exec hook properly [NodeConformance] [Conformance]
    [sig-node] PreStop should call prestop when killing a pod [Conformance]
    """
    pods = shared_pods

    def say(word: str) -> dict[str, object]:
        return {"exec": {"command": ["sh", "-c", f"wget -qO- http://{target}:8080/{word}"]}}

    with asked(pods, "exec-start"):
        pods.start(hooked("exec-start", "postStart", say("exec-start")), hooked("exec-stop", "preStop", say("exec-stop")))
        pods.ready("exec-start")
    pods.ready("exec-stop")
    with asked(pods, "exec-stop"):
        pods.delete("pods/exec-stop")
        pods.until_gone("pods/exec-stop")


def test_hooks_by_http(shared_pods: Pods, target: str) -> None:
    """[sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute poststart http hook properly [NodeConformance] [Conformance]
    [sig-node] Container Lifecycle Hook when create a pod with lifecycle hook should execute prestop http hook properly [NodeConformance] [Conformance]
    """
    pods = shared_pods

    def get(word: str) -> dict[str, object]:
        return {"httpGet": {"host": target, "port": 8080, "path": f"/{word}", "httpHeaders": [{"name": "X", "value": "y"}]}}

    with asked(pods, "http-start"):
        pods.start(hooked("http-start", "postStart", get("http-start")), hooked("http-stop", "preStop", get("http-stop")))
        pods.ready("http-start")
    pods.ready("http-stop")
    with asked(pods, "http-stop"):
        pods.delete("pods/http-stop")
        pods.until_gone("pods/http-stop")


def test_a_hook_that_fails_ends_its_container(shared_pods: Pods) -> None:
    """A postStart that fails kills the container; a preStop that does is told of, and the container ends all the same."""
    pods, fail = shared_pods, {"exec": {"command": ["sh", "-c", "echo no >&2; exit 4"]}}
    pods.start(hooked("bad-start", "postStart", fail), hooked("bad-stop", "preStop", fail))
    ended = status_of(pods.ended("bad-start"))["state"]["terminated"]
    assert ended["exitCode"] in (0, 137, 143)
    pods.ready("bad-stop")
    pods.delete("pods/bad-stop")
    pods.until_gone("pods/bad-stop")
    eventually(lambda: "FailedPostStartHook" in [e["reason"] for e in pods.events("bad-start")])
    eventually(lambda: "FailedPreStopHook" in [e["reason"] for e in pods.events("bad-stop")])


def test_a_hook_that_sleeps(shared_pods: Pods) -> None:
    """KEP-3960: the container gets its signal when the time is up; and never later than its pod's grace allows."""
    pods = shared_pods
    for name, seconds in (("sleeps", 1), ("oversleeps", 60)):
        body = hooked(name, "preStop", {"sleep": {"seconds": seconds}})
        body["spec"]["terminationGracePeriodSeconds"] = 100
        pods.start(body)
    watched = pods.watch("pods", timeout_s=60)
    for name in ("sleeps", "oversleeps"):
        pods.ready(name)
        pods.delete(f"pods/{name}", **({"gracePeriodSeconds": 2} if name == "oversleeps" else {}))
    ends = []
    while len(ends) < 2:
        event = watched.next()
        if event["type"] == "DELETED" and "sleeps" in event["object"]["metadata"]["name"]:
            ends.append(status_of(event["object"])["state"]["terminated"]["exitCode"])
    watched.close()
    assert ends == [0, 0]
