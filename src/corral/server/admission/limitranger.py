"""LimitRanger: containers without requests and limits get a namespace's defaults; all stay within its ranges.

See https://kubernetes.io/docs/concepts/policy/limit-range/.
"""

from collections.abc import Iterator, Mapping

from corral.api import podresources
from corral.api.fields import dedupe
from corral.api.objects import Object
from corral.api.podresources import Amounts, amounts
from corral.api.quantity import Quantity, parse
from corral.server.admission.chain import Plugin, forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

ANNOTATION = "kubernetes.io/limit-ranger"


class LimitRanger(Plugin):
    """Defaults and limits by the LimitRanges of the namespace."""

    resources = frozenset({"pods", "persistentvolumeclaims"})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def admit(self, admission: Admission) -> None:
        """Give a new pod's containers the defaults; the annotation says which."""
        pod = admission.object
        if pod is None or admission.resource.plural != "pods" or admission.operation != "CREATE" or admission.subresource:
            return
        for found in self._lookup.list("limitranges", admission.request.namespace):
            said = _set_defaults(pod["spec"], found)
            if said:
                annotations = pod["metadata"].setdefault("annotations", {})
                annotations[ANNOTATION] = "LimitRanger plugin set: " + "; ".join(said)

    def validate(self, admission: Admission) -> None:
        """Raise ApiError (403) for what is out of range."""
        obj = admission.object
        if obj is None or obj["metadata"].get("deletionTimestamp"):
            return
        is_pod = admission.resource.plural == "pods"
        if admission.subresource != ("resize" if is_pod and admission.operation == "UPDATE" else ""):
            return
        for found in self._lookup.list("limitranges", admission.request.namespace):
            faults = dedupe(list(_pod_faults(obj, found) if is_pod else _claim_faults(obj, found)))
            if faults:
                raise forbidden(admission, faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")


def _set_defaults(spec: Object, limit_range: Object) -> list[str]:
    wanted: dict[str, dict[str, str]] = {"requests": {}, "limits": {}}
    for item in limit_range["spec"].get("limits") or ():
        if item.get("type") == "Container":
            wanted["limits"].update(item.get("default") or {})
            wanted["requests"].update(item.get("defaultRequest") or {})
    said = []
    for field, title in (("containers", "container"), ("initContainers", "init container")):
        for container in spec.get(field) or ():
            resources = container.get("resources") or {}
            for kind in ("requests", "limits"):
                missing = {name: text for name, text in wanted[kind].items() if name not in (resources.get(kind) or {})}
                if missing:
                    resources[kind] = {**(resources.get(kind) or {}), **missing}
                    container["resources"] = resources
                    said.append(f"{', '.join(sorted(missing))} {kind[:-1]} for {title} {container['name']}")
    return said


def _pod_faults(pod: Object, limit_range: Object) -> Iterator[str]:
    for item in limit_range["spec"].get("limits") or ():
        if item.get("type") == "Container":
            for field in ("containers", "initContainers"):
                for container in pod["spec"].get(field) or ():
                    resources = container.get("resources") or {}
                    yield from _faults(item, amounts(resources.get("requests")), amounts(resources.get("limits")))
        elif item.get("type") == "Pod":
            yield from _faults(item, podresources.total(pod, "requests"), podresources.total(pod, "limits"))


def _claim_faults(claim: Object, limit_range: Object) -> Iterator[str]:
    requested = amounts((claim["spec"].get("resources") or {}).get("requests"))
    for item in limit_range["spec"].get("limits") or ():
        if item.get("type") != "PersistentVolumeClaim":
            continue
        for field, word in (("min", "minimum"), ("max", "maximum")):
            for name, bound in _sorted(item.get(field)):
                what = f"{word} {name} usage per PersistentVolumeClaim is {bound}"
                got = requested.get(name)
                if got is None:
                    yield f"{what}.  No request is specified"
                elif (got < bound) if field == "min" else (got > bound):
                    yield f"{what}, but request is {got}"


def _faults(item: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    """What of one container, or pod, is out of the range of `item`."""
    per = f"usage per {item['type']} is"
    for name, bound in _sorted(item.get("min")):
        request, limit = requests.get(name), limits.get(name)
        if request is None:
            yield f"minimum {name} {per} {bound}.  No request is specified"
        elif request < bound:
            yield f"minimum {name} {per} {bound}, but request is {request}"
        elif limit is not None and limit < bound:
            yield f"minimum {name} {per} {bound}, but limit is {limit}"
    for name, bound in _sorted(item.get("max")):
        request, limit = requests.get(name), limits.get(name)
        if limit is None:
            yield f"maximum {name} {per} {bound}.  No limit is specified"
        elif limit > bound:
            yield f"maximum {name} {per} {bound}, but limit is {limit}"
        elif request is not None and request > bound:
            yield f"maximum {name} {per} {bound}, but request is {request}"
    for name, bound in _sorted(item.get("maxLimitRequestRatio")):
        what = f"{name} max limit to request ratio per {item['type']} is {bound}"
        request, limit = requests.get(name), limits.get(name)
        if not request:
            yield f"{what}, but no request is specified or request is 0"
        elif not limit:
            yield f"{what}, but no limit is specified or limit is 0"
        elif float(limit) / float(request) > float(bound):
            yield f"{what}, but provided ratio is {float(limit) / float(request):f}"


def _sorted(resources: Mapping[str, str] | None) -> list[tuple[str, Quantity]]:
    return [(name, parse(text)) for name, text in sorted((resources or {}).items())]
