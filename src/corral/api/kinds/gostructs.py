"""How messages show values that are objects: as the structs of Go that the reference has them in, every field by its Go name.

A shape tells the fields in Go's order: an object for a struct, a list of one for a list of such, anything else for the value
that a field has where none is given.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from corral.api.objects import Object

Shape: TypeAlias = "Mapping[str, Shape] | Sequence[Shape] | str | int | bool | None"

_CAPITALS = {"apiGroup": "APIGroup", "cel": "CEL", "seLinuxOptions": "SELinuxOptions"}

_REQUIREMENTS: Shape = [{"key": "", "operator": "", "values": None}]
NODE_AFFINITY: Shape = {
    "required": {"nodeSelectorTerms": [{"matchExpressions": _REQUIREMENTS, "matchFields": _REQUIREMENTS}]},
}
FAILURE_POLICY: Shape = {
    "rules": [
        {
            "action": "",
            "onExitCodes": {"containerName": None, "operator": "", "values": None},
            "onPodConditions": [{"type": "", "status": ""}],
        }
    ],
}
SUCCESS_POLICY: Shape = {"rules": [{"succeededIndexes": None, "succeededCount": None}]}
TOLERATION: Shape = {"key": "", "operator": "", "value": "", "effect": "", "tolerationSeconds": None}
NODE_ADDRESS: Shape = {"type": "", "address": ""}
TAINT: Shape = {"key": "", "value": "", "effect": "", "timeAdded": None}
SECCOMP_PROFILE: Shape = {"type": "", "localhostProfile": None}
CONTAINER_CONTEXT: Shape = {
    "capabilities": {"add": None, "drop": None},
    "privileged": None,
    "seLinuxOptions": None,
    "windowsOptions": None,
    "runAsUser": None,
    "runAsGroup": None,
    "runAsNonRoot": None,
    "readOnlyRootFilesystem": None,
    "allowPrivilegeEscalation": None,
    "procMount": None,
    "seccompProfile": None,
    "appArmorProfile": None,
}
DISRUPTION_BUDGET: Shape = {"minAvailable": None, "selector": None, "maxUnavailable": None, "unhealthyPodEvictionPolicy": None}
SCOPE_SELECTOR: Shape = {"matchExpressions": [{"scopeName": "", "operator": "", "values": None}]}
ROLE_REF: Shape = {"apiGroup": "", "kind": "", "name": ""}
PARENT_REF: Shape = {"group": "", "resource": "", "namespace": "", "name": ""}
ATTACHMENT: Shape = {"attacher": "", "source": {"persistentVolumeName": None, "inlineVolumeSpec": None}, "nodeName": ""}
CSI_DRIVER: Shape = {"name": "", "nodeID": "", "topologyKeys": None, "allocatable": {"count": None}}
_DEVICES: dict[str, Shape] = {
    "deviceClassName": "",
    "selectors": [{"cel": {"expression": ""}}],
    "allocationMode": "",
    "count": 0,
}
DEVICE_CLAIM: Shape = {
    "requests": [
        {
            "name": "",
            "exactly": {**_DEVICES, "adminAccess": None, "tolerations": [TOLERATION], "capacity": {"requests": None}},
            "firstAvailable": [{"name": "", **_DEVICES, "tolerations": [TOLERATION], "capacity": {"requests": None}}],
        }
    ],
    "constraints": [{"requests": None, "matchAttribute": None, "distinctAttribute": None}],
    "config": [{"requests": None, "opaque": {"driver": "", "parameters": None}}],
}


def shown(value: object, shape: Shape) -> object:
    """`value` as Go prints it."""
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            return None
        return {_go_name(name): shown(value.get(name), inner) for name, inner in shape.items()}
    if isinstance(shape, Sequence) and not isinstance(shape, str):
        return [shown(item, shape[0]) for item in value] if isinstance(value, list) else None
    return shape if value is None else value


def shown_claim(spec: Object) -> object:
    """The spec of a ResourceClaim."""
    return shown({"devices": {}, **spec}, {"devices": DEVICE_CLAIM})


def _go_name(name: str) -> str:
    return _CAPITALS.get(name) or name[:1].upper() + name[1:]
