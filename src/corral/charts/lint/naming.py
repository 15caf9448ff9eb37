"""How kinds want their objects named, in Helm's words (lint/rules/template.go: validateMetadataNameFunc)."""

from corral.api import names
from corral.base.annotations import Callable


def _namespace(name: str) -> list[str]:
    """A label, in the words from before dots were named as the mistake."""
    return [names.dns_label("_")[0] if fault == "must not contain dots" else fault for fault in names.dns_label(name)]


#: How kinds are named that are not named like a subdomain, lower case.
_NAMES: dict[str, Callable[[str], list[str]]] = {
    "service": names.dns_1035_label,
    "namespace": _namespace,
    "certificatesigningrequest": lambda name: [],
    **dict.fromkeys(("role", "clusterrole", "rolebinding", "clusterrolebinding"), names.path_segment),
}


def faults(kind: str, name: str) -> list[str]:
    """What is wrong with the name of an object; [] where nothing is."""
    return _NAMES.get(kind.lower(), names.dns_subdomain)(name)
