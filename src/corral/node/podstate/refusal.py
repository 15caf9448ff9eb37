"""Pods that a node does not take although they were given to it: for what they ask, or for lack of room. Pure.

https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/,
https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""

from corral.api.hostports import TAKEN, host_ports_of
from corral.api.objects import Object
from corral.api.podresources import total
from corral.api.quantity import ZERO, of_value
from corral.api.sysctls import SAFE_SYSCTLS, dotted
from corral.node.podstate.observed import Halt, Room, rejected
from corral.node.podstate.resize import shortage
from corral.node.pressure import eviction

SYSTEM_NODE_CRITICAL = 2_000_001_000
#: The order in which a node looks at what it lacks.
COUNTED = ("pods", "cpu", "memory", "ephemeral-storage")


def refusal(pod: Object, room: Room | None) -> Halt | None:
    """Why this node does not run `pod`; None where it does. `room` is None where the pod has its place already."""
    return _forbidden(pod) or (_no_room(pod, room) if room is not None else None)


def _no_room(pod: Object, room: Room) -> Halt | None:
    return _unkept_policy(pod, room) or eviction.refusal(pod, room.conditions) or _too_little(pod, room) or _no_port(pod, room)


def _unkept_policy(pod: Object, room: Room) -> Halt | None:
    policy = (pod["spec"].get("securityContext") or {}).get("supplementalGroupsPolicy")
    if policy == "Strict" and not room.strict_groups:
        why = "SupplementalGroupsPolicy=Strict is not supported in this node"
        return rejected("SupplementalGroupsPolicyNotSupported", why)
    return None


def _too_little(pod: Object, room: Room) -> Halt | None:
    if int(pod["spec"].get("priority") or 0) >= SYSTEM_NODE_CRITICAL:
        return None  # The node needs these itself.
    wanted = {**total(pod, "requests"), "pods": of_value(1)}
    for name in (*COUNTED, *(wanted.keys() - set(COUNTED))):
        if "/" in name and name not in room.allocatable:
            continue  # An extended resource of which only the API knows: the scheduler counts it.
        need, used, all = wanted.get(name, ZERO), room.taken.get(name, ZERO), room.allocatable.get(name, ZERO)
        if need and need + used > all:
            return rejected(f"OutOf{name}", shortage(name, need, used, all))
    return None


def _no_port(pod: Object, room: Room) -> Halt | None:
    if any(port.clashes(other) for port in host_ports_of(pod["spec"]) for other in room.ports):
        return rejected("NodePorts", f"Predicate NodePorts failed: {TAKEN}")
    return None


def _forbidden(pod: Object) -> Halt | None:
    spec = pod["spec"]
    for sysctl in (spec.get("securityContext") or {}).get("sysctls") or ():
        name = sysctl["name"]
        plain = dotted(name)
        if plain.startswith("net.") and spec.get("hostNetwork"):
            why = "not allowed with host net enabled"
        elif plain == "kernel.shm_rmid_forced" and spec.get("hostIPC"):
            why = "not allowed with host ipc enabled"
        elif plain not in SAFE_SYSCTLS:
            why = "not allowlisted"
        else:
            continue
        return rejected("SysctlForbidden", f'forbidden sysctl: "{name}" {why}')
    return None
