"""Pods that a node does not take although they were given to it. Pure.

https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/
"""

from corral.api.objects import Object
from corral.api.sysctls import SAFE_SYSCTLS
from corral.node.podstate.observed import Halt


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
