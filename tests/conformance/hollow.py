"""Nodes that run nothing: the test says what has become of their pods, and how soon.

What controllers and the scheduler do can so be seen step by step, also with readiness that breaks and nodes that are full:

    hollow.add("one", cpu="2")
    hollow.until(lambda: len(hollow.pods("app=web")) == 2)     # pods on the nodes run, deleted ones go
    hollow.says("web-0", ready=False)
"""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tests.conformance.rest import STRATEGIC, Api

Object = dict[str, Any]

NODES = "/api/v1/nodes"
LOOK_EVERY_S = 0.02


class HollowNodes:
    """Nodes of one test, and the pods on them as a node agent would tell of them."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.names: list[str] = []
        #: What becomes of a pod that was just bound: "ready", "running" (not Ready), "succeeded", "failed", or None for nothing.
        self.fate: Callable[[Object], str | None] = lambda pod: "ready"
        #: Whether a pod that is to be deleted is kept.
        self.keeps: Callable[[Object], bool] = lambda pod: False
        self._addresses = (f"10.99.{n // 250}.{n % 250 + 1}" for n in itertools.count())

    def add(self, name: str, labels: dict[str, str] | None = None, **amounts: str) -> str:
        """A node that is Ready and without taints; its name, with the test's in it."""
        name = f"{name}-{self.api.namespace}"
        amounts = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "100Gi", **amounts}
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": _now()}
        status = {"capacity": amounts, "allocatable": amounts, "conditions": [ready]}
        metadata = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}}
        self.names.append(name)
        self.api.create(NODES, {"kind": "Node", "apiVersion": "v1", "metadata": metadata, "status": status})
        self.api.until(f"{NODES}/{name}", lambda node: not node["spec"].get("taints"))
        return name

    def offer(self, name: str, amounts: dict[str, str]) -> None:
        """More resources of a node, as a device plugin would bring them."""
        self.api.patch(f"{NODES}/{name}/status", {"status": {"capacity": amounts, "allocatable": amounts}})

    def pods(self, selector: str = "") -> list[Object]:
        """The pods of the test's namespace."""
        found: list[Object] = self.api.get("pods", **({"labelSelector": selector} if selector else {}))["items"]
        return found

    def until(self, question: Callable[[], Any], timeout_s: float = 20) -> Any:
        """The first true answer to `question`; meanwhile the nodes go on."""
        deadline_s = time.monotonic() + timeout_s
        while not (answer := question()):
            if time.monotonic() > deadline_s:
                raise AssertionError(f"still {answer!r} after {timeout_s} s: {[_told(pod) for pod in self.pods()]}")
            self.go_on()
            time.sleep(LOOK_EVERY_S)
        return answer

    def go_on(self) -> None:
        """What the nodes do when they look at their pods once."""
        for name in self.names:
            for pod in self.api.get("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")["items"]:
                if pod["metadata"].get("deletionTimestamp"):
                    if not self.keeps(pod):
                        self._let_go(pod)
                elif pod["status"].get("phase") == "Pending" and not pod["status"].get("podIP"):
                    fate = self.fate(pod)
                    if fate is not None:
                        self._tell(pod, fate)

    def says(self, name: str, fate: str = "ready", code: int = 0) -> Object:
        """Tell what became of a pod of the test's namespace."""
        return self._tell(self.api.get(f"pods/{name}"), fate, code)

    def _tell(self, pod: Object, fate: str, code: int | None = None) -> Object:
        meta = pod["metadata"]
        state: Object = {"running": {"startedAt": _now()}}
        phase = {"succeeded": "Succeeded", "failed": "Failed"}.get(fate, "Running")
        if phase != "Running":
            code = code or int(fate == "failed")
            state = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "finishedAt": _now()}}
        ready = fate == "ready"
        containers = [
            {"name": c["name"], "ready": ready, "restartCount": 0, "image": c["image"], "imageID": "", "state": state}
            for c in pod["spec"]["containers"]
        ]
        truth = {"Initialized": True, "PodScheduled": True, "Ready": ready, "ContainersReady": ready}
        conditions = [{"type": kind, "status": str(holds), "lastTransitionTime": _now()} for kind, holds in truth.items()]
        address = pod["status"].get("podIP") or next(self._addresses)
        status = {
            "phase": phase,
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": _now(),
            "conditions": conditions,
            "containerStatuses": containers,
        }
        patch = {"metadata": {"uid": meta["uid"]}, "status": status}
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
        code_, told, _ = self.api.raw("PATCH", path, patch, type=STRATEGIC)
        # A controller may have taken it, or made another, in between.
        assert code_ in (200, 404, 409), told
        return dict(told)

    def _let_go(self, pod: Object) -> None:
        meta = pod["metadata"]
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
        code, told, _ = self.api.raw("DELETE", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", options)
        assert code in (200, 404, 409), told

    def close(self) -> None:
        """Take the nodes away, and first what is on them."""
        for name in self.names:
            for pod in self.api.get("/api/v1/pods", fieldSelector=f"spec.nodeName={name}")["items"]:
                self._let_go(pod)
            self.api.delete(f"{NODES}/{name}")


@contextmanager
def hollow_nodes(api: Api) -> Iterator[HollowNodes]:
    """No nodes yet; gone afterwards."""
    nodes = HollowNodes(api)
    try:
        yield nodes
    finally:
        nodes.close()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _told(pod: Object) -> str:
    return f"{pod['metadata']['name']} {pod['status'].get('phase')} on {pod['spec'].get('nodeName')}"
