"""What objects count for in a ResourceQuota, and which quotas they fall under. Pure.

The server charges new objects with it, the quota controller counts present ones. See
https://kubernetes.io/docs/concepts/policy/resource-quotas/.
"""

from collections.abc import Iterable, Mapping

from corral.api import podresources
from corral.api.objects import Object
from corral.api.podresources import Amounts, amounts
from corral.api.quantity import of_value, parse

#: Resources with a name of their own beside `count/...`.
PLAIN = frozenset(
    {"pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims"}
)
COMPUTE = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
STORAGE_CLASS = ".storageclass.storage.k8s.io/"
DEVICE_CLASS = ".deviceclass.resource.k8s.io/devices"
CLAIMS = "resourceclaims.resource.k8s.io"
#: What a claim for all devices that fit counts for: as many as one claim can get.
ALL_DEVICES = 32
ONE = of_value(1)


def usage(group_resource: str, obj: Object) -> Amounts:
    """What one object counts for, by the names that quotas use."""
    found: Amounts = {f"count/{group_resource}": ONE}
    if group_resource == "pods":
        return {**found, **_pod_usage(obj)}
    if group_resource in PLAIN:
        found[group_resource] = ONE
    if group_resource == "services":
        found |= _service_usage(obj)
    elif group_resource == "persistentvolumeclaims":
        found |= _claim_usage(obj)
    elif group_resource == CLAIMS:
        found |= _device_usage(obj)
    return found


def is_counted(pod: Object) -> bool:
    """Whether a pod still uses something: those that have ended, or should long be gone, do not."""
    return (pod.get("status") or {}).get("phase") not in ("Failed", "Succeeded")


def missing_resources(obj: Object, hard: Iterable[str]) -> dict[str, list[str]]:
    """The compute resources that a quota of `hard` wants every container of a pod to state: resource → containers."""
    required = COMPUTE & set(hard)
    missing: dict[str, set[str]] = {}
    spec = obj.get("spec") or {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        stated = _stated(container.get("resources") or {})
        for resource in required - stated:
            missing.setdefault(resource, set()).add(container.get("name", ""))
    pod_level = _stated(spec.get("resources") or {})
    return {resource: sorted(found) for resource, found in sorted(missing.items()) if resource not in pod_level}


def matches(quota: Object, group_resource: str, obj: Object) -> bool:
    """Whether the object is in the quota's scopes. Only pods (and claims, by their class) can be in any."""
    spec = quota.get("spec") or {}
    terms = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or ()]
    terms += (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    if not terms:
        return True
    if group_resource == "persistentvolumeclaims":
        return all(_claim_in(term, obj) for term in terms)
    return group_resource == "pods" and all(_pod_in(term, obj) for term in terms)


def _pod_usage(pod: Object) -> Amounts:
    found: Amounts = {"count/pods": ONE}
    if not is_counted(pod):
        return found
    found["pods"] = ONE
    for name, amount in podresources.total(pod, "requests").items():
        found[f"requests.{name}"] = amount
        if name in ("cpu", "memory", "ephemeral-storage") or name.startswith("hugepages-"):
            found[name] = amount
    for name, amount in podresources.total(pod, "limits").items():
        if name in ("cpu", "memory", "ephemeral-storage"):
            found[f"limits.{name}"] = amount
    return found


def _service_usage(service: Object) -> Amounts:
    spec = service.get("spec") or {}
    ports = len(spec.get("ports") or ())
    kind = spec.get("type", "ClusterIP")
    node_ports = ports if kind == "NodePort" else 0
    if kind == "LoadBalancer":
        allocates = spec.get("allocateLoadBalancerNodePorts", True)
        node_ports = ports if allocates else sum(1 for port in spec.get("ports") or () if port.get("nodePort"))
    return {"services.nodeports": of_value(node_ports), "services.loadbalancers": of_value(int(kind == "LoadBalancer"))}


def _claim_usage(claim: Object) -> Amounts:
    spec = claim.get("spec") or {}
    found: Amounts = {}
    storage = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    storage_class = spec.get("storageClassName")
    if storage is not None:
        found["requests.storage"] = parse(storage)
    if storage_class:
        found[f"{storage_class}{STORAGE_CLASS}persistentvolumeclaims"] = ONE
        if storage is not None:
            found[f"{storage_class}{STORAGE_CLASS}requests.storage"] = parse(storage)
    return found


def _device_usage(claim: Object) -> Amounts:
    """The devices of each class that a claim asks for; of alternatives, the most of each class (KEP-4840)."""
    total: dict[str, int] = {}
    for request in ((claim.get("spec") or {}).get("devices") or {}).get("requests") or ():
        most: dict[str, int] = {}
        for one in request.get("firstAvailable") or [request.get("exactly") or {}]:
            count = ALL_DEVICES if one.get("allocationMode") == "All" else one.get("count") or 1
            name = one.get("deviceClassName", "")
            most[name] = max(most.get(name, 0), count)
        for name, count in most.items():
            total[name] = total.get(name, 0) + count
    return {f"{name}{DEVICE_CLASS}": of_value(count) for name, count in total.items() if name}


def _stated(resources: Object) -> set[str]:
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    return {*requests, *(f"requests.{name}" for name in requests), *(f"limits.{name}" for name in limits)}


def _pod_in(term: Object, pod: Object) -> bool:
    spec = pod.get("spec") or {}
    match term["scopeName"]:
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return _is_best_effort(spec)
        case "NotBestEffort":
            return not _is_best_effort(spec)
        case "PriorityClass":
            return _selects(term, spec.get("priorityClassName", ""))
        case "CrossNamespacePodAffinity":
            return _crosses_namespaces(spec)
    return False


def _claim_in(term: Object, claim: Object) -> bool:
    if term["scopeName"] != "VolumeAttributesClass":
        return False
    return _selects(term, (claim.get("spec") or {}).get("volumeAttributesClassName", ""))


def _selects(term: Object, value: str) -> bool:
    values = term.get("values") or ()
    match term.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return bool(value)
        case "DoesNotExist":
            return not value
    return False


def _is_best_effort(spec: Object) -> bool:
    holders = [spec, *(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    for holder in holders:
        resources = holder.get("resources") or {}
        stated: Mapping[str, str] = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
        if any(amount for name, amount in amounts(stated).items() if name in ("cpu", "memory")):
            return False
    return True


def _crosses_namespaces(spec: Object) -> bool:
    affinity = spec.get("affinity") or {}
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        terms = list(rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        terms += [t.get("podAffinityTerm") or {} for t in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ()]
        if any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms):
            return True
    return False
