"""Why an object of a release is not ready, from the pods themselves: container states, events, the last lines of logs.

`blamed` and `described` are pure; `why` asks the cluster.
"""

import asyncio
from collections.abc import Iterable, Sequence

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.selectors import text_of
from corral.charts.actions.cluster import Cluster, Target

LOG_LINES = 10
LOG_BYTES = 4096
PODS_SHOWN = 3
EVENTS_SHOWN = 3


async def why(cluster: Cluster, targets: Sequence[Target]) -> list[str]:
    """Lines that say what is wrong with the pods of these objects; nothing where all is well or cannot be asked."""
    lines: list[str] = []
    for target in targets:
        try:
            pods = [p for p in await _pods(cluster, target) if blamed(p)]
        except (ApiError, OSError, TimeoutError):
            continue
        for pod in pods[:PODS_SHOWN]:
            lines += await _about(cluster, pod)
        if len(pods) > PODS_SHOWN:
            lines.append(f"and {len(pods) - PODS_SHOWN} more pods of {target.kind} {target.name}")
        if not pods:
            events = await _events(cluster, target.obj)
            lines += [f"{target.kind} {target.name}: {text}" for text in events]
    return lines


async def _about(cluster: Cluster, pod: Object) -> list[str]:
    name = pod["metadata"]["name"]
    faults = blamed(pod)
    lines = [f"pod {name}: {fault}" for _, fault in faults]
    events, *logs = await asyncio.gather(_events(cluster, pod), *(_log(cluster, pod, c) for c, _ in faults if c))
    lines += [f"pod {name}: {text}" for text in events if not any(text in line for line in lines)]
    for (container, _), log in zip([f for f in faults if f[0]], logs, strict=True):
        if log:
            lines.append(f"the last lines of {name}, container {container}:")
            lines += [f"    {line}" for line in log]
    return lines


def blamed(pod: Object) -> list[tuple[str, str]]:
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


def described(container: Object) -> str:
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


async def _pods(cluster: Cluster, target: Target) -> list[Object]:
    """The pods of a workload."""
    if target.kind == "Pod":
        pod = await cluster.get(target)
        return [] if pod is None else [pod]
    selector = (target.obj.get("spec") or {}).get("selector")
    if target.kind == "Job":
        text = f"batch.kubernetes.io/job-name={target.name}"
    elif isinstance(selector, dict) and target.kind in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"):
        text = text_of(selector)
    elif isinstance(selector, dict) and target.kind == "ReplicationController":
        text = ",".join(f"{k}={v}" for k, v in selector.items())
    else:
        return []
    listing = await cluster.client.list("pods", target.namespace, label_selector=text)
    return [item.object for item in listing.items]


async def _events(cluster: Cluster, obj: Object) -> list[str]:
    meta = obj["metadata"]
    selector = f"involvedObject.name={meta['name']},type=Warning"
    try:
        listing = await cluster.client.list("events", meta.get("namespace", ""), field_selector=selector)
    except (ApiError, OSError, TimeoutError):
        return []
    return newest(item.object for item in listing.items)


def newest(events: Iterable[Object]) -> list[str]:
    """The last few different warnings, the newest last."""
    ordered = sorted(events, key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "")
    texts = dict.fromkeys(f"{event.get('reason', '')}: {event.get('message', '')}" for event in reversed(ordered))
    return list(reversed(list(texts)[:EVENTS_SHOWN]))


async def _log(cluster: Cluster, pod: Object, container: str) -> list[str]:
    meta = pod["metadata"]
    path = cluster.client.resource("pods").path(meta["namespace"], meta["name"], "log")
    query = {"container": container, "tailLines": str(LOG_LINES), "limitBytes": str(LOG_BYTES)}
    for previous in ({"previous": "true"}, {}):
        try:
            data = await cluster.client.raw("GET", path, query | previous)
        except (ApiError, OSError, TimeoutError):
            continue
        if data:
            return data.decode("utf-8", "replace").splitlines()[-LOG_LINES:]
    return []
