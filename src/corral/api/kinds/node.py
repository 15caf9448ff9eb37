"""Nodes."""

import re

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.computeresources import check_amount
from corral.api.kinds.gostructs import NODE_ADDRESS, TAINT, shown
from corral.api.kinds.scheduling import check_effect
from corral.api.objects import Object, copied
from corral.api.rules import Context, Rules

_ROLE_PREFIX = "node-role.kubernetes.io/"
_ROLE_LABEL = "kubernetes.io/role"
FEATURE_MAX_CHARS = 253
_FEATURE = (
    "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or"
    " MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
)


class NodeRules(Rules):
    """Rules of v1 Node."""

    has_status = True

    def default(self, obj: Object) -> None:
        """What is allocatable is the whole capacity; podCIDRs follow podCIDR."""
        spec = obj.setdefault("spec", {})
        status = obj.setdefault("status", {})
        if status.get("allocatable") is None and status.get("capacity") is not None:
            status["allocatable"] = copied(status["capacity"])
        if spec.get("podCIDR") and not spec.get("podCIDRs"):
            spec["podCIDRs"] = [spec["podCIDR"]]
        elif spec.get("podCIDRs") and not spec.get("podCIDR"):
            spec["podCIDR"] = spec["podCIDRs"][0]

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Nodes register themselves with their status."""

    def validate_create(self, obj: Object) -> Errors:
        """Taints, amounts and pod ranges."""
        errs = Errors()
        _check_taints(errs, obj["spec"].get("taints") or [])
        _check_amounts(errs, obj.get("status") or {})
        ranges, path = obj["spec"].get("podCIDRs") or [], Path("spec").child("podCIDRs")
        for i, value in enumerate(ranges):
            errs.each(path.at(i), value, names.cidr(value))
        if len(ranges) > 1:
            if len(ranges) > 2 or sum(":" in r for r in ranges) != 1:
                errs.invalid(path, ranges, "may specify no more than one CIDR for each IP family")
            for i, value in enumerate(ranges):
                if value in ranges[:i]:
                    errs.duplicate(path.at(i), value)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """Amounts, addresses, taints; pod ranges and the provider's id, once set, stay."""
        errs = Errors()
        status, spec, former = new.get("status") or {}, new["spec"], old["spec"]
        _check_amounts(errs, status)
        _check_features(errs, status.get("declaredFeatures") or [])
        addresses = status.get("addresses") or []
        for i, address in enumerate(addresses):
            if address in addresses[:i]:
                errs.duplicate(Path("status").child("addresses").at(i), shown(address, NODE_ADDRESS))
        before, after = former.get("podCIDRs") or [], spec.get("podCIDRs") or []
        changed = 1 if len(before) != len(after) else sum(a != b for a, b in zip(before, after, strict=True))
        for _ in range(changed if before else 0):
            errs.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid')
        if former.get("providerID") and former["providerID"] != spec.get("providerID", ""):
            errs.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid')
        _check_taints(errs, spec.get("taints") or [])
        if spec.get("externalID", "") != former.get("externalID", ""):
            errs.forbidden("spec.externalID", "may not be updated")
        return errs

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


def _check_amounts(errs: Errors, status: Object) -> None:
    for part in ("capacity", "allocatable"):
        for name, amount in sorted((status.get(part) or {}).items()):
            check_amount(errs, name, amount, Path("status").child(part, name))


def _check_features(errs: Errors, features: list[str]) -> None:
    """What a node says that it can do (KEP-5328): names in order, each once."""
    for i, feature in enumerate(features):
        at = Path("status").child("declaredFeatures")
        if len(feature) > FEATURE_MAX_CHARS:
            why = f"must be no more than {FEATURE_MAX_CHARS} characters"
            errs.invalid(at.at(i), feature, f'invalid feature name "{feature}": {why}')
        elif not re.fullmatch("[A-Z][a-zA-Z0-9]*(/[a-zA-Z][a-zA-Z0-9]*)*", feature):
            errs.invalid(at.at(i), feature, f'invalid feature name "{feature}": {_FEATURE}')
        if i + 1 < len(features):
            after = features[i + 1]
            if after == feature:
                errs.duplicate(at.at(i + 1), after)
            elif after < feature:
                errs.invalid(at.at(i + 1), after, "list must be sorted alphabetically")


def _check_taints(errs: Errors, taints: list[Object]) -> None:
    seen: set[tuple[str, str]] = set()
    for i, taint in enumerate(taints):
        # The reference's path: taints were an annotation once.
        at = Path("metadata").child("taints").at(i)
        key, value, effect = taint.get("key", ""), taint.get("value", ""), taint.get("effect", "")
        errs.each(at.child("key"), key, names.qualified_name(key))
        wrong = names.label_value(value)
        if wrong:
            errs.invalid(at.child("value"), value, ";".join(wrong))
        if effect:
            check_effect(errs, effect, at.child("effect"))
        else:
            errs.required(at.child("effect"))
        if (key, effect) in seen:
            errs.duplicate(at, shown(taint, TAINT), "taints must be unique by key and effect pair")
        seen.add((key, effect))


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
