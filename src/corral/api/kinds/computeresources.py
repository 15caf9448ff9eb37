"""Requests and limits: names and amounts of resources."""

from collections.abc import Callable, Collection, Mapping

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.objects import Object
from corral.api.quantity import ZERO, QuantityError, parse

HUGE_PAGES = "hugepages-"
CONTAINER_RESOURCES = frozenset(("cpu", "memory", "ephemeral-storage"))
POD_RESOURCES = frozenset(("cpu", "memory"))
OBJECT_COUNTS = frozenset(
    [
        "pods",
        "services",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ]
)
STANDARD_RESOURCES = (
    CONTAINER_RESOURCES
    | OBJECT_COUNTS
    | frozenset(
        [
            "requests.cpu",
            "requests.memory",
            "requests.ephemeral-storage",
            "limits.cpu",
            "limits.memory",
            "limits.ephemeral-storage",
            "storage",
            "requests.storage",
        ]
    )
)
NOT_NEGATIVE = "must be greater than or equal to 0"
NOT_POSITIVE = "must be greater than zero"


def is_native(name: str) -> bool:
    """Whether Kubernetes itself defines the resource."""
    return "/" not in name or "kubernetes.io/" in name


def is_extended(name: str) -> bool:
    """Whether the resource is somebody's own, such as `example.com/gpu`."""
    return not is_native(name) and not name.startswith("requests.") and not names.qualified_name(f"requests.{name}")


def is_huge_page(name: str) -> bool:
    """Whether the resource is a size of huge pages."""
    return name.startswith(HUGE_PAGES)


def is_integer(name: str) -> bool:
    """Whether the resource comes in whole pieces."""
    return name in OBJECT_COUNTS or is_extended(name)


def may_overcommit(name: str) -> bool:
    """Whether requests may be lower than limits."""
    return is_native(name) and not is_huge_page(name)


def check_resource_name(errs: Errors, name: str, path: Path) -> bool:
    """The name of a resource; whether it is one."""
    wrong = names.qualified_name(name)
    errs.each(path, name, wrong)
    if wrong:
        return False
    if "/" not in name and name not in STANDARD_RESOURCES and not is_huge_page(name):
        errs.invalid(path, name, "must be a standard resource type or fully qualified")
        return False
    return True


def check_container_resource_name(errs: Errors, name: str, path: Path) -> None:
    """The name of a resource that a container may have. (As in the reference, a wrong one may be told of twice.)"""
    check_resource_name(errs, name, path)
    if "/" not in name:
        if name not in CONTAINER_RESOURCES and not is_huge_page(name):
            errs.invalid(path, name, "must be a standard resource for containers")
    elif not is_native(name) and not is_extended(name):
        errs.invalid(path, name, "doesn't follow extended resource name standard")


def check_pod_resource_name(errs: Errors, name: str, path: Path) -> None:
    """The name of a resource that a pod as a whole may have (KEP-2837)."""
    if check_resource_name(errs, name, path) and name not in POD_RESOURCES and not is_huge_page(name):
        errs.unsupported(path, name, ("cpu", HUGE_PAGES, "memory"))


def check_amount(errs: Errors, name: str, amount: str, path: Path) -> None:
    """The amount of a resource: not negative, and whole where it comes in pieces."""
    quantity = parse(amount)
    if quantity < ZERO:
        errs.invalid(path, str(quantity), NOT_NEGATIVE)
    if is_integer(name) and quantity.milli() % 1000:
        errs.invalid(path, str(quantity), "must be an integer")


def check_not_negative(errs: Errors, amount: str, path: Path) -> None:
    """An amount of anything, not below zero."""
    quantity = parse(amount)
    if quantity < ZERO:
        errs.invalid(path, str(quantity), NOT_NEGATIVE)


def check_positive(errs: Errors, amount: str, path: Path) -> None:
    """An amount of anything, above zero."""
    quantity = parse(amount)
    if quantity <= ZERO:
        errs.invalid(path, str(quantity), NOT_POSITIVE)


def check_requirements(
    errs: Errors,
    requirements: Object,
    path: Path,
    claims: Collection[str] | None = None,
    check_name: Callable[[Errors, str, Path], None] = check_container_resource_name,
) -> None:
    """Requests and limits of a container (or a pod): each on its own, and requests against limits."""
    limits: Mapping[str, str] = requirements.get("limits") or {}
    requests: Mapping[str, str] = requirements.get("requests") or {}
    for field, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in sorted(amounts.items()):
            at = path.child(field).key(name)
            check_name(errs, name, at)
            check_amount(errs, name, amount, at)
            if is_huge_page(name):
                _check_page_size(errs, name, amount, at)
            if field == "requests":
                _check_against_limit(errs, name, amount, limits.get(name), path)
    all_names = limits.keys() | requests.keys()
    if any(is_huge_page(n) for n in all_names) and not all_names & POD_RESOURCES:
        errs.forbidden(path, "HugePages require cpu or memory")
    _check_claims(errs, requirements.get("claims") or (), claims, path.child("claims"))


def _check_against_limit(errs: Errors, name: str, amount: str, limit: str | None, path: Path) -> None:
    overcommit = may_overcommit(name)
    if limit is None:
        if not overcommit:
            errs.required(path.child("limits"), "Limit must be set for non overcommitable resources")
        return
    asked, most = parse(amount), parse(limit)
    if asked != most and not overcommit:
        errs.invalid(path.child("requests"), str(asked), f"must be equal to {name} limit of {most}")
    elif asked > most:
        errs.invalid(path.child("requests"), str(asked), f"must be less than or equal to {name} limit of {most}")


def _check_page_size(errs: Errors, name: str, amount: str, path: Path) -> None:
    shown = str(parse(amount))
    try:
        size = parse(name.removeprefix(HUGE_PAGES))
    except QuantityError:
        size = ZERO
    if size <= ZERO or size.milli() % 1000 or parse(amount).nanos % size.nanos:
        errs.invalid(path, shown, f"{shown} is not positive integer multiple of {name}")


def _check_claims(errs: Errors, found: "list[Object] | tuple[()]", claims: Collection[str] | None, path: Path) -> None:
    seen: set[str] = set()
    for i, claim in enumerate(found):
        at, name, request = path.at(i), claim.get("name", ""), claim.get("request", "")
        if not name:
            errs.required(at)
            continue
        if name in seen:  # All requests of the claim are used already.
            errs.duplicate(at, name)
        else:
            key = f"{name}/{request}" if request else name
            if request:
                errs.each(at.child("request"), request, names.dns_label(request))
            if key in seen:
                errs.duplicate(at, key)
            elif not request:
                for _ in [used for used in seen if used.startswith(f"{name}/")]:
                    errs.duplicate(at, name)
            seen.add(key)
        if claims is not None and name not in claims:
            known = f": {', '.join(sorted(claims))}" if claims else " which is empty"
            errs.not_found(at, name, f"must be one of the names in pod.spec.resourceClaims{known}")
