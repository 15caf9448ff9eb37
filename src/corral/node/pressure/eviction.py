"""Which pod is ended, and what it is told. Pure.

https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#pod-selection-for-kubelet-eviction
"""

from collections.abc import Iterable, Mapping

from corral.api.kinds.qos import qos_class
from corral.api.objects import Object
from corral.api.podresources import total
from corral.api.quantity import ZERO, of_value, parse
from corral.api.tolerations import tolerates
from corral.node.podstate.observed import Halt, rejected
from corral.node.pressure.signals import Reading
from corral.node.pressure.thresholds import MEMORY, Threshold
from corral.node.pressure.usage import Usage, on_disk
from corral.node.resources import SYSTEM_CRITICAL_PRIORITY

#: A pod that is ended for what its node lacks has no time to lose.
GRACE_S = 1.0
STORAGE = "ephemeral-storage"
_SHORT_OF_MEMORY = {"key": "node.kubernetes.io/memory-pressure", "effect": "NoSchedule"}


def evicted(message: str) -> Halt:
    """The end of a pod whose node cannot keep it."""
    return Halt("Evicted", message, "Warning", grace_s=GRACE_S, disrupted=True)


def is_critical(pod: Object) -> bool:
    """Whether the cluster itself needs the pod."""
    return int(pod["spec"].get("priority") or 0) >= SYSTEM_CRITICAL_PRIORITY


def ranked(pods: Iterable[Object], usages: Mapping[str, Usage], resource: str) -> list[Object]:
    """Whom to end first: who uses more than it asked for, of those the least important, of those the greediest."""
    measured = "memory" if resource == "memory" else STORAGE

    def rank(pod: Object) -> tuple[bool, int, int]:
        used = usages[pod["metadata"]["uid"]].total(measured)
        over = used - total(pod, "requests").get(measured, ZERO).value()
        return over <= 0, int(pod["spec"].get("priority") or 0), -over

    return sorted((pod for pod in pods if not is_critical(pod)), key=rank)


def message(pod: Object, usage: Usage, threshold: Threshold, reading: Reading) -> str:
    """Why a pod is ended under pressure: what the node lacks, and which containers use more of it than they asked for."""
    least, left = (of_value(n, "BinarySI") for n in (threshold.amount(reading.capacity), reading.available))
    text = f"The node was low on resource: {threshold.resource}. Threshold quantity: {least}, available: {left}. "
    for container in pod["spec"]["containers"]:
        name = container["name"]
        used = usage.of_container(name, threshold.resource)
        asked = parse((container.get("resources") or {}).get("requests", {}).get(threshold.resource, "0"))
        if used > asked.value():
            amounts = f"was using {of_value(used, 'BinarySI')}, request is {asked}"
            text += f"Container {name} {amounts}, has larger consumption of {threshold.resource}. "
    return text


def has_limits(pod: Object) -> bool:
    """Whether the pod limits what it may use of the disk."""
    sized = any((v.get("emptyDir") or {}).get("sizeLimit") for v in pod["spec"].get("volumes") or ())
    return sized or any(STORAGE in (c.get("resources") or {}).get("limits", {}) for c in pod["spec"]["containers"])


def over_limit(pod: Object, usage: Usage) -> str:
    """What a pod is told that uses more of the disk than it said it would; '' where it does not."""
    volumes = {v["name"]: v for v in pod["spec"].get("volumes") or ()}
    for name in on_disk(pod):
        limit = (volumes[name]["emptyDir"] or {}).get("sizeLimit")
        if limit and usage.volumes.get(name, 0) > parse(limit).value() > 0:
            return f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit}". '
    whole = total(pod, "limits").get(STORAGE)
    if whole is not None and usage.total(STORAGE) > whole.value():
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {whole}. "
    limits = {c["name"]: (c.get("resources") or {}).get("limits", {}).get(STORAGE) for c in pod["spec"]["containers"]}
    for name, limit in limits.items():
        if limit and usage.of_container(name, STORAGE) > parse(limit).value():
            return f'Container {name} exceeded its local ephemeral storage limit "{limit}". '
    return ""


def refusal(pod: Object, conditions: Iterable[str]) -> Halt | None:
    """Why a node that has these conditions does not take `pod`; None where it does."""
    present = sorted(conditions)
    if not present or is_critical(pod):
        return None
    if present == [MEMORY]:
        tolerated = any(tolerates(toleration, _SHORT_OF_MEMORY) for toleration in pod["spec"].get("tolerations") or ())
        if tolerated or qos_class(pod) != "BestEffort":
            return None
    return rejected("Evicted", f"The node had condition: [{' '.join(present)}]. ")
