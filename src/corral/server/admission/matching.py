"""Which requests webhooks and policies are about: rules of operations and resources, selectors of namespaces and objects.

https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#matching-requests-rules
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from corral.api import selectors
from corral.api.errors import not_found
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.lookup import Lookup
from corral.server.request import Admission

GROUP = "admissionregistration.k8s.io"
#: What decides about admission is never judged by it: nobody can lock everybody out.
EXEMPT = frozenset(
    f"{plural}.{GROUP}"
    for plural in (
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
    )
)
_ALL = "*"


class Rule(Struct, frozen=True):
    """Operations on resources of groups and versions; `*` stands for all."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    #: Resource and subresource ("" for none).
    resources: tuple[tuple[str, str], ...]
    scope: str
    #: Of objects; empty for all.
    names: frozenset[str] = frozenset()

    def matches(self, operation: str, resource: Resource, subresource: str) -> bool:
        """Whether it is about this operation on this resource; names are looked at apart."""
        return (
            _holds(self.operations, operation)
            and _holds(self.groups, resource.group)
            and _holds(self.versions, resource.version)
            and (self.scope == _ALL or (self.scope == "Namespaced") is resource.namespaced)
            and any(name in (_ALL, resource.plural) and sub in (_ALL, subresource) for name, sub in self.resources)
        )


def _holds(values: frozenset[str], value: str) -> bool:
    return value in values or _ALL in values


def rules_of(found: Iterable[Object] | None) -> tuple[Rule, ...]:
    """The rules of a webhook or a policy."""
    return tuple(
        Rule(
            frozenset(rule.get("operations") or ()),
            frozenset(rule.get("apiGroups") or ()),
            frozenset(rule.get("apiVersions") or ()),
            tuple((name, sub) for name, _, sub in (text.partition("/") for text in rule.get("resources") or ())),
            rule.get("scope") or _ALL,
            frozenset(rule.get("resourceNames") or ()),
        )
        for rule in found or ()
    )


def matched(
    rules: Sequence[Rule], operation: str, resource: Resource, subresource: str, equivalents: Sequence[Resource]
) -> Iterator[tuple[Resource, Rule]]:
    """The rules that match, each with the version that it is about: `resource` itself, then one of its `equivalents`."""
    for candidates in ((resource,), equivalents):
        for rule in rules:
            for candidate in candidates:
                if rule.matches(operation, candidate, subresource):
                    yield candidate, rule
                    break


class Match(Struct, frozen=True):
    """What a policy or a binding is about (MatchResources)."""

    rules: tuple[Rule, ...]
    excluded: tuple[Rule, ...]
    #: Another version of the resource counts as the same.
    equivalent: bool
    namespace_selector: Object
    object_selector: Object

    def may_match(self, operation: str, resource: Resource, subresource: str, others: Sequence[Resource]) -> bool:
        """Whether some objects of this resource match: for anything but the rules there has to be an object."""
        found = matched(self.rules, operation, resource, subresource, others if self.equivalent else ())
        return not self.rules or next(found, None) is not None

    def target(self, lookup: Lookup, admission: Admission, others: Sequence[Resource]) -> Resource | None:
        """The version in which the object is wanted; None where the write does not match. Raises ApiError (404)."""
        if not object_matches(self.object_selector, admission):
            return None
        if self._resource(self.excluded, admission, others) is not None:
            return None
        found = self._resource(self.rules, admission, others) if self.rules else admission.asked or admission.resource
        if found is None or not namespace_matches(lookup, self.namespace_selector, admission):
            return None
        return found

    def _resource(self, rules: Sequence[Rule], admission: Admission, others: Sequence[Resource]) -> Resource | None:
        resource, name = admission.asked or admission.resource, object_name(admission)
        others = others if self.equivalent else ()
        for found, rule in matched(rules, admission.operation, resource, admission.subresource, others):
            if not rule.names or name in rule.names:
                return found
        return None


def match_of(found: Object) -> Match:
    """The MatchResources of a policy or a binding."""
    return Match(
        rules_of(found.get("resourceRules")),
        rules_of(found.get("excludeResourceRules")),
        found.get("matchPolicy") != "Exact",
        found.get("namespaceSelector") or {},
        found.get("objectSelector") or {},
    )


def namespace_of(admission: Admission) -> str:
    """The namespace that a request is about; that of a Namespace is itself."""
    if _is_namespace(admission):
        meta = (admission.object or admission.old_object or {}).get("metadata") or {}
        return admission.request.name or str(meta.get("name", ""))
    return admission.request.namespace if admission.resource.namespaced else ""


def object_name(admission: Admission) -> str:
    """The object's name, "" where it has none yet."""
    meta = (admission.object or admission.old_object or {}).get("metadata") or {}
    return admission.request.name or str(meta.get("name") or "")


def namespace_matches(lookup: Lookup, selector: Object, admission: Admission) -> bool:
    """Whether `selector` wants the namespace of the object. Raises ApiError (404) where that is not there.

    Cluster-scoped objects other than Namespaces are always wanted.
    """
    name = namespace_of(admission)
    if not name or _is_everything(selector):
        return True
    if _is_namespace(admission) and not admission.subresource and admission.operation in ("CREATE", "UPDATE"):
        found = admission.object
    else:
        found = lookup.get("namespaces", "", name)
    if found is None:
        raise not_found("namespaces", "", name)
    return selectors.matches(selector, found["metadata"].get("labels") or {})


def object_matches(selector: Object, admission: Admission) -> bool:
    """Whether `selector` wants the object as it is or as it was."""
    if _is_everything(selector):
        return True
    for obj in (admission.object, admission.old_object):
        if obj is not None and "metadata" in obj and selectors.matches(selector, obj["metadata"].get("labels") or {}):
            return True
    return False


def _is_namespace(admission: Admission) -> bool:
    return admission.resource.plural == "namespaces" and not admission.resource.group


def _is_everything(selector: Object) -> bool:
    return not selector.get("matchLabels") and not selector.get("matchExpressions")
