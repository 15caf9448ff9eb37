"""The status of one container. Pure.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#ContainerStatus
"""

from collections.abc import Sequence
from typing import Literal

from corral.api.objects import Object
from corral.base.clock import rfc3339
from corral.node.cri.types import Container
from corral.node.podstate.observed import (
    Observed,
    init_containers,
    is_deleted,
    is_over,
    is_ready,
    is_sidecar,
    is_started,
)
from corral.node.podstate.restarts import comes_again, delay_s, policy_of

Role = Literal["init", "main", "ephemeral"]
RUNTIME = "containerd"
#: What is said of a container of which nothing is known when its pod has ended.
LOST: Object = {
    "terminated": {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": None,
        "finishedAt": None,
    }
}


def container_status(pod: Object, container: Object, observed: Observed, role: Role, *, stopped: bool = False) -> Object:
    """The ContainerStatus of `container`."""
    name = container["name"]
    found = observed.latest(name)
    made: Object = {"name": name, "state": {}, "lastState": {}, "ready": False, "restartCount": 0}
    made |= {"image": container["image"], "imageID": "", "started": False}
    if found is None:
        return made | _never_made(pod, name, observed, role, stopped=stopped)
    previous = observed.previous(name)
    made["state"] = _state(found)
    if previous is not None and previous.state == "exited":
        made["lastState"] = _state(previous)
    made |= {
        "restartCount": found.attempt,
        "image": found.image,
        "imageID": found.image_ref or found.image_id,
        "containerID": f"{RUNTIME}://{found.id}",
    }
    if role == "main" or (role == "init" and is_sidecar(container)):
        made["started"] = is_started(container, found, observed)
        made["ready"] = is_ready(container, found, observed)
    elif role == "init":
        made["ready"] = found.state == "exited" and found.exit_code == 0
    _waiting(pod, container, found, observed, made, stopped=stopped)
    _resources(container, found, observed, made)
    if mounts := _mounts(container, below=observed.read_only_below):
        made["volumeMounts"] = mounts
    if found.user is not None:
        groups = {"supplementalGroups": list(found.user.groups)} if found.user.groups else {}
        made["user"] = {"linux": {"uid": found.user.uid, "gid": found.user.gid, **groups}}
    return made


def lose(pod: Object, inits: Sequence[Object], mains: Sequence[Object]) -> None:
    """Of a pod that has ended: containers of whose end nothing is known have failed. Changes the statuses.

    Those whose turn had not come keep waiting: the init containers after the last that began, and where the pod was never
    initialized, the main ones.
    """
    begun = [i for i, made in enumerate(inits) if _has_begun(made)]
    lost = list(inits[: max(begun, default=0) + 1])
    if _was_initialized(pod, inits, mains):
        lost += mains
    for made in lost:
        if "terminated" not in made["state"]:
            made["state"] = LOST


def _has_begun(made: Object) -> bool:
    return "waiting" not in made["state"] or "terminated" in made["lastState"]


def _was_initialized(pod: Object, inits: Sequence[Object], mains: Sequence[Object]) -> bool:
    if not inits or any(_has_begun(made) for made in mains):
        return True
    last = inits[-1]
    if is_sidecar(init_containers(pod)[-1]):
        return bool(last["started"])
    ends = (last[field].get("terminated") for field in ("state", "lastState"))
    return any(end is not None and end["exitCode"] == 0 for end in ends)


def _never_made(pod: Object, name: str, observed: Observed, role: Role, *, stopped: bool) -> Object:
    """What is said of a container that the runtime does not know: what the API knew of it, or why it is not there yet."""
    known = _known(pod, name)
    if known is not None and (stopped or is_over(pod)) and "waiting" not in known.get("state", {}):
        return dict(known)
    failure = observed.failures.get(name)
    if failure is not None:
        waiting = {"reason": failure.reason, "message": failure.message}
        return {"state": {"waiting": {k: v for k, v in waiting.items() if v}}}
    initializing = bool(init_containers(pod)) and role != "ephemeral"
    return {"state": {"waiting": {"reason": "PodInitializing" if initializing else "ContainerCreating"}}}


def _known(pod: Object, name: str) -> Object | None:
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for made in status.get(field) or ():
            if made["name"] == name and made.get("containerID"):
                return dict(made)
    return None


def _state(found: Container) -> Object:
    if found.state == "running":
        return {"running": {"startedAt": rfc3339(found.started_s)}}
    if found.state == "exited":
        ended: Object = {"exitCode": found.exit_code}
        if found.reason:
            ended["reason"] = found.reason
        if found.message:
            ended["message"] = found.message
        ended["startedAt"] = rfc3339(found.started_s)
        ended["finishedAt"] = rfc3339(found.finished_s)
        ended["containerID"] = f"{RUNTIME}://{found.id}"
        return {"terminated": ended}
    return {"waiting": {"reason": "ContainerCreating"}}


def _waiting(pod: Object, container: Object, found: Container, observed: Observed, made: Object, *, stopped: bool) -> None:
    """A container that ended and comes again is waiting, and its end is its last state."""
    if stopped or observed.ending or found.state not in ("exited", "created") or is_deleted(pod) or is_over(pod):
        return
    policy = policy_of(pod, container)
    if any(c["name"] == container["name"] for c in init_containers(pod)) and not is_sidecar(container) and policy == "Always":
        policy = "OnFailure"
    if not comes_again(policy, container, found):
        return
    failure = observed.failures.get(container["name"])
    if failure is not None:
        reason, message = failure.reason, failure.message
    elif found.replaced:
        # Never said to have ended: the API does not let a container of a pod that is not restarted leave its end.
        reason, message = "ContainerCreating", ""
    elif (backoff_s := delay_s(found)) > 0 and found.state == "exited":
        meta = pod["metadata"]
        reason = "CrashLoopBackOff"
        message = (
            f"back-off {go_duration(backoff_s)} restarting failed container={container['name']} "
            f"pod={meta['name']}_{meta.get('namespace', '')}({meta.get('uid', '')})"
        )
    else:
        return
    if "terminated" in made["state"]:
        made["lastState"] = made["state"]
    made["state"] = {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}


def _resources(container: Object, found: Container, observed: Observed, made: Object) -> None:
    asked = observed.resources.get(found.id) or container.get("resources") or {}
    granted = container.get("resources") or {}
    if granted.get("requests"):
        made["allocatedResources"] = dict(granted["requests"])
    made["resources"] = {k: dict(v) for k, v in asked.items() if k in ("requests", "limits") and v}


def _mounts(container: Object, *, below: bool) -> list[Object]:
    made = []
    for mount in container.get("volumeMounts") or ():
        entry = {"name": mount["name"], "mountPath": mount["mountPath"]}
        if mount.get("readOnly"):
            asked = mount.get("recursiveReadOnly") or "Disabled"
            made_so = ("Enabled" if below else "Disabled") if asked == "IfPossible" else asked
            entry |= {"readOnly": True, "recursiveReadOnly": made_so}
        made.append(entry)
    return made


def go_duration(seconds: float) -> str:
    """Seconds as Go prints a duration: `10s`, `2m40s`, `5m0s`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s"
