"""Namespaces."""

from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Context, Rules

NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"


class NamespaceRules(Rules):
    """Rules of v1 Namespace."""

    has_status = True
    name_format = "dns_label"

    def default(self, obj: Object) -> None:
        """A label that says the name; active."""
        name = obj["metadata"].get("name")
        if name:
            labels = obj["metadata"].get("labels") or {}
            obj["metadata"]["labels"] = {**labels, NAME_LABEL: name}
        obj.setdefault("spec", {})
        status = obj.setdefault("status", {})
        if not status.get("phase"):
            status["phase"] = "Active"

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Active, and with the finalizer that lets its contents be deleted first."""
        obj["status"] = {"phase": "Active"}
        finalizers = obj["spec"].get("finalizers") or []
        if FINALIZER not in finalizers:
            obj["spec"]["finalizers"] = [*finalizers, FINALIZER]
        self.default(obj)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """Only the finalize subresource changes the spec's finalizers."""
        super().prepare_update(new, old, subresource, context)
        if subresource != "finalize":
            new["spec"] = old.get("spec") or {}

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), (obj.get("status") or {}).get("phase", ""), rows.age(obj, now_s)]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """The phase; `name` is the old way to say metadata.name."""
        return {"status.phase": (obj.get("status") or {}).get("phase", ""), "name": rows.name(obj)}


RULES = {"Namespace": NamespaceRules()}
