"""PodTopologyLabels: a pod gets the zone and the region of the node that it goes to as labels (KEP-4742)."""

from corral.api.objects import Object
from corral.server.admission.chain import Plugin
from corral.server.lookup import Lookup
from corral.server.request import Admission

COPIED = ("topology.kubernetes.io/region", "topology.kubernetes.io/zone")


class PodTopologyLabels(Plugin):
    """Adds them to Bindings, from which pods get them, and to pods that are created on a node. Labels that are there stay."""

    resources = frozenset({"pods"})
    operations = frozenset({"CREATE"})

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def admit(self, admission: Admission) -> None:
        """Copy the labels."""
        obj = admission.object
        if obj is None or admission.subresource not in ("", "binding"):
            return
        name = _bound_to(obj) if admission.subresource else obj["spec"].get("nodeName")
        node = self._lookup.get("nodes", "", name) if name else None
        have = {} if node is None else node["metadata"].get("labels") or {}
        found = {key: have[key] for key in COPIED if key in have}
        if found:
            meta = obj.setdefault("metadata", {})
            meta["labels"] = {**found, **(meta.get("labels") or {})}


def _bound_to(binding: Object) -> str:
    target = binding.get("target") or {}
    return str(target.get("name", "")) if target.get("kind") == "Node" else ""
