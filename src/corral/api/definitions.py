"""What a CustomResourceDefinition defines: its resources, the names it is granted, its conditions. Pure.

https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/custom-resources/
"""

import re
from collections.abc import Iterable, Sequence

from corral.api import cabundle
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.base.clock import rfc3339

#: The finalizer of a definition whose objects have to go first.
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
#: In the order in which the reference tells them.
VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
APPROVED = "api-approved.kubernetes.io"
_PROTECTED = ("k8s.io", "kubernetes.io")
_POLICY = "https://github.com/kubernetes/enhancements/pull/1111"
_PARTS = ("get", "patch", "update")
_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?")
_STAGES = {"alpha": 0, "beta": 1, None: 2}


def priority(version: str) -> tuple[int, int, int, list[int]]:
    """Sorts versions as Kubernetes prefers them: v10, v2, v1, v2beta1, v1alpha1, then others by name. Smallest first."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return 1, 0, 0, [ord(char) for char in version]
    return 0, -_STAGES[match[2]], -int(match[1]), [-int(match[3] or 0)]


def resources(definition: Object) -> list[Resource]:
    """The resources of all versions, served or not, the preferred version first."""
    versions = sorted(definition["spec"]["versions"], key=lambda version: priority(version["name"]))
    return [_resource(definition, version) for version in versions]


def served(definition: Object) -> list[Resource]:
    """The resources that clients can use now."""
    if not is_true(definition, "Established"):
        return []
    names = {version["name"] for version in definition["spec"]["versions"] if version.get("served")}
    return [resource for resource in resources(definition) if resource.version in names]


def version_of(definition: Object, version: str) -> Object:
    """The part of the definition about one version. Raises KeyError."""
    for found in definition["spec"]["versions"]:
        if found["name"] == version:
            return dict(found)
    raise KeyError(version)


def _resource(definition: Object, version: Object) -> Resource:
    spec = definition["spec"]
    names = (definition.get("status") or {}).get("acceptedNames") or spec["names"]
    kind, parts = names.get("kind", ""), version.get("subresources") or {}
    list_kind = names.get("listKind") or f"{kind}List"
    subresources: list[tuple[str, tuple[str, ...], str, str, str]] = []
    if parts.get("status") is not None:
        subresources.append(("status", _PARTS, "", "", kind))
    if parts.get("scale") is not None:
        subresources.append(("scale", _PARTS, "autoscaling", "v1", "Scale"))
    return Resource(
        group=spec["group"],
        version=version["name"],
        plural=names.get("plural", ""),
        kind=kind,
        singular=names.get("singular", ""),
        namespaced=spec["scope"] == "Namespaced",
        verbs=VERBS,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(subresources),
        storage_version=next((one["name"] for one in spec["versions"] if one.get("storage")), version["name"]),
        list_kind="" if list_kind == f"{kind}List" else list_kind,
    )


def is_true(definition: Object, type_: str) -> bool:
    """Whether a condition is true."""
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(one["type"] == type_ and one["status"] == "True" for one in conditions)


def with_names(definition: Object, others: Iterable[Object], now_s: float) -> Object:
    """The status with the names that no other definition of the group has; NamesAccepted and Established say how it went."""
    status: Object = dict(definition.get("status") or {})
    wanted, had = definition["spec"]["names"], status.get("acceptedNames") or {}
    resources_taken, kinds_taken = _taken(definition, others)
    accepted: Object = {"plural": "", "kind": "", **had}
    fault = ("", "")
    for field, taken in _FIELDS:
        names = kinds_taken if taken == "kinds" else resources_taken
        conflict = _conflict(wanted.get(field), had.get(field), names)
        if conflict:
            fault = (f"{field[0].upper()}{field[1:]}Conflict", conflict)
        elif wanted.get(field):
            accepted[field] = wanted[field]
        else:
            accepted.pop(field, None)
    accepted.pop("categories", None)
    if wanted.get("categories"):
        accepted["categories"] = wanted["categories"]
    conditions = list(status.get("conditions") or ())
    if fault[0]:
        conditions = with_condition(conditions, "NamesAccepted", "False", *fault, now_s)
    else:
        conditions = with_condition(conditions, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now_s)
    if not any(one["type"] == "Established" and one["status"] == "True" for one in conditions):
        verdict = ("NotAccepted", "not all names are accepted")
        if not fault[0]:
            verdict = ("Installing", "the initial names have been accepted")
        conditions = with_condition(conditions, "Established", "False", *verdict, now_s)
    return {**status, "conditions": _with_approval(definition, conditions, now_s), "acceptedNames": accepted}


def _with_approval(definition: Object, conditions: list[Object], now_s: float) -> list[Object]:
    """Groups of the community's own name who has approved them (KEP-1111)."""
    group = definition["spec"]["group"]
    if not any(group == own or group.endswith(f".{own}") for own in _PROTECTED):
        return conditions
    said = (definition["metadata"].get("annotations") or {}).get(APPROVED, "")
    if said.startswith("https://"):
        verdict = ("True", "ApprovedAnnotation", f"approved in {said}")
    elif said.startswith("unapproved"):
        verdict = ("False", "UnapprovedAnnotation", f'not approved: "{said}"')
    elif said:
        shown = f'protected groups must have approval annotation "{APPROVED}" with either a URL or a reason starting with'
        verdict = ("False", "InvalidAnnotation", f'{shown} "unapproved", see {_POLICY}')
    else:
        verdict = ("False", "MissingAnnotation", f'protected groups must have approval annotation "{APPROVED}", see {_POLICY}')
    return with_condition(conditions, "KubernetesAPIApprovalPolicyConformant", *verdict, now_s)


def conversion_fault(definition: Object) -> str:
    """Why a definition cannot be served yet: nobody vouches for its conversion webhook; "" if it can."""
    client = ((definition["spec"].get("conversion") or {}).get("webhook") or {}).get("clientConfig") or {}
    return cabundle.fault(client.get("caBundle") or "")


def established(status: Object, now_s: float) -> Object:
    """The status of a definition whose resources are served from now on."""
    why = ("InitialNamesAccepted", "the initial names have been accepted")
    return {**status, "conditions": with_condition(status["conditions"], "Established", "True", *why, now_s)}


def begin_deletion(definition: Object, now_s: float) -> None:
    """Mark a definition, in place, whose objects are to be deleted before it goes."""
    meta = definition["metadata"]
    meta.pop("deletionGracePeriodSeconds", None)
    if CLEANUP not in (meta.get("finalizers") or ()):
        meta["finalizers"] = [*(meta.get("finalizers") or ()), CLEANUP]
    why = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    status = dict(definition.get("status") or {})
    conditions = status.get("conditions") or ()
    status["conditions"] = with_condition(conditions, "Terminating", "True", "InstanceDeletionPending", why, now_s)
    definition["status"] = status


def with_condition(
    conditions: Sequence[Object], type_: str, status: str, reason: str, message: str, now_s: float
) -> list[Object]:
    """The conditions with this one set; its time is that of the last change of the status."""
    made = {"type": type_, "status": status, "lastTransitionTime": rfc3339(now_s), "reason": reason, "message": message}
    had = next((one for one in conditions if one["type"] == type_), None)
    if had is None:
        return [*conditions, made]
    if had["status"] == status:
        made["lastTransitionTime"] = had.get("lastTransitionTime") or made["lastTransitionTime"]
    return [made if one is had else one for one in conditions]


_FIELDS = (
    ("plural", "resources"),
    ("singular", "resources"),
    ("shortNames", "resources"),
    ("kind", "kinds"),
    ("listKind", "kinds"),
)


def _taken(definition: Object, others: Iterable[Object]) -> tuple[set[str], set[str]]:
    """The names of resources and of kinds that other definitions of the same group have been granted."""
    resources_taken: set[str] = set()
    kinds_taken: set[str] = set()
    for other in others:
        same = other["metadata"]["name"] == definition["metadata"]["name"]
        if same or other["spec"]["group"] != definition["spec"]["group"]:
            continue
        names = (other.get("status") or {}).get("acceptedNames") or {}
        resources_taken.update((names.get("plural", ""), names.get("singular", ""), *(names.get("shortNames") or ())))
        kinds_taken.update((names.get("kind", ""), names.get("listKind", "")))
    return resources_taken - {""}, kinds_taken - {""}


def _conflict(wanted: object, had: object, taken: set[str]) -> str:
    """What is wrong with a name, or with some of several, that is not granted yet."""
    if wanted == had:
        return ""
    if isinstance(wanted, list):
        kept = had if isinstance(had, list) else []
        faults = [f'"{name}" is already in use' for name in wanted if name not in kept and name in taken]
        return faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]" if faults else ""
    return f'"{wanted}" is already in use' if wanted in taken else ""
