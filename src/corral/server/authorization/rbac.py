"""Role-based access control, decided from the roles and bindings in memory.

Bindings are indexed by subject; what a user may do is computed once per (user, verb, resource, namespace) and kept until a
role or binding changes, so that the usual decision is one look into a dict.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from corral.api.objects import Object
from corral.server.authorization import rules
from corral.server.authorization.attributes import Attributes
from corral.server.lookup import Lookup
from corral.server.request import User

GROUP = "rbac.authorization.k8s.io"
ROLES = f"roles.{GROUP}"
CLUSTER_ROLES = f"clusterroles.{GROUP}"
ROLE_BINDINGS = f"rolebindings.{GROUP}"
CLUSTER_ROLE_BINDINGS = f"clusterrolebindings.{GROUP}"
SERVICE_ACCOUNT_PREFIX = "system:serviceaccount:"
KEPT_GRANTS = 20_000


class RbacDecision(NamedTuple):
    """Whether a rule allows it, and which binding, or what was wrong with one."""

    allowed: bool
    reason: str


class Held(NamedTuple):
    """The rules that a user holds somewhere, and what could not be resolved of them."""

    rules: list[Object]
    problems: list[str]


class _Grant(NamedTuple):
    """What is allowed of one verb on one resource: for every name (the reason why), or for some names."""

    any_name: str | None
    names: dict[str, str]
    problems: str


class _Bound(NamedTuple):
    """A binding that applies to a user, and the subject that makes it so."""

    binding: Object
    subject: str


class Rbac:
    """The authorizer."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._versions: tuple[int, ...] = ()
        self._cluster: dict[str, list[_Bound]] = {}
        self._namespaced: dict[str, dict[str, list[_Bound]]] = {}
        self._grants: dict[tuple[str, ...], _Grant] = {}
        self._held: dict[tuple[str, ...], Held] = {}

    def decide(self, attributes: Attributes) -> RbacDecision:
        """Whether the user's roles allow it."""
        self._refresh()
        user = attributes.user
        if not attributes.resource:
            return self._decide_path(attributes)
        asked = (attributes.verb, attributes.group, attributes.resource, attributes.subresource, attributes.namespace)
        key = (user.name, *asked, *user.groups)
        grant = self._grants.get(key)
        if grant is None:
            if len(self._grants) >= KEPT_GRANTS:
                self._grants.clear()
            grant = self._grants[key] = self._grant(attributes)
        if grant.any_name is not None:
            return RbacDecision(True, grant.any_name)
        reason = grant.names.get(attributes.name)
        if reason is not None:
            return RbacDecision(True, reason)
        return RbacDecision(False, grant.problems)

    def rules_for(self, user: User, namespace: str) -> Held:
        """All rules that the user holds in the cluster and in `namespace` ("": in the cluster only)."""
        self._refresh()
        key = (user.name, namespace, *user.groups)
        held = self._held.get(key)
        if held is None:
            if len(self._held) >= KEPT_GRANTS:
                self._held.clear()
            found: list[Object] = []
            problems: list[str] = []
            for _, _, bound_rules in self._visit(user, namespace, problems):
                found.extend(bound_rules)
            held = self._held[key] = Held(found, problems)
        return held

    def rules_of(self, role_ref: Object, namespace: str) -> Sequence[Object] | None:
        """The rules of the role that a binding in `namespace` names; None where there is no such role."""
        if role_ref.get("kind") == "ClusterRole":
            role = self._lookup.get(CLUSTER_ROLES, "", role_ref.get("name", ""))
        else:
            role = self._lookup.get(ROLES, namespace, role_ref.get("name", ""))
        return None if role is None else role.get("rules") or ()

    def _grant(self, attributes: Attributes) -> _Grant:
        names: dict[str, str] = {}
        problems: list[str] = []
        verb, group, combined, sub = attributes.verb, attributes.group, attributes.combined, attributes.subresource
        for bound, kind, bound_rules in self._visit(attributes.user, attributes.namespace, problems):
            for rule in bound_rules:
                if not rules.allows_resource(rule, verb, group, combined, sub):
                    continue
                reason = _because(bound, kind)
                if not rule.get("resourceNames"):
                    return _Grant(reason, {}, "")
                for name in rule["resourceNames"]:
                    names.setdefault(name, reason)
        return _Grant(None, names, _summary(problems))

    def _decide_path(self, attributes: Attributes) -> RbacDecision:
        user = attributes.user
        for rule in self.rules_for(user, "").rules:
            if rules.allows_path(rule, attributes.verb, attributes.path):
                return RbacDecision(True, "RBAC: allowed")
        return RbacDecision(False, _summary(self.rules_for(user, "").problems))

    def _visit(self, user: User, namespace: str, problems: list[str]) -> Iterator[tuple[_Bound, str, Sequence[Object]]]:
        """Each binding of the user with its kind and rules; roles that are missing go to `problems`."""
        scopes: list[tuple[str, str, dict[str, list[_Bound]]]] = [("ClusterRoleBinding", "", self._cluster)]
        if namespace and namespace in self._namespaced:
            scopes.append(("RoleBinding", namespace, self._namespaced[namespace]))
        for kind, where, index in scopes:
            seen = set()
            for subject in _subjects_of(user):
                for bound in index.get(subject, ()):
                    name = bound.binding["metadata"]["name"]
                    if name in seen:
                        continue
                    seen.add(name)
                    ref = bound.binding["roleRef"]
                    found = self.rules_of(ref, where)
                    if found is None:
                        problems.append(f'{ref["kind"].lower()}.{GROUP} "{ref["name"]}" not found')
                    else:
                        yield bound, kind, found

    def _refresh(self) -> None:
        lookup = self._lookup
        versions = (
            lookup.version(CLUSTER_ROLES),
            lookup.version(CLUSTER_ROLE_BINDINGS),
            lookup.version(ROLES),
            lookup.version(ROLE_BINDINGS),
        )
        if versions == self._versions:
            return
        self._grants.clear()
        self._held.clear()
        if versions[1:2] != self._versions[1:2]:
            self._cluster = _index(lookup.list(CLUSTER_ROLE_BINDINGS))
        if versions[3:4] != self._versions[3:4]:
            by_namespace: dict[str, list[Object]] = {}
            for binding in lookup.list(ROLE_BINDINGS):
                by_namespace.setdefault(binding["metadata"]["namespace"], []).append(binding)
            self._namespaced = {namespace: _index(found) for namespace, found in by_namespace.items()}
        self._versions = versions


def _index(bindings: Iterable[Object]) -> dict[str, list[_Bound]]:
    """Bindings by subject: `u:ann`, `g:dev`; service accounts are the users they authenticate as."""
    index: dict[str, list[_Bound]] = {}
    for binding in bindings:
        for subject in binding.get("subjects") or ():
            kind, name = subject.get("kind"), subject.get("name", "")
            if kind == "ServiceAccount":
                namespace = subject.get("namespace") or binding["metadata"].get("namespace", "")
                if not namespace:
                    continue
                key, text = f"u:{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}", f'ServiceAccount "{name}/{namespace}"'
            else:
                key, text = f"{'u' if kind == 'User' else 'g'}:{name}", f'{kind} "{name}"'
            index.setdefault(key, []).append(_Bound(binding, text))
    return index


def _subjects_of(user: User) -> list[str]:
    return [f"u:{user.name}", *(f"g:{group}" for group in user.groups)]


def _because(bound: _Bound, kind: str) -> str:
    meta, ref = bound.binding["metadata"], bound.binding["roleRef"]
    name = f"{meta['name']}/{meta['namespace']}" if kind == "RoleBinding" else meta["name"]
    return f'RBAC: allowed by {kind} "{name}" of {ref["kind"]} "{ref["name"]}" to {bound.subject}'


def _summary(problems: list[str]) -> str:
    if not problems:
        return ""
    unique = list(dict.fromkeys(problems))
    return "RBAC: " + (unique[0] if len(unique) == 1 else "[" + ", ".join(unique) + "]")
