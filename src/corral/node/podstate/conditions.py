"""A pod's conditions: PodReadyToStartContainers, Initialized, Ready, ContainersReady, PodScheduled, and of a resize. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
"""

from collections.abc import Sequence
from typing import Any

from corral.api.objects import Object
from corral.base.clock import rfc3339
from corral.node.podstate import resize
from corral.node.podstate.observed import Observed, init_containers, is_sidecar

OWN = (
    *("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"),
    *(resize.PENDING, resize.IN_PROGRESS),
)
DISRUPTED = "DisruptionTarget"
_Verdict = tuple[str, str, str]


def conditions(
    pod: Object, observed: Observed, phase: str, inits: Sequence[Object], mains: Sequence[Object], now_s: float
) -> list[Object]:
    """All conditions: this node's own, and those that others have set."""
    old: list[Object] = (pod.get("status") or {}).get("conditions") or []
    containers_ready = _containers_ready(pod, phase, inits, mains)
    verdicts: dict[str, _Verdict] = {
        "PodReadyToStartContainers": _sandbox_ready(observed, phase),
        "Initialized": _initialized(pod, phase, inits, mains),
        "Ready": _ready(pod, containers_ready, old),
        "ContainersReady": containers_ready,
        "PodScheduled": ("True", "", ""),
    }
    by_type = {c["type"]: c for c in old}
    made = [_condition(pod, kind, verdict, by_type.get(kind), now_s) for kind, verdict in verdicts.items()]
    made += resize.conditions(observed.resize, pod["metadata"].get("generation"), old, rfc3339(now_s))
    others = {c["type"]: c for c in old if c["type"] not in OWN}
    if observed.halt is not None and observed.halt.disrupted:
        verdict = ("True", "TerminationByKubelet", observed.halt.message)
        others[DISRUPTED] = _condition(pod, DISRUPTED, verdict, others.get(DISRUPTED), now_s)
    return [*made, *others.values()]


def _condition(pod: Object, kind: str, verdict: _Verdict, old: Object | None, now_s: float) -> Object:
    value, reason, message = verdict
    made: dict[str, Any] = {"type": kind}
    if "generation" in pod["metadata"]:
        made["observedGeneration"] = pod["metadata"]["generation"]
    made |= {"status": value, "lastProbeTime": None}
    same = old is not None and old.get("status") == value
    made["lastTransitionTime"] = old["lastTransitionTime"] if same and old and old.get("lastTransitionTime") else rfc3339(now_s)
    if reason:
        made["reason"] = reason
    if message:
        made["message"] = message
    return made


def _sandbox_ready(observed: Observed, phase: str) -> _Verdict:
    sandbox = observed.sandbox
    up = sandbox is not None and sandbox.ready and bool(sandbox.ips or sandbox.host_network)
    return ("True" if up and phase not in ("Succeeded", "Failed") else "False", "", "")


def _initialized(pod: Object, phase: str, inits: Sequence[Object], mains: Sequence[Object]) -> _Verdict:
    if phase == "Succeeded":
        return "True", "PodCompleted", ""
    if any(not s["state"].get("waiting") or s["lastState"] for s in mains):
        return "True", "", ""
    incomplete = []
    for container, made in zip(init_containers(pod), inits, strict=True):
        done = made["started"] if is_sidecar(container) else made["ready"]
        if not done:
            incomplete.append(made["name"])
    if incomplete:
        return "False", "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(incomplete)}]"
    return "True", "", ""


def _containers_ready(pod: Object, phase: str, inits: Sequence[Object], mains: Sequence[Object]) -> _Verdict:
    if phase == "Succeeded":
        return "False", "PodCompleted", ""
    if phase == "Failed":
        return "False", "PodFailed", ""
    unready = [s["name"] for c, s in zip(init_containers(pod), inits, strict=True) if is_sidecar(c) and not s["ready"]]
    by_name = {s["name"]: s for s in mains}
    unready += [c["name"] for c in pod["spec"]["containers"] if not by_name[c["name"]]["ready"]]
    if unready:
        return "False", "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return "True", "", ""


def _ready(pod: Object, containers_ready: _Verdict, old: Sequence[Object]) -> _Verdict:
    if containers_ready[0] != "True":
        return containers_ready
    by_type = {c["type"]: c for c in old}
    wrong = []
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        found = by_type.get(kind)
        if found is None:
            wrong.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif found.get("status") != "True":
            wrong.append(f'the status of pod readiness gate "{kind}" is not "True", but {found.get("status")}')
    if not wrong:
        return "True", "", ""
    text = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
    return "False", "ReadinessGatesNotReady", text
