"""ControllerRevisions: former templates of StatefulSets and DaemonSets."""

from corral.api.fields import Errors
from corral.api.kinds import rows
from corral.api.kinds.workload import IMMUTABLE, NEGATIVE
from corral.api.objects import Object, controller_of
from corral.api.rules import Rules


class ControllerRevisionRules(Rules):
    """Rules of apps/v1 ControllerRevision."""

    def validate_create(self, obj: Object) -> Errors:
        """A revision number and an object."""
        errs = Errors()
        data = obj.get("data")
        if data is None:
            errs.required("data", "data is mandatory")
        elif not isinstance(data, dict):
            errs.required("data", "data must be a valid JSON object")
        if obj.get("revision", 0) < 0:
            errs.invalid("revision", obj["revision"], NEGATIVE)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The data stay."""
        errs = Errors()
        if new.get("revision", 0) < 0:
            errs.invalid("revision", new["revision"], NEGATIVE)
        if new.get("data") != old.get("data"):
            errs.invalid("data", new.get("data"), IMMUTABLE)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        owner = controller_of(obj)
        shown = "<none>"
        if owner is not None:
            group = owner["apiVersion"].rpartition("/")[0]
            kind = f"{owner['kind']}.{group}" if group else owner["kind"]
            shown = f"{kind.lower()}/{owner['name']}"
        return [rows.name(obj), shown, obj.get("revision", 0), rows.age(obj, now_s)]


RULES = {"ControllerRevision": ControllerRevisionRules()}
