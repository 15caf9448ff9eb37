"""The audit policy: how much is written of which request, and of which of its stages.

The first rule that matches decides; a request that none matches is not written. Policies are files of
`audit.k8s.io/v1` Policy (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/); without one, `default_policy`.
"""

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from corral.api.objects import Object
from corral.base.errors import CorralError
from corral.server.audit.secrecy import is_secret
from corral.server.configfiles import FileReader
from corral.server.request import Request, User

GROUP_VERSION = "audit.k8s.io/v1"
KEPT_DECISIONS = 4096


class Level(IntEnum):
    """How much is written."""

    NOTHING = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3


#: Their names in policies and events.
LEVELS = {
    "None": Level.NOTHING,
    "Metadata": Level.METADATA,
    "Request": Level.REQUEST,
    "RequestResponse": Level.REQUEST_RESPONSE,
}
LEVEL_NAMES = {level: name for name, level in LEVELS.items()}
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")


class Resources(NamedTuple):
    """Resources of one group that a rule is about; none: all of the group. `names` narrows to objects called so."""

    group: str
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def match(self, group: str, resource: str, subresource: str, name: str) -> bool:
        """Whether these are among them. `pods/log`, `pods/*`, `*/status` and `*` are understood; `pods` has no subresources."""
        if group != self.group:
            return False
        if not self.resources:
            return True
        combined = f"{resource}/{subresource}" if subresource else resource
        patterns = {combined, "*"}
        if subresource:
            patterns |= {f"{resource}/*", f"*/{subresource}"}
        return not patterns.isdisjoint(self.resources) and (not self.names or name in self.names)


class Rule(NamedTuple):
    """One rule; what is empty matches everything."""

    level: Level
    users: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    resources: tuple[Resources, ...] = ()
    namespaces: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    omit_stages: frozenset[str] = frozenset()
    omit_managed_fields: bool | None = None

    def matches(self, request: Request, user: User) -> bool:
        """Whether it is about this request of `user`."""
        if self.users and user.name not in self.users:
            return False
        if self.groups and self.groups.isdisjoint(user.groups):
            return False
        if self.verbs and request.verb not in self.verbs:
            return False
        if request.resource is None:
            if self.paths:
                return any(_covers(path, request.path) for path in self.paths)
            return not self.resources and not self.namespaces
        if self.paths:
            return False
        if self.namespaces and request.namespace not in self.namespaces:
            return False
        if not self.resources:
            return True
        group, plural = request.resource.group, request.resource.plural
        return any(r.match(group, plural, request.subresource, request.name) for r in self.resources)


class Decision(NamedTuple):
    """What is written of a request."""

    level: Level
    omit_stages: frozenset[str]
    omit_managed_fields: bool


_NOTHING = Decision(Level.NOTHING, frozenset(), False)


class Policy:
    """Rules in their order. `omit_stages` and `omit_managed_fields` hold for all of them."""

    def __init__(
        self, rules: Sequence[Rule], omit_stages: frozenset[str] = frozenset(), *, omit_managed_fields: bool = False
    ) -> None:
        self.rules = tuple(rules)
        self.omit_stages = omit_stages
        self.omit_managed_fields = omit_managed_fields
        self._by_name = any(resources.names for rule in rules for resources in rule.resources)
        self._decided: dict[tuple[object, ...], Decision] = {}

    def decide(self, request: Request, user: User) -> Decision:
        """What is written of the request of `user`; of what holds secrets, never more than Metadata."""
        if request.resource is None:
            return self._decide(request, user)
        key = (
            request.verb,
            request.resource,
            request.subresource,
            request.namespace,
            user.name,
            user.groups,
            request.name if self._by_name else "",
        )
        found = self._decided.get(key)
        if found is None:
            if len(self._decided) >= KEPT_DECISIONS:
                self._decided.clear()
            found = self._decided[key] = self._decide(request, user)
        return found

    def _decide(self, request: Request, user: User) -> Decision:
        for rule in self.rules:
            if rule.matches(request, user):
                level = min(rule.level, Level.METADATA) if is_secret(request) else rule.level
                omits = self.omit_managed_fields if rule.omit_managed_fields is None else rule.omit_managed_fields
                return Decision(level, self.omit_stages | rule.omit_stages, omits)
        return _NOTHING


def default_policy() -> Policy:
    """Every write and every person's read at Metadata; not what asks all the time and says nothing."""
    readers = frozenset(("get", "list", "watch"))
    nodes = frozenset(("system:nodes",))
    rules = (
        Rule(Level.NOTHING, paths=("/healthz*", "/livez*", "/readyz*", "/metrics", "/version", "/openapi/*", "/api*")),
        Rule(
            Level.NOTHING,
            users=frozenset(
                ("system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "system:kube-proxy")
            ),
            verbs=readers,
        ),
        Rule(Level.NOTHING, groups=nodes, verbs=readers, resources=(Resources("", ("nodes", "nodes/status", "pods")),)),
        Rule(Level.NOTHING, resources=(Resources("", ("events",)), Resources("events.k8s.io"))),
        Rule(Level.NOTHING, groups=nodes, resources=(Resources("coordination.k8s.io", ("leases",)),)),
        Rule(Level.METADATA),
    )
    return Policy(rules, frozenset(("RequestReceived",)))


def load_policy(path: Path) -> Policy:
    """The policy of a file; the default one where there is none. Raises CorralError that names the field at fault."""
    if not path.exists():
        return default_policy()
    reader = FileReader(path)
    found = reader.document((GROUP_VERSION,), "Policy")
    reader.known(found, "", ("apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields"))
    rules = reader.list_of(found, "rules", dict, "")
    if not rules:
        raise CorralError(f"{path}: rules: there are none", "add at least one, such as: {level: Metadata}")
    parsed = [_rule(reader, rule, f"rules[{i}]") for i, rule in enumerate(rules)]
    omits = reader.value(found, "omitManagedFields", bool, "", False)
    return Policy(parsed, _stages(reader, found, ""), omit_managed_fields=omits)


_RULE_FIELDS = (
    "level",
    "users",
    "userGroups",
    "verbs",
    "resources",
    "namespaces",
    "nonResourceURLs",
    "omitStages",
    "omitManagedFields",
)


def _rule(reader: FileReader, rule: Object, where: str) -> Rule:
    reader.known(rule, where, _RULE_FIELDS)
    level = reader.value(rule, "level", str, where, "")
    if level not in LEVELS:
        raise reader.fault(f"{where}.level", level, f"is one of {', '.join(LEVELS)}")
    paths = tuple(reader.list_of(rule, "nonResourceURLs", str, where))
    resources = reader.list_of(rule, "resources", dict, where)
    if paths and (resources or rule.get("namespaces")):
        raise reader.fault(f"{where}.nonResourceURLs", list(paths), "cannot be together with resources or namespaces")
    for i, path in enumerate(paths):
        if path != "*" and not path.startswith("/"):
            raise reader.fault(f"{where}.nonResourceURLs[{i}]", path, "begins with /")
        if "*" in path[:-1]:
            raise reader.fault(f"{where}.nonResourceURLs[{i}]", path, "has a * at its end only")
    return Rule(
        LEVELS[level],
        users=frozenset(reader.list_of(rule, "users", str, where)),
        groups=frozenset(reader.list_of(rule, "userGroups", str, where)),
        verbs=frozenset(reader.list_of(rule, "verbs", str, where)),
        resources=tuple(_resources(reader, r, f"{where}.resources[{i}]") for i, r in enumerate(resources)),
        namespaces=frozenset(reader.list_of(rule, "namespaces", str, where)),
        paths=paths,
        omit_stages=_stages(reader, rule, where),
        omit_managed_fields=reader.value(rule, "omitManagedFields", bool, where, None),
    )


def _resources(reader: FileReader, found: Object, where: str) -> Resources:
    reader.known(found, where, ("group", "resources", "resourceNames"))
    resources = tuple(reader.list_of(found, "resources", str, where))
    names = tuple(reader.list_of(found, "resourceNames", str, where))
    if names and not resources:
        raise reader.fault(f"{where}.resourceNames", list(names), "needs resources beside it")
    return Resources(reader.value(found, "group", str, where, ""), resources, names)


def _stages(reader: FileReader, found: Object, where: str) -> frozenset[str]:
    stages = reader.list_of(found, "omitStages", str, where)
    for stage in stages:
        if stage not in STAGES:
            raise reader.fault(f"{where}.omitStages".lstrip("."), stage, f"is one of {', '.join(STAGES)}")
    return frozenset(stages)


def _covers(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern
