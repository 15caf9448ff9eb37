"""A Pod's status: what those who run it may write."""

from collections.abc import Iterable
from typing import Any

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.objects import Object

NO_GENERATION = "must be a non-negative integer"
_STATUS = Path("status")
_HEALTH = ("Healthy", "Unhealthy", "Unknown")
#: Which statuses are of which containers.
_LISTS = (
    ("containerStatuses", "containers"),
    ("initContainerStatuses", "initContainers"),
    ("ephemeralContainerStatuses", "ephemeralContainers"),
)


def check_status(errs: Errors, new: Object, old: Object) -> None:
    """The status of a pod whose annotations have been looked at."""
    after, before = new.get("status") or {}, old.get("status") or {}
    _check_conditions(errs, after.get("conditions") or ())
    _check_nominated(errs, after, before, bound=bool(old["spec"].get("nodeName")))
    generation = after.get("observedGeneration", 0)
    if generation < 0:
        errs.invalid(_STATUS.child("observedGeneration"), generation, NO_GENERATION)
    if before.get("qosClass") and after.get("qosClass", "") != before["qosClass"]:
        errs.invalid(_STATUS.child("qosClass"), after.get("qosClass", ""), "field is immutable")
    for field, kind in _LISTS:
        _check_transitions(errs, after, before, field, old["spec"], kind)
    _check_claims(errs, after.get("resourceClaimStatuses") or [], new["spec"].get("resourceClaims") or [])
    extended = after.get("extendedResourceClaimStatus")
    if extended is not None:
        _check_extended_claim(errs, extended, new["spec"], _STATUS.child("extendedResourceClaimStatus"))
    for field in ("podIPs", "hostIPs"):
        _check_addresses(errs, after, field, _STATUS.child(field))
    for field, _ in _LISTS:
        _check_users(errs, after.get(field) or (), _STATUS.child(field), new["spec"])
    for field, kind in _LISTS:
        _check_devices(errs, after.get(field) or (), _STATUS.child(field), new["spec"].get(kind) or ())


def _check_conditions(errs: Errors, conditions: Iterable[Object]) -> None:
    for i, condition in enumerate(conditions):
        at, kind, generation = (
            _STATUS.child("conditions").at(i),
            condition.get("type", ""),
            condition.get("observedGeneration", 0),
        )
        if generation < 0:
            errs.invalid(at.child("observedGeneration"), generation, NO_GENERATION)
        if kind not in ("PodScheduled", "Ready", "Initialized"):
            errs.each(at.child("Type"), kind, names.qualified_name(kind))


def _check_nominated(errs: Errors, after: Object, before: Object, *, bound: bool) -> None:
    node = after.get("nominatedNodeName", "")
    if node and node != before.get("nominatedNodeName"):
        path = _STATUS.child("nominatedNodeName")
        errs.each(path, node, names.dns_subdomain(node))
        if bound:
            errs.forbidden(path, "may not be set on pods that are already bound to a node")


def _check_transitions(errs: Errors, new: Object, old: Object, field: str, spec: Object, kind: str) -> None:
    """A container that has ended for good does not run again."""
    ended = [(i, s) for i, s in enumerate(old.get(field) or ()) if (s.get("state") or {}).get("terminated") is not None]
    if not ended:
        return
    after = {s.get("name"): s for s in new.get(field) or ()}
    containers = {c.get("name"): c for c in spec.get(kind) or ()}
    for i, status in ended:
        present = after.get(status.get("name"))
        if present is None or (present.get("state") or {}).get("terminated") is not None:
            continue
        container = containers.get(status.get("name")) or {}
        if field == "ephemeralContainerStatuses" or not _restarts(
            container, spec, status["state"]["terminated"].get("exitCode", 0)
        ):
            errs.forbidden(_STATUS.child(field).at(i).child("state"), "may not be transitioned to non-terminated state")


def _restarts(container: Object, spec: Object, code: int) -> bool:
    """Whether a container that ended with `code` runs again: by its rules (KEP-5307), its policy, or the pod's."""
    policy = container.get("restartPolicy")
    for rule in container.get("restartPolicyRules") or () if policy else ():
        codes = rule.get("exitCodes") or {}
        if (code in (codes.get("values") or ())) == (codes.get("operator") == "In"):
            if rule.get("action") == "Restart":
                return True
            break
    policy = policy or spec.get("restartPolicy", "")
    return policy not in ("Never", "OnFailure") or (policy == "OnFailure" and code != 0)


def _check_claims(errs: Errors, statuses: list[Object], claims: list[Object]) -> None:
    known, seen = {claim.get("name", "") for claim in claims}, set()
    for i, status in enumerate(statuses):
        at, name = _STATUS.child("resourceClaimStatuses").at(i).child("name"), status.get("name", "")
        if name not in known:
            errs.invalid(at, name, "must match the name of an entry in `spec.resourceClaims`")
        if name in seen:
            errs.duplicate(at, name)
        seen.add(name)
        claim = status.get("resourceClaimName")
        if claim is not None:
            errs.each(at, claim, names.dns_subdomain(claim))


def _check_extended_claim(errs: Errors, status: Object, spec: Object, path: Path) -> None:
    """Which containers get their extended resources from the claim that was made for the pod (KEP-5004)."""
    mappings, claim = status.get("requestMappings") or [], status.get("resourceClaimName", "")
    at = path.child("requestMappings")
    if not mappings:
        errs.required(at, "at least one request mapping is required")
    requests = {c.get("name"): _requests(c) for kind in ("initContainers", "containers") for c in spec.get(kind) or ()}
    seen: set[tuple[str, ...]] = set()
    for i, mapping in enumerate(mappings):
        container, resource, request = key = tuple(mapping.get(f, "") for f in _MAPPING)
        if container not in requests:
            why = "must match the name of an entry in spec.initContainers.name or spec.containers.name"
            errs.invalid(at.at(i).child("containerName"), container, why)
        elif resource not in requests[container]:
            why = (
                "must match the extended resource name of an entry in spec.initContainers.resources.requests or"
                " spec.containers.resources.requests"
            )
            errs.invalid(at.at(i).child("resourceName"), resource, why)
        errs.each(path.child("requestName"), request, names.dns_label(request))
        if key in seen:
            for field, value in zip(_MAPPING, key, strict=True):
                errs.duplicate(at.at(i).child(field), value)
        seen.add(key)
    if claim:
        errs.each(path.child("resourceClaimName"), claim, names.dns_subdomain(claim))
    else:
        errs.required(path.child("resourceClaimName"))


_MAPPING = ("containerName", "resourceName", "requestName")


def _requests(container: Object) -> Object:
    return (container.get("resources") or {}).get("requests") or {}


def _check_addresses(errs: Errors, status: Object, field: str, path: Path) -> None:
    addresses = [a.get("ip", "") for a in status.get(field) or ()]
    if not addresses:
        return
    if field == "hostIPs" and status.get("hostIP") != addresses[0]:
        errs.invalid(path.at(0).child("ip"), addresses[0], "must be equal to `hostIP`")
    for i, address in enumerate(addresses):
        errs.each(path.at(i), address, names.ip_address(address))
        if address in addresses[:i]:
            errs.duplicate(path.at(i), {"IP": address})
    if len(addresses) > 1 and (len(addresses) > 2 or sum(":" in a for a in addresses) != 1):
        shown = [{"IP": a} for a in addresses]
        errs.invalid(path, shown, "may specify no more than one IP for each IP family")


def _check_users(errs: Errors, statuses: Iterable[Object], path: Path, spec: Object) -> None:
    system = (spec.get("os") or {}).get("name", "linux")
    for i, status in enumerate(statuses):
        user, at = (status.get("user") or {}).get("linux"), path.at(i).child("user", "linux")
        if user is None:
            continue
        if system == "windows":
            errs.forbidden(at, "cannot be set for a windows pod")
        elif system == "linux":
            groups = [(at.child("supplementalGroups").at(k), g) for k, g in enumerate(user.get("supplementalGroups") or ())]
            for where, number in ((at.child("uid"), user.get("uid", 0)), (at.child("gid"), user.get("gid", 0)), *groups):
                errs.each(where, number, names.user_or_group_id(number))


def _check_devices(errs: Errors, statuses: Iterable[Object], path: Path, containers: Iterable[Object]) -> None:
    """The health of the devices that containers have (KEP-4680)."""
    for i, status in enumerate(statuses):
        resources, at = status.get("allocatedResourcesStatus"), path.at(i).child("allocatedResourcesStatus")
        if resources and path.endswith("ephemeralContainerStatuses"):
            errs.forbidden(at, "must not be specified in container status")
            continue
        for j, resource in enumerate(resources or ()):
            container = next((c for c in containers if c.get("name") == status.get("name")), None)
            if container is not None:
                _check_device_name(errs, resource.get("name", ""), container, at.at(j).child("name"))
            seen: set[Any] = set()
            for k, device in enumerate(resource.get("resources") or ()):
                health, identity = device.get("health", ""), device.get("resourceID", "")
                if health not in _HEALTH:
                    errs.unsupported(at.at(j).child("resources").at(k).child("health"), health, _HEALTH)
                if identity in seen:
                    errs.duplicate(at.at(j).child("resources").at(k).child("resourceID"), identity)
                seen.add(identity)


def _check_device_name(errs: Errors, name: str, container: Object, path: Path) -> None:
    if not name.startswith("claim:"):
        if name not in _requests(container):
            errs.invalid(path, name, "must match one of the container's resource requests")
        return
    claims = (container.get("resources") or {}).get("claims") or ()
    if name not in {"claim:" + "/".join(filter(None, (c.get("name", ""), c.get("request")))) for c in claims}:
        why = (
            "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or"
            " 'claim:<claimName>' if request is empty"
        )
        errs.invalid(path, name, why)
