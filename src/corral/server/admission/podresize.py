"""PodResizeValidator: a pod is not resized beyond what its node has, nor on a node where that cannot be done (KEP-1287)."""

from corral.api import podresources
from corral.api.objects import Object
from corral.api.podresources import amounts
from corral.api.quantity import ZERO
from corral.server.admission.chain import Plugin, forbidden
from corral.server.lookup import Lookup
from corral.server.request import Admission

OS_LABEL = "kubernetes.io/os"


class PodResize(Plugin):
    """Judges `pods/resize` by the node that the pod is on."""

    resources = frozenset({"pods"})
    operations = frozenset({"UPDATE"})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def validate(self, admission: Admission) -> None:
        """Raise ApiError (403)."""
        pod, old = admission.object, admission.old_object
        if admission.subresource != "resize" or pod is None or old is None:
            return
        name = pod["spec"].get("nodeName")
        if not name or pod["metadata"].get("generation") == old["metadata"].get("generation"):
            return
        node = self._lookup.get("nodes", "", name)
        if node is None:
            raise forbidden(admission, f'node "{name}" not found')
        why = _too_large(pod, node)
        if why:
            raise forbidden(admission, f"Node didn't have enough allocatable resources: {why}")
        system = (node["metadata"].get("labels") or {}).get(OS_LABEL, "")
        if system != "linux":
            raise forbidden(admission, f'pod resize is only supported on linux nodes, node "{name}" is "{system}"')


def _too_large(pod: Object, node: Object) -> str:
    """What the pod asks for more of than the node has in all."""
    asked = podresources.total(pod, "requests")
    has = amounts((node.get("status") or {}).get("allocatable"))
    found = []
    cpu, memory = (tuple(of.get(name, ZERO) for of in (asked, has)) for name in ("cpu", "memory"))
    if cpu[0].milli() > cpu[1].milli():
        found.append(f"cpu, requested: {cpu[0].milli()}, allocatable: {cpu[1].milli()}")
    if memory[0].value() > memory[1].value():
        found.append(f"memory, requested: {memory[0].value()}, allocatable: {memory[1].value()}")
    return "; ".join(found)
