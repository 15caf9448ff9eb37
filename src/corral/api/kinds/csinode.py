"""CSINodes."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.gostructs import CSI_DRIVER, shown
from corral.api.kinds.volumesource import check_driver_name
from corral.api.kinds.workload import check_not_negative
from corral.api.objects import Object
from corral.api.rules import Rules

NODE_ID_MAX_BYTES = 256


class CSINodeRules(Rules):
    """Rules of storage.k8s.io/v1 CSINode."""

    def default(self, obj: Object) -> None:
        """There is a spec."""
        obj.setdefault("spec", {})

    def validate_create(self, obj: Object) -> Errors:
        """The drivers, each once."""
        errs, path = Errors(), Path("spec").child("drivers")
        seen: set[str] = set()
        for i, driver in enumerate(obj["spec"].get("drivers") or ()):
            name = driver.get("name", "")
            _check_driver(errs, driver, path.at(i))
            if name in seen:
                errs.duplicate(path.at(i).child("name"), name)
            seen.add(name)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """A driver that stays does not change, but for how many volumes it can attach."""
        errs, path = self.validate_create(new), Path("spec").child("drivers")
        before = {driver.get("name"): _fixed(driver) for driver in old["spec"].get("drivers") or ()}
        for i, driver in enumerate(new["spec"].get("drivers") or ()):
            kept = before.get(driver.get("name"))
            if kept is not None and kept != _fixed(driver):
                errs.invalid(path.at(i), shown(driver, CSI_DRIVER), "field is immutable")
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), len(obj["spec"].get("drivers") or ()), rows.age(obj, now_s)]


def _fixed(driver: Object) -> Object:
    return {name: value for name, value in driver.items() if name != "allocatable" and value}


def _check_driver(errs: Errors, driver: Object, path: Path) -> None:
    check_driver_name(errs, driver.get("name", ""), path.child("name"))
    node = driver.get("nodeID", "")
    if not node:
        errs.required(path.child("nodeID"))
    elif len(node.encode()) > NODE_ID_MAX_BYTES:
        errs.invalid(path.child("nodeID"), node, f"must be {NODE_ID_MAX_BYTES} characters or less")
    if driver.get("allocatable") is not None:
        check_not_negative(errs, driver["allocatable"], path.child("allocatable"), "count")
    seen: set[str] = set()
    at = path.child("topologyKeys")
    for key in driver.get("topologyKeys") or ():
        if not key:
            errs.required(at)
        elif key in seen:
            errs.duplicate(at, key)
        if key:
            errs.each(at, key, names.qualified_name(key))
        seen.add(key)


RULES = {"CSINode": CSINodeRules()}
