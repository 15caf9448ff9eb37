"""Bindings: a pod is given its node."""

from corral.api.fields import Errors
from corral.api.objects import Object
from corral.api.rules import Rules


class BindingRules(Rules):
    """Rules of v1 Binding."""

    def validate_create(self, obj: Object) -> Errors:
        """A node's name."""
        errs = Errors()
        target = obj.get("target") or {}
        if target.get("kind") and target["kind"] != "Node":
            errs.unsupported("target.kind", target["kind"], ("Node", "<empty>"))
        if not target.get("name"):
            errs.required("target.name")
        return errs


RULES = {"Binding": BindingRules()}
