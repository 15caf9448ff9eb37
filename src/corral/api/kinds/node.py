"""Nodes."""

import copy

from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Context, Rules

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"


class NodeRules(Rules):
    """Rules of v1 Node."""

    has_status = True

    def default(self, obj: Object) -> None:
        """What is allocatable is the whole capacity; podCIDRs follow podCIDR."""
        spec = obj.setdefault("spec", {})
        status = obj.setdefault("status", {})
        if status.get("allocatable") is None and status.get("capacity") is not None:
            status["allocatable"] = copy.deepcopy(status["capacity"])
        if spec.get("podCIDR") and not spec.get("podCIDRs"):
            spec["podCIDRs"] = [spec["podCIDR"]]
        elif spec.get("podCIDRs") and not spec.get("podCIDR"):
            spec["podCIDR"] = spec["podCIDRs"][0]

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Nodes register themselves with their status."""

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        status = obj.get("status") or {}
        info = status.get("nodeInfo") or {}
        return [
            rows.name(obj),
            _status(obj),
            ",".join(sorted(_roles(obj))) or "<none>",
            rows.age(obj, now_s),
            info.get("kubeletVersion", ""),
            _address(status, "InternalIP"),
            _address(status, "ExternalIP"),
            info.get("osImage") or "<unknown>",
            info.get("kernelVersion") or "<unknown>",
            info.get("containerRuntimeVersion") or "<unknown>",
        ]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """Whether it is cordoned."""
        return {"spec.unschedulable": str(bool((obj.get("spec") or {}).get("unschedulable"))).lower()}


def _status(obj: Object) -> str:
    ready = rows.condition(obj, "Ready")
    if ready is None:
        text = "Unknown"
    else:
        text = "Ready" if ready.get("status") == "True" else "NotReady"
    return text + (",SchedulingDisabled" if (obj.get("spec") or {}).get("unschedulable") else "")


def _roles(obj: Object) -> set[str]:
    found = set()
    for name, value in (obj["metadata"].get("labels") or {}).items():
        if name.startswith(_ROLE_PREFIX) and len(name) > len(_ROLE_PREFIX):
            found.add(name.removeprefix(_ROLE_PREFIX))
        elif name == _ROLE_LABEL and value:
            found.add(value)
    return found


def _address(status: Object, kind: str) -> str:
    for address in status.get("addresses") or ():
        if address.get("type") == kind:
            return str(address.get("address", ""))
    return "<none>"


RULES = {"Node": NodeRules()}
