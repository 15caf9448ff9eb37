"""Changing a running pod's requests and limits: whether the node has room, what it has granted, what the pod says of it. Pure.

The resources that a pod asks for are *granted* when the node has room, and *in force* when the containers run under them.
https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/ (KEP-1287)
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import orjson
from msgspec import Struct

from corral.api.kinds.qos import qos_class
from corral.api.objects import Object
from corral.api.podresources import Amounts, amounts, total
from corral.api.quantity import ZERO, Quantity

PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
#: The resources that can change in place, and how they are counted in messages.
RESIZABLE = ("cpu", "memory")

#: Container name → its `resources`; '' stands for the pod's own.
Granted = Mapping[str, Object]


class Refused(Struct, frozen=True):
    """Why a resize is not granted: the node lacks room now (Deferred) or will never have it (Infeasible)."""

    reason: Literal["Deferred", "Infeasible"]
    message: str


class ResizeState(Struct, frozen=True):
    """How far a resize has come."""

    refused: Refused | None = None
    #: The generation of the pod whose resources were granted last and are not in force yet.
    generation: int | None = None
    #: Why they cannot be put in force.
    error: str = ""


NOTHING_TO_RESIZE = ResizeState()


def asked(pod: Object) -> dict[str, Object]:
    """The resources that the pod's specification asks for."""
    spec = pod["spec"]
    wanted: dict[str, Object] = {"": spec.get("resources") or {}}
    for container in (*spec["containers"], *(spec.get("initContainers") or ())):
        wanted[container["name"]] = container.get("resources") or {}
    return wanted


def granted_before(pod: Object) -> dict[str, Object]:
    """What the node had granted before its agent was restarted, as far as the pod's status tells."""
    granted = asked(pod)
    status = pod.get("status") or {}
    if any(c["type"] == PENDING and c["status"] == "True" for c in status.get("conditions") or ()):
        for field in ("containerStatuses", "initContainerStatuses"):
            granted |= {made["name"]: made["resources"] for made in status.get(field) or () if "resources" in made}
    return granted


def as_granted(pod: Object, granted: Granted) -> Object:
    """The pod with the resources that it has been granted; the pod itself where these are what it asks for."""
    if asked(pod) == granted:
        return pod
    spec = {**pod["spec"]}
    for field in ("containers", "initContainers"):
        if field in spec:
            spec[field] = [{**c, "resources": granted.get(c["name"], c.get("resources") or {})} for c in spec[field]]
    if granted.get(""):
        spec["resources"] = granted[""]
    return {**pod, "spec": spec}


def judge(pod: Object, before: Object, allocatable: Amounts, others: Amounts) -> Refused | None:
    """Whether the node cannot give `pod` what it asks for, where it has granted what `before` asks for.

    `others` is what the node has granted to its other pods.
    """
    if qos_class(pod) != qos_class(before):  # The API refuses this; an old status may hold anything.
        return Refused("Infeasible", "Pod QoS class may not change as a result of resizing")
    wanted, had = total(pod, "requests"), total(before, "requests")
    for name in RESIZABLE:
        if wanted.get(name, ZERO) > allocatable.get(name, ZERO):
            numbers = f"requested: {_number(name, wanted[name])}, capacity: {_number(name, allocatable[name])}"
            return Refused("Infeasible", f"Node didn't have enough capacity: {name}, {numbers}")
    for name in RESIZABLE:
        need, used, all = wanted.get(name, ZERO), others.get(name, ZERO), allocatable.get(name, ZERO)
        if need > had.get(name, ZERO) and need + used > all:
            return Refused("Deferred", shortage(name, need, used, all))
    return None


def shortage(name: str, need: Quantity, used: Quantity, capacity: Quantity) -> str:
    """What people are told where a node has too little left of the resource `name`."""
    numbers = f"requested: {_number(name, need)}, used: {_number(name, used)}, capacity: {_number(name, capacity)}"
    return f"Node didn't have enough resource: {name}, {numbers}"


def same_amounts(one: Object, other: Object) -> bool:
    """Whether two `resources` mean the same: `1` and `1000m` do."""
    return all(amounts(one.get(field)) == amounts(other.get(field)) for field in ("requests", "limits"))


def conditions(state: ResizeState, generation: int | None, old: Sequence[Object], now: str) -> list[Object]:
    """The pod's conditions that tell of a resize; none where there is nothing to tell."""
    made = []
    if state.refused is not None:
        made.append(_condition(PENDING, state.refused.reason, state.refused.message, generation, old, now))
    if state.generation is not None:
        reason = "Error" if state.error else ""
        made.append(_condition(IN_PROGRESS, reason, state.error, state.generation, old, now))
    return made


def event(what: str, pod: Object, granted: Granted, error: str = "") -> str:
    """The message of an event about a resize: what it is of, as JSON."""
    told: dict[str, object] = {}
    for field in ("containers", "initContainers"):
        entries = [
            {"name": c["name"], "resources": granted[c["name"]]} for c in pod["spec"].get(field) or () if granted.get(c["name"])
        ]
        if entries:
            told[field] = entries
    told["generation"] = pod["metadata"].get("generation", 0)
    if error:
        told["error"] = error
    return f"Pod resize {what}: {orjson.dumps(told).decode()}"


def _condition(kind: str, reason: str, message: str, generation: int | None, old: Sequence[Object], now: str) -> Object:
    before = next((c for c in old if c["type"] == kind), {})
    made: Object = {"type": kind}
    if generation is not None:
        made["observedGeneration"] = generation
    made |= {"status": "True", "lastProbeTime": None, "lastTransitionTime": before.get("lastTransitionTime") or now}
    if reason:
        made |= {"reason": reason, "message": message}
    return made


def _number(name: str, amount: Quantity) -> int:
    """How messages count an amount: CPU in thousandths of a core, all else in whole units."""
    return amount.milli() if name == "cpu" else amount.value()
