"""Requests for devices, as claims, their templates and device classes hold them (KEP-4381)."""

import re
from collections.abc import Callable, Sequence

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.volumesource import check_driver_name
from corral.api.objects import Object

MAX_ITEMS = 32
MAX_ALTERNATIVES = 8
EXPRESSION_MAX_BYTES = 10 * 1024
IDENTIFIER_MAX_BYTES = 32
MODES = ("All", "ExactCount")
EFFECTS = ("NoExecute", "NoSchedule", "None")
OPERATORS = ("Equal", "Exists")
ONE_KIND = "exactly one of `exactly` or `firstAvailable` is required"
NO_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
ONE_ATTRIBUTE = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'

Check = Callable[[Errors, Object, Path], None]


def default_devices(devices: Object | None) -> None:
    """One device for each request."""
    for request in (devices or {}).get("requests") or ():
        for one in (request.get("exactly"), *(request.get("firstAvailable") or ())):
            if one is None:
                continue
            if not one.get("allocationMode"):
                one["allocationMode"] = "ExactCount"
            if one["allocationMode"] == "ExactCount" and not one.get("count"):
                one["count"] = 1


def check_devices(errs: Errors, devices: Object, path: Path) -> None:
    """The requests, what they have to do with each other, and the configuration."""
    requests = devices.get("requests") or []
    known = {name for request in requests for name in _names_of(request)}
    check_named(errs, requests, path.child("requests"), _check_request, MAX_ITEMS)
    constraints, at = devices.get("constraints") or [], path.child("constraints")
    for i, constraint in enumerate(constraints if check_size(errs, constraints, at, MAX_ITEMS) else ()):
        _check_references(errs, constraint.get("requests") or [], known, at.at(i).child("requests"))
        _check_constraint(errs, constraint, at.at(i))
    configs, at = devices.get("config") or [], path.child("config")
    for i, config in enumerate(configs if check_size(errs, configs, at, MAX_ITEMS) else ()):
        _check_references(errs, config.get("requests") or [], known, at.at(i).child("requests"))
        check_config(errs, config, at.at(i))


def check_size(errs: Errors, items: Sequence[object], path: Path, most: int) -> bool:
    """A list that is not too long. The items of one that is are not looked at."""
    if len(items) > most:
        errs.too_many(path, len(items), most)
    return len(items) <= most


def check_named(errs: Errors, items: list[Object], path: Path, check: Check, most: int) -> None:
    """A list of objects, each with a name of its own."""
    if not check_size(errs, items, path, most):
        return
    for i, item in enumerate(items):
        check(errs, item, path.at(i))
    _check_unique(errs, [item.get("name", "") for item in items], path)


def _check_unique(errs: Errors, keys: list[str], path: Path) -> None:
    for i, key in enumerate(keys):
        if key in keys[:i]:
            errs.duplicate(path.at(i), key)


def check_selectors(errs: Errors, selectors: list[Object], path: Path) -> None:
    """CEL expressions about a device."""
    if not selectors or not check_size(errs, selectors, path, MAX_ITEMS):
        return
    from corral.api import deviceselectors

    for i, selector in enumerate(selectors):
        cel, at = selector.get("cel"), path.at(i).child("cel")
        if cel is None:
            errs.required(at)
            continue
        expression, where = cel.get("expression", ""), at.child("expression")
        if len(expression.encode()) > EXPRESSION_MAX_BYTES:
            errs.too_long(where, EXPRESSION_MAX_BYTES)
            continue
        fault = deviceselectors.fault(expression)
        if fault:
            errs.invalid(where, expression, fault)


def check_config(errs: Errors, config: Object, path: Path) -> None:
    """Parameters for a driver that only the driver understands."""
    opaque, at = config.get("opaque"), path.child("opaque")
    if opaque is None:
        errs.required(at)
        return
    check_driver_name(errs, opaque.get("driver", ""), at.child("driver"))
    parameters = opaque.get("parameters")
    if parameters is None:
        errs.required(at.child("parameters"))
    elif not isinstance(parameters, dict):
        errs.invalid(at.child("parameters"), "<value omitted>", "must be a valid JSON object")


def check_label(errs: Errors, name: str, path: Path) -> None:
    """A name that is a DNS label."""
    errs.each(path, name, names.dns_label(name))


def check_attribute_name(errs: Errors, name: str, path: Path, *, domain_needed: bool = False) -> None:
    """A C identifier, with or without a driver's domain before it."""
    domain, slash, identifier = name.rpartition("/")
    if "/" in domain:
        errs.invalid(path, name, "must not contain more than one slash")
        return
    if slash and not domain:
        errs.invalid(path, "", "the domain must not be empty")
    elif slash:
        check_driver_name(errs, domain, path)
    if slash and not identifier:
        errs.invalid(path, "", "the name must not be empty")
    else:
        if len(identifier) > IDENTIFIER_MAX_BYTES:
            errs.too_long(path, IDENTIFIER_MAX_BYTES)
        errs.each(path, identifier, names.c_identifier(identifier))
    if domain_needed and not slash:
        errs.invalid(path, name, "a fully qualified name must be a domain and a name separated by a slash")


def _names_of(request: Object) -> list[str]:
    name = request.get("name", "")
    return [name, *(f"{name}/{one.get('name', '')}" for one in request.get("firstAvailable") or ())]


def _check_request(errs: Errors, request: Object, path: Path) -> None:
    check_label(errs, request.get("name", ""), path.child("name"))
    exactly, alternatives = request.get("exactly"), request.get("firstAvailable") or []
    if exactly is None and not alternatives:
        errs.required(path, ONE_KIND)
    elif exactly is not None and alternatives:
        errs.invalid(path, None, f"{ONE_KIND}, but multiple fields are set")
    elif exactly is not None:
        _check_exactly(errs, exactly, path.child("exactly"))
    else:
        check_named(errs, alternatives, path.child("firstAvailable"), _check_alternative, MAX_ALTERNATIVES)


def _check_alternative(errs: Errors, request: Object, path: Path) -> None:
    check_label(errs, request.get("name", ""), path.child("name"))
    _check_exactly(errs, request, path)


def _check_exactly(errs: Errors, request: Object, path: Path) -> None:
    device_class, mode, count = request.get("deviceClassName", ""), request.get("allocationMode"), request.get("count", 0)
    if not device_class:
        errs.required(path.child("deviceClassName"))
    else:
        errs.each(path.child("deviceClassName"), device_class, names.dns_subdomain(device_class))
    check_selectors(errs, request.get("selectors") or [], path.child("selectors"))
    if mode == "All":
        if count:
            errs.invalid(path.child("count"), count, "must not be specified when allocationMode is 'All'")
    elif mode == "ExactCount":
        if count <= 0:
            errs.invalid(path.child("count"), count, "must be greater than zero")
    else:
        errs.unsupported(path.child("allocationMode"), mode, MODES)
    for i, toleration in enumerate(request.get("tolerations") or ()):
        _check_toleration(errs, toleration, path.child("tolerations").at(i))


def _check_toleration(errs: Errors, toleration: Object, path: Path) -> None:
    key, value, effect = (toleration.get(field, "") for field in ("key", "value", "effect"))
    operator = toleration.get("operator", "")
    if key:
        errs.each(path.child("key"), key, names.qualified_name(key))
    if operator == "Exists":
        if value:
            errs.invalid(path.child("value"), value, "must be empty for operator `Exists`")
    elif operator == "Equal":
        errs.each(path.child("value"), value, names.label_value(value))
    elif not operator:
        errs.required(path.child("operator"))
    else:
        errs.unsupported(path.child("operator"), operator, OPERATORS)
    if effect and effect not in EFFECTS:
        errs.unsupported(path.child("effect"), effect, EFFECTS)


def _check_references(errs: Errors, given: list[str], known: set[str], path: Path) -> None:
    if not check_size(errs, given, path, MAX_ITEMS):
        return
    for i, name in enumerate(given):
        if name.count("/") > 1:
            errs.invalid(path.at(i), name, NO_REQUEST)
            continue
        for part in name.split("/"):
            check_label(errs, part, path.at(i))
        if name not in known:
            errs.invalid(path.at(i), name, NO_REQUEST)
    _check_unique(errs, given, path)


def _check_constraint(errs: Errors, constraint: Object, path: Path) -> None:
    for field in ("matchAttribute", "distinctAttribute"):
        if constraint.get(field) is not None:
            check_attribute_name(errs, constraint[field], path.child(field), domain_needed=True)
            return
    errs.required(path, ONE_ATTRIBUTE)


#: What a version of a device may look like (https://semver.org).
SEMANTIC_VERSION = re.compile(
    r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?", re.ASCII
)
