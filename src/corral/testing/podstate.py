"""What a node observes of a pod, for tests: sandboxes and containers with only what matters filled in."""

from typing import Any

from corral.api.objects import Object
from corral.node.cri.types import Container, ContainerState, Sandbox
from corral.node.podstate.observed import BACKOFF_ANNOTATION, HASH_ANNOTATION, Observed
from corral.node.podstate.spechash import spec_hash
from corral.testing.objects import NOW_S, ago

IMAGE = "corral.local/busybox:1"


def new_pod(*containers: Object, status: Any = None, meta: Any = None, **spec: Any) -> Object:
    """A pod as the scheduler leaves it; one container called `c` unless others are given."""
    names = {"name": "web", "namespace": "default", "uid": "u1", "generation": 1, "creationTimestamp": ago(10)}
    filled = {"restartPolicy": "Always", "nodeName": "n1", "containers": list(containers) or [container("c")]} | spec
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {**names, **(meta or {})},
        "spec": filled,
        "status": status if status is not None else {"phase": "Pending", "qosClass": "BestEffort"},
    }


def container(name: str, **more: Any) -> Object:
    """A container of a pod."""
    return {"name": name, "image": IMAGE, **more}


def sandbox(attempt: int = 0, *, ready: bool = True, ips: tuple[str, ...] = ("10.0.0.5",)) -> Sandbox:
    """A sandbox of the pod."""
    return Sandbox(f"s{attempt}", "u1", "web", "default", attempt, ready, NOW_S - 9, ips)


def found(
    name: str,
    state: ContainerState = "running",
    *,
    attempt: int = 0,
    exit_code: int = 0,
    ran_s: float = 5.0,
    ended_ago_s: float = 1.0,
    backoff_s: float = 0.0,
    reason: str = "",
    message: str = "",
    image: str = IMAGE,
) -> Container:
    """A container as the runtime reports it; one that has exited ended `ended_ago_s` before NOW_S after `ran_s`."""
    ended_s = NOW_S - ended_ago_s if state == "exited" else 0.0
    started_s = 0.0 if state == "created" else (ended_s or NOW_S) - ran_s
    return Container(
        id=f"{name}-{attempt}",
        name=name,
        attempt=attempt,
        state=state,
        created_s=started_s,
        started_s=started_s,
        finished_s=ended_s,
        exit_code=exit_code,
        reason=reason or ("" if state != "exited" else "Error" if exit_code else "Completed"),
        message=message,
        image=image,
        image_ref="sha256:1",
        image_id="sha256:1",
        log_path=f"/logs/{name}/{attempt}.log",
        labels={},
        annotations={BACKOFF_ANNOTATION: f"{backoff_s:g}", HASH_ANNOTATION: spec_hash({"name": name, "image": image})},
    )


def observed(*containers: Container, sandboxes: tuple[Sandbox, ...] | None = None, **more: Any) -> Observed:
    """What is known of the pod: these containers (newest first) in one ready sandbox, unless others are given."""
    return Observed(
        sandboxes=(sandbox(),) if sandboxes is None else sandboxes, containers=containers, seen_s=NOW_S - 10, **more
    )
