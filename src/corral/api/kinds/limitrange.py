"""LimitRanges."""

from collections.abc import Mapping

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.computeresources import check_container_resource_name, check_resource_name, may_overcommit
from corral.api.objects import Object
from corral.api.quantity import parse
from corral.api.rules import Rules

TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_BOUNDS = ("max", "min", "default", "defaultRequest")
_RATIO = "maxLimitRequestRatio"
_PARTS = (*_BOUNDS, _RATIO)


class LimitRangeRules(Rules):
    """Rules of v1 LimitRange."""

    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        """A container's default limit is the maximum, its default request the limit, or else the minimum."""
        for item in (obj.get("spec") or {}).get("limits") or ():
            if item.get("type") != "Container":
                continue
            limits = (item.get("max") or {}) | (item.get("default") or {})
            requests = (item.get("min") or {}) | limits | (item.get("defaultRequest") or {})
            for field, amounts in (("default", limits), ("defaultRequest", requests)):
                if amounts:
                    item[field] = amounts

    def validate_create(self, obj: Object) -> Errors:
        """Each type once, and amounts that fit each other."""
        errs = Errors()
        seen: set[str] = set()
        for i, item in enumerate((obj.get("spec") or {}).get("limits") or ()):
            at, kind = Path("spec").child("limits").at(i), item.get("type", "")
            _check_type(errs, kind, at.child("type"))
            if kind in seen:
                errs.duplicate(at.child("type"), kind)
            seen.add(kind)
            _check_item(errs, item, kind, at)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), obj["metadata"].get("creationTimestamp", "")]


def _check_type(errs: Errors, kind: str, path: Path) -> None:
    wrong = names.qualified_name(kind)
    errs.each(path, kind, wrong)
    if not wrong and "/" not in kind and kind not in TYPES:
        errs.invalid(path, kind, "must be a standard limit type or fully qualified")


def _check_item(errs: Errors, item: Object, kind: str, path: Path) -> None:
    for part in _BOUNDS:
        if part in ("default", "defaultRequest") and kind == "Pod":
            if item.get(part):
                errs.forbidden(path.child(part), "may not be specified when `type` is 'Pod'")
            continue
        _check_names(errs, kind, item, part, path)
    if kind == "PersistentVolumeClaim":
        low, high = "storage" in (item.get("min") or {}), "storage" in (item.get("max") or {})
        if not low and not high:
            why = "either minimum or maximum storage value is required, but neither was provided"
            errs.required(path.child("limits"), why)
    _check_names(errs, kind, item, _RATIO, path)
    for name in sorted({n for part in _PARTS for n in item.get(part) or ()}):
        _check_order(errs, {p: (item.get(p) or {}).get(name) for p in _PARTS}, name, path)


def _check_names(errs: Errors, kind: str, item: Object, part: str, path: Path) -> None:
    for name in sorted(item.get(part) or ()):
        at = path.child(part).key(name)
        if kind in ("Pod", "Container"):
            check_container_resource_name(errs, name, at)
        else:
            check_resource_name(errs, name, at)


def _check_order(errs: Errors, amounts: Mapping[str, str | None], name: str, path: Path) -> None:
    low, high, limit = amounts["min"], amounts["max"], amounts["default"]
    request, ratio = amounts["defaultRequest"], amounts[_RATIO]

    def above(a: str | None, b: str | None) -> bool:
        return a is not None and b is not None and parse(a) > parse(b)

    def tell(field: str, value: str | None, text: str) -> None:
        errs.invalid(path.child(field).key(name), value, text)

    if above(low, high):
        tell("min", low, f"min value {low} is greater than max value {high}")
    if above(low, request):
        tell("defaultRequest", request, f"min value {low} is greater than default request value {request}")
    if above(request, high):
        tell("defaultRequest", request, f"default request value {request} is greater than max value {high}")
    if above(request, limit):
        tell("defaultRequest", request, f"default request value {request} is greater than default limit value {limit}")
    if above(low, limit):
        tell("default", low, f"min value {low} is greater than default value {limit}")
    if above(limit, high):
        tell("default", high, f"default value {limit} is greater than max value {high}")
    if ratio is not None:
        if parse(ratio) < parse("1"):
            tell("maxLimitRequestRatio", ratio, f"ratio {ratio} is less than 1")
        if low is not None and high is not None and parse(low):
            largest = float(parse(high)) / float(parse(low))
            if float(parse(ratio)) > largest:
                text = f"ratio {ratio} is greater than max/min = {largest:f}"
                tell("maxLimitRequestRatio", ratio, text)
    if not may_overcommit(name) and limit is not None and request is not None and parse(limit) != parse(request):
        text = f"default value {limit} must equal to defaultRequest value {request} in {name}"
        tell("defaultRequest", request, text)


RULES = {"LimitRange": LimitRangeRules()}
