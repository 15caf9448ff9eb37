"""The status of a pod as the node reports it: phase, conditions, container statuses, addresses. A pure function.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from collections.abc import Sequence
from typing import Any

from corral.api.kinds.qos import qos_class
from corral.api.objects import Object
from corral.base.clock import rfc3339
from corral.node.podstate.conditions import conditions
from corral.node.podstate.containers import container_status, lose
from corral.node.podstate.observed import (
    Observed,
    ephemeral_containers,
    init_containers,
    is_sidecar,
    main_containers,
)

_KEPT = ("message", "reason", "nominatedNodeName", "resize", "resourceClaimStatuses")


def status(pod: Object, observed: Observed, now_s: float, host_ips: Sequence[str], *, stopped: bool = False) -> Object:
    """The PodStatus of `pod`. `stopped` says that nothing of it runs any more and nothing will be started again."""
    old: Object = pod.get("status") or {}
    made: Object = {k: old[k] for k in _KEPT if k in old}
    if "generation" in pod["metadata"]:
        made["observedGeneration"] = pod["metadata"]["generation"]
    inits = [container_status(pod, c, observed, "init", stopped=stopped) for c in init_containers(pod)]
    mains = [container_status(pod, c, observed, "main", stopped=stopped) for c in main_containers(pod)]
    extra = [container_status(pod, c, observed, "ephemeral", stopped=stopped) for c in ephemeral_containers(pod)]
    if stopped:
        lose(pod, inits, mains)
    made["phase"] = _held(old, phase(pod, observed, inits, mains, stopped=stopped), observed, stopped=stopped)
    if observed.halt is not None:
        made |= {"reason": observed.halt.reason, "message": observed.halt.message}
    made["conditions"] = conditions(pod, observed, made["phase"], inits, mains, now_s)
    made["hostIP"] = host_ips[0]
    made["hostIPs"] = [{"ip": ip} for ip in host_ips]
    if ips := _pod_ips(pod, observed, host_ips, old):
        made["podIP"] = ips[0]
        made["podIPs"] = [{"ip": ip} for ip in ips]
    made["startTime"] = old.get("startTime") or rfc3339(observed.seen_s or now_s)
    made["qosClass"] = old.get("qosClass") or qos_class(pod)
    if observed.halt is not None and observed.halt.refused:
        return made
    if inits:
        made["initContainerStatuses"] = inits
    made["containerStatuses"] = sorted(mains, key=lambda s: str(s["name"]))
    if extra:
        made["ephemeralContainerStatuses"] = extra
    return made


def phase(pod: Object, observed: Observed, inits: Sequence[Object], mains: Sequence[Object], *, stopped: bool) -> str:
    """Pending, Running, Succeeded or Failed, of the container statuses."""
    if observed.halt is not None:
        return "Failed"
    policy = pod["spec"].get("restartPolicy") or "Always"
    initializing = _initializing(pod, observed, inits)
    if initializing == "failed" and policy == "Never":
        return "Failed"
    states = ["running" if _is_replaced(observed, s["name"]) else _kind_of_state(s) for s in mains]
    if initializing != "done" and not (stopped and all(s.startswith("stopped") for s in states)):
        return "Failed" if stopped else "Pending"
    if "waiting" in states:
        return "Failed" if stopped else "Pending"
    if "running" in states:
        return "Running"
    good = all(s == "stopped-0" for s in states)
    if stopped:
        return "Succeeded" if good else "Failed"
    if policy == "Always":
        return "Running"
    if good:
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _initializing(pod: Object, observed: Observed, inits: Sequence[Object]) -> str:
    """`done`, `pending` or `failed`."""
    if any(observed.latest(c["name"]) is not None for c in main_containers(pod)):
        return "done"
    for container, made in zip(init_containers(pod), inits, strict=True):
        state = made["state"]
        if is_sidecar(container):
            if not made["started"]:
                return "pending"
            continue
        ended = state.get("terminated") or (made["lastState"].get("terminated") if "waiting" in state else None)
        if ended is None:
            return "pending"
        if ended["exitCode"] != 0:
            return "failed"
    return "done"


def _is_replaced(observed: Observed, name: str) -> bool:
    """Between the end of a container and the start of the one that takes its place nothing has ended."""
    found = observed.latest(name)
    return found is not None and found.replaced


def _kind_of_state(made: Object) -> str:
    state = made["state"]
    if "running" in state:
        return "running"
    ended = state.get("terminated") or made["lastState"].get("terminated")
    if ended is None:
        return "waiting"
    return "stopped-0" if ended["exitCode"] == 0 else "stopped"


def _held(old: Object, new: str, observed: Observed, *, stopped: bool) -> str:
    """No pod is said to have ended while something of it may still run; and what has ended stays so."""
    was = str(old.get("phase") or "Pending")
    if was in ("Succeeded", "Failed"):
        return was
    if new in ("Succeeded", "Failed") and not stopped and observed.running():
        return "Running"
    return new


def _pod_ips(pod: Object, observed: Observed, host_ips: Sequence[str], old: Object) -> list[str]:
    if pod["spec"].get("hostNetwork"):
        return list(host_ips)
    sandbox = observed.sandbox
    if sandbox is not None and sandbox.ips:
        return list(sandbox.ips)
    kept: list[Any] = old.get("podIPs") or []
    return [entry["ip"] for entry in kept] if sandbox is None or not sandbox.ready else []
