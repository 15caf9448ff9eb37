"""RuntimeClass: pods of a class get its overhead and go to the nodes that have its runtime (KEP-585, KEP-688)."""

from corral.api.objects import Object
from corral.server.admission.chain import Plugin, forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

CLASSES = "runtimeclasses.node.k8s.io"
OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
LONE_OVERHEAD = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"


class RuntimeClass(Plugin):
    """Applies the class of a new pod."""

    resources = frozenset({"pods"})
    operations = frozenset({"CREATE"})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def admit(self, admission: Admission) -> None:
        """Set overhead, nodeSelector and tolerations. Raises ApiError (403)."""
        if admission.subresource or admission.object is None:
            return
        spec = admission.object["spec"]
        name = spec.get("runtimeClassName")
        if not name:
            if spec.get("overhead"):
                raise forbidden(admission, LONE_OVERHEAD)
            return
        found = self._lookup.get(CLASSES, "", name)
        if found is None:
            raise forbidden(admission, f'pod rejected: RuntimeClass "{name}" not found')
        overhead = (found.get("overhead") or {}).get("podFixed")
        if spec.get("overhead") and spec["overhead"] != overhead:
            raise forbidden(admission, OTHER_OVERHEAD if overhead else LONE_OVERHEAD)
        if overhead:
            spec["overhead"] = dict(overhead)
        _schedule(admission, spec, found.get("scheduling") or {})


def _schedule(admission: Admission, spec: Object, scheduling: Object) -> None:
    selector = dict(spec.get("nodeSelector") or {})
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if selector.get(key, value) != value:
            why = f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
            raise forbidden(admission, why + f"pod.spec.nodeSelector[{key}] = {selector[key]}")
        selector[key] = value
    if selector:
        spec["nodeSelector"] = selector
    tolerations = list(spec.get("tolerations") or ())
    added = [t for t in scheduling.get("tolerations") or () if t not in tolerations]
    if added:
        spec["tolerations"] = [*tolerations, *added]
