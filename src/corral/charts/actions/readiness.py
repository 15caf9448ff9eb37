"""When an object of a release is ready, and what it still waits for. Pure: objects in, sentences out.

The rules are Helm's `--wait`: https://helm.sh/docs/intro/using_helm/#helpful-options-for-installupgraderollback
"""

from corral.base.annotations import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from corral.api.objects import Object


def lacks(obj: "Object", *, jobs: bool = False) -> str:
    """What an object lacks to be ready; "" where it is. Jobs count only with `jobs`."""
    kind = obj.get("kind", "")
    if kind == "Job" and not jobs:
        return ""
    judge = _JUDGES.get(kind)
    return judge(obj) if judge else ""


def is_watched(kind: str, *, jobs: bool = False) -> bool:
    """Whether objects of this kind can be not ready."""
    return kind in _JUDGES and (jobs or kind != "Job")


def ended(obj: "Object") -> tuple[bool, str]:
    """Whether a hook's Job or Pod has ended, and what went wrong with it ("" where nothing did); other kinds have at once."""
    kind, status = obj.get("kind", ""), obj.get("status") or {}
    if kind == "Job":
        for condition in status.get("conditions") or ():
            if condition["status"] == "True" and condition["type"] == "Complete":
                return True, ""
            if condition["status"] == "True" and condition["type"] == "Failed":
                return True, f"job failed: {condition.get('reason', '')}"
        return False, ""
    if kind == "Pod":
        phase = status.get("phase")
        return phase in ("Succeeded", "Failed"), f"pod {obj['metadata']['name']} failed" if phase == "Failed" else ""
    return True, ""


def _pod(pod: "Object") -> str:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
        return ""
    return f"it is {(pod.get('status') or {}).get('phase', 'Pending')}, not Ready"


def _deployment(obj: "Object") -> str:
    spec, status = obj["spec"], obj.get("status") or {}
    if spec.get("paused"):
        return ""
    wanted = spec.get("replicas", 1)
    if _unseen(obj):
        return "the controller has not seen it yet"
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    if updated < wanted:
        return f"{updated} of {wanted} pods are of the new template"
    if total > updated:
        return f"{total - updated} old pods are still there"
    rolling = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    least = wanted - _share(rolling.get("maxUnavailable", 0), wanted)
    ready = status.get("readyReplicas", 0)
    return f"{ready} of {wanted} pods are ready" if ready < least else ""


def _daemon_set(obj: "Object") -> str:
    status = obj.get("status") or {}
    if _unseen(obj):
        return "the controller has not seen it yet"
    if (obj["spec"].get("updateStrategy") or {}).get("type") == "OnDelete":
        return ""
    wanted, updated = status.get("desiredNumberScheduled", 0), status.get("updatedNumberScheduled", 0)
    if updated < wanted:
        return f"{updated} of {wanted} nodes have the new pod"
    rolling = (obj["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    least = wanted - _share(rolling.get("maxUnavailable", 1), wanted, up=True)
    ready = status.get("numberReady", 0)
    return f"{ready} of {wanted} pods are ready" if ready < least else ""


def _stateful_set(obj: "Object") -> str:
    spec, status = obj["spec"], obj.get("status") or {}
    if _unseen(obj):
        return "the controller has not seen it yet"
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return ""
    wanted = spec.get("replicas", 1)
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    updated, ready = status.get("updatedReplicas", 0), status.get("readyReplicas", 0)
    if updated < wanted - partition:
        return f"{updated} of {wanted - partition} pods are of the new template"
    if ready != wanted:
        return f"{ready} of {wanted} pods are ready"
    if partition == 0 and status.get("currentRevision") != status.get("updateRevision"):
        return "pods of the old revision are still there"
    return ""


def _replicas(obj: "Object") -> str:
    wanted, ready = obj["spec"].get("replicas", 1), (obj.get("status") or {}).get("readyReplicas", 0)
    return f"{ready} of {wanted} pods are ready" if ready < wanted else ""


def _claim(obj: "Object") -> str:
    phase = (obj.get("status") or {}).get("phase", "Pending")
    return "" if phase == "Bound" else f"it is {phase}, not Bound"


def _service(obj: "Object") -> str:
    spec = obj["spec"]
    if spec.get("type") == "ExternalName":
        return ""
    if not spec.get("clusterIP"):
        return "it has no cluster IP"
    if spec.get("type") == "LoadBalancer" and not spec.get("externalIPs"):
        balancer = (obj.get("status") or {}).get("loadBalancer") or {}
        return "" if balancer.get("ingress") else "the load balancer has given it no address"
    return ""


def _definition(obj: "Object") -> str:
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition["type"] == "Established" and condition["status"] == "True":
            return ""
        if condition["type"] == "NamesAccepted" and condition["status"] == "False":
            return ""  # A conflict of names does not end; Helm takes it for done, too.
    return "it is not established"


def _job(obj: "Object") -> str:
    done, fault = ended(obj)
    return fault or ("" if done else "it has not completed")


def _unseen(obj: "Object") -> bool:
    seen: int = (obj.get("status") or {}).get("observedGeneration", 0)
    return seen < int(obj["metadata"].get("generation", 0))


def _share(value: Any, total: int, *, up: bool = False) -> int:
    """A number, or a share in percent of `total`."""
    if isinstance(value, str) and value.endswith("%"):
        parts = int(value[:-1]) * total
        return -(-parts // 100) if up else parts // 100
    return int(value)


_JUDGES: "dict[str, Callable[[Object], str]]" = {
    "Pod": _pod,
    "Deployment": _deployment,
    "DaemonSet": _daemon_set,
    "StatefulSet": _stateful_set,
    "ReplicaSet": _replicas,
    "ReplicationController": _replicas,
    "PersistentVolumeClaim": _claim,
    "Service": _service,
    "CustomResourceDefinition": _definition,
    "Job": _job,
}
