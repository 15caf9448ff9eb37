"""Why an object of a release is not ready, from the pods themselves: container states, events, the last lines of logs.

`blamed` and `described` are pure; `why` asks the cluster.
"""

from corral.api.errors import ApiError
from corral.base.annotations import TYPE_CHECKING, Iterable, Sequence
from corral.charts.actions.cluster import Cluster, Target
from corral.charts.actions.pods import PODS, pods_of

if TYPE_CHECKING:
    from corral.api.objects import Object

LOG_LINES = 10
LOG_BYTES = 4096
PODS_SHOWN = 3
EVENTS_SHOWN = 3


def why(cluster: Cluster, targets: Sequence[Target]) -> list[str]:
    """Lines that say what is wrong with the pods of these objects; nothing where all is well or cannot be asked."""
    lines: list[str] = []
    for target in targets:
        try:
            pods = [p for p in pods_of(cluster, target) if blamed(p)]
        except (ApiError, OSError):
            continue
        for pod in pods[:PODS_SHOWN]:
            lines += _about(cluster, pod)
        if len(pods) > PODS_SHOWN:
            lines.append(f"and {len(pods) - PODS_SHOWN} more pods of {target.kind} {target.name}")
        if not pods:
            events = _events(cluster, target.obj)
            lines += [f"{target.kind} {target.name}: {text}" for text in events]
    return lines


def _about(cluster: Cluster, pod: "Object") -> list[str]:
    name = pod["metadata"]["name"]
    faults = blamed(pod)
    lines = [f"pod {name}: {fault}" for _, fault in faults]
    lines += [f"pod {name}: {text}" for text in _events(cluster, pod) if not any(text in line for line in lines)]
    for container in [container for container, _ in faults if container]:
        if log := _log(cluster, pod, container):
            lines.append(f"the last lines of {name}, container {container}:")
            lines += [f"    {line}" for line in log]
    return lines


def blamed(pod: "Object") -> list[tuple[str, str]]:
    """What is wrong with a pod: (container or "", a sentence); nothing where it is ready or has succeeded."""
    status = pod.get("status") or {}
    if status.get("phase") == "Succeeded" or pod["metadata"].get("deletionTimestamp"):
        return []
    faults: list[tuple[str, str]] = []
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            faults.append(("", f"it has no node: {condition.get('message', condition.get('reason', ''))}"))
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        if fault := described(container):
            faults.append((container["name"], f"container {container['name']} {fault}"))
    if not faults and status.get("phase") == "Failed":
        faults.append(("", f"it failed: {status.get('message') or status.get('reason', '')}"))
    return faults


def described(container: "Object") -> str:
    """What is wrong with a container, by its status."""
    state = container.get("state") or {}
    waiting, ended = state.get("waiting"), state.get("terminated")
    before = (container.get("lastState") or {}).get("terminated")
    if waiting and waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
        text = f"waits: {waiting['reason']}" + (f": {waiting['message']}" if waiting.get("message") else "")
        return f"{text}; it ended with exit code {before['exitCode']}" if before else text
    if ended and ended.get("exitCode") != 0:
        return f"ended with exit code {ended['exitCode']} ({ended.get('reason', '')})"
    if "running" in state and not container.get("ready") and container.get("started") is not None:
        return f"runs and is not ready (restarts: {container.get('restartCount', 0)})"
    return ""


def _events(cluster: Cluster, obj: "Object") -> list[str]:
    meta = obj["metadata"]
    selector = f"involvedObject.name={meta['name']},type=Warning"
    try:
        path = f"/api/v1/namespaces/{meta.get('namespace') or 'default'}/events"
        events, _ = cluster.api.list(path, {"fieldSelector": selector})
    except (ApiError, OSError):
        return []
    return newest(events)


def newest(events: "Iterable[Object]") -> list[str]:
    """The last few different warnings, the newest last."""
    ordered = sorted(events, key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "")
    texts = dict.fromkeys(f"{event.get('reason', '')}: {event.get('message', '')}" for event in reversed(ordered))
    return list(reversed(list(texts)[:EVENTS_SHOWN]))


def _log(cluster: Cluster, pod: "Object", container: str) -> list[str]:
    meta = pod["metadata"]
    path = PODS.path(meta["namespace"], meta["name"], "log")
    query = {"container": container, "tailLines": str(LOG_LINES), "limitBytes": str(LOG_BYTES)}
    for previous in ({"previous": "true"}, {}):
        try:
            data = cluster.api.raw(path, query | previous)
        except (ApiError, OSError):
            continue
        if data:
            return data.decode("utf-8", "replace").splitlines()[-LOG_LINES:]
    return []
