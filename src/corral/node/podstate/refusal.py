"""Pods that a node does not take although they were given to it: for what they ask, for lack of room, as they belong elsewhere.

Of what the scheduler goes by, a node looks at resources, ports, `nodeSelector` with required node affinity, and `NoExecute`
taints: who names the node himself (`spec.nodeName`) passes by the scheduler, not by these. Pure.

https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#nodename,
https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/,
https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/
"""

from corral.api.hostports import TAKEN, host_ports_of
from corral.api.objects import Object
from corral.api.podresources import total
from corral.api.quantity import ZERO, of_value
from corral.api.selectors import matches_node
from corral.api.sysctls import SAFE_SYSCTLS, dotted
from corral.api.tolerations import tolerates
from corral.node.podstate.observed import Halt, Room, rejected
from corral.node.podstate.resize import shortage
from corral.node.pressure import eviction

OS, OS_LABEL = "linux", "kubernetes.io/os"
SYSTEM_NODE_CRITICAL = 2_000_001_000
#: The order in which a node looks at what it lacks.
COUNTED = ("pods", "cpu", "memory", "ephemeral-storage")


def refusal(pod: Object, room: Room | None) -> Halt | None:
    """Why this node does not run `pod`; None where it does. `room` is None where the pod has its place already."""
    return _forbidden(pod) or (_no_room(pod, room) if room is not None else None)


def _no_room(pod: Object, room: Room) -> Halt | None:
    return (
        eviction.refusal(pod, room.conditions)
        or _other_system(pod)
        or _unkept_policy(pod, room)
        or _too_little(pod, room)
        or _elsewhere(pod, room)
        or _no_port(pod, room)
        or _untolerated(pod, room)
    )


def _other_system(pod: Object) -> Halt | None:
    if (pod["metadata"].get("labels") or {}).get(OS_LABEL, OS) != OS:
        why = f"Failed to admit pod as the `{OS_LABEL}` label doesn't match node label"
        return rejected("PodOSSelectorNodeLabelDoesNotMatch", why)
    if (pod["spec"].get("os") or {}).get("name", OS) != OS:
        return rejected("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    return None


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


def _elsewhere(pod: Object, room: Room) -> Halt | None:
    if room.node is None or matches_node(pod["spec"], room.node):
        return None
    return rejected("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector")


def _untolerated(pod: Object, room: Room) -> Halt | None:
    taints = ((room.node or {}).get("spec") or {}).get("taints") or ()
    tolerations = pod["spec"].get("tolerations") or ()
    if all(t["effect"] != "NoExecute" or any(tolerates(toleration, t) for toleration in tolerations) for t in taints):
        return None
    return rejected("TaintToleration", "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate")


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
