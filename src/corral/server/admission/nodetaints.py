"""Two plugins about nodes that are not well: pods stay five minutes on one that goes away, and new ones start tainted."""

from corral.api.objects import Object
from corral.server.admission.chain import Plugin
from corral.server.request import Admission

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
TOLERATION_S = 300


class DefaultTolerationSeconds(Plugin):
    """Pods tolerate `not-ready` and `unreachable` for 300 s, unless they say otherwise."""

    resources = frozenset({"pods"})

    def admit(self, admission: Admission) -> None:
        """Add what is missing."""
        if admission.subresource or admission.object is None:
            return
        spec = admission.object["spec"]
        tolerations = spec.get("tolerations") or []
        added = [
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_S}
            for key in (NOT_READY, UNREACHABLE)
            if not any(_tolerates(toleration, key) for toleration in tolerations)
        ]
        if added:
            spec["tolerations"] = [*tolerations, *added]


class TaintNodesByCondition(Plugin):
    """A new node takes no pods until the node lifecycle controller has seen it ready."""

    resources = frozenset({"nodes"})
    operations = frozenset({"CREATE"})

    def admit(self, admission: Admission) -> None:
        """Add the taint `not-ready`."""
        if admission.subresource or admission.object is None:
            return
        spec = admission.object.setdefault("spec", {})
        taints = spec.get("taints") or []
        if not any(taint.get("key") == NOT_READY and taint.get("effect") == "NoSchedule" for taint in taints):
            spec["taints"] = [*taints, {"key": NOT_READY, "effect": "NoSchedule"}]


def _tolerates(toleration: Object, key: str) -> bool:
    return toleration.get("key", "") in ("", key) and toleration.get("effect", "") in ("", "NoExecute")
