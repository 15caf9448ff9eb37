"""Pods that a node does not take although they were given to it. Pure.

https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/
"""

from corral.api.objects import Object
from corral.node.podstate.observed import Halt

#: Sysctls that are the pod's own and cannot harm others. All else would have to be allowed by the node.
SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)


def refusal(pod: Object) -> Halt | None:
    """Why this node does not run `pod`; None where it does."""
    spec = pod["spec"]
    for sysctl in (spec.get("securityContext") or {}).get("sysctls") or ():
        name = sysctl["name"]
        dotted = name.replace("/", ".")
        if dotted.startswith("net.") and spec.get("hostNetwork"):
            why = "not allowed with host net enabled"
        elif dotted == "kernel.shm_rmid_forced" and spec.get("hostIPC"):
            why = "not allowed with host ipc enabled"
        elif dotted not in SAFE_SYSCTLS:
            why = "not allowlisted"
        else:
            continue
        return Halt("SysctlForbidden", f'Pod was rejected: forbidden sysctl: "{name}" {why}', "Warning")
    return None
