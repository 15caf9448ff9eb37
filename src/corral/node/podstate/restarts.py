"""Whether a container that ended comes again, and when.

The delay that a container waits after its end is written on it when it is made (an annotation in the runtime), so that the rule
is a function of what the runtime reports and survives the agent.
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
"""

from corral.api.objects import Object
from corral.node.cri.types import Container
from corral.node.podstate.observed import (
    BACKOFF_ANNOTATION,
    BACKOFF_FIRST_S,
    BACKOFF_MAX_S,
    BACKOFF_RESET_S,
)


def policy_of(pod: Object, container: Object) -> str:
    """The policy that holds for this container: its own, or the pod's."""
    return str(container.get("restartPolicy") or pod["spec"].get("restartPolicy") or "Always")


def comes_again(policy: str, container: Object, found: Container) -> bool:
    """Whether a container that is not running is started again."""
    if found.state in ("unknown", "created") or found.replaced:
        return found.state != "running"
    if found.state == "running":
        return False
    for rule in container.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or {}
        inside = found.exit_code in (codes.get("values") or ())
        if rule.get("action") == "Restart" and inside == (codes.get("operator") == "In"):
            return True
    return policy == "Always" or (policy == "OnFailure" and found.exit_code != 0)


def _ran_s(found: Container) -> float:
    """How long it ran; a container that never started has no beginning."""
    return found.finished_s - found.started_s if found.started_s > 0 else 0.0


def delay_s(found: Container) -> float:
    """The seconds it waits after its end before it is started again."""
    try:
        return float(found.annotations.get(BACKOFF_ANNOTATION, "0"))
    except ValueError:
        return 0.0


def next_delay_s(found: Container | None) -> float:
    """The delay to write on the successor of `found`: nothing first, then 10 s doubling to 5 minutes; forgiven after 10."""
    if found is None or found.replaced:
        return 0.0
    if _ran_s(found) > BACKOFF_RESET_S:
        return BACKOFF_FIRST_S
    waited_s = delay_s(found)
    return BACKOFF_FIRST_S if waited_s == 0 else min(waited_s * 2, BACKOFF_MAX_S)


def due_s(found: Container) -> float:
    """When it may be started again (seconds since the epoch)."""
    if found.replaced or _ran_s(found) > BACKOFF_RESET_S:
        return found.finished_s
    return found.finished_s + delay_s(found)
