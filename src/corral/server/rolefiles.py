"""Reads `data/roles.txt` and `data/rolebindings.txt`: the default roles, a rule a line. The files say how they are written."""

from collections.abc import Iterator
from importlib.resources import files

from corral.api.objects import Object

GROUP = "rbac.authorization.k8s.io"
API_VERSION = f"{GROUP}/v1"
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
ANNOTATIONS = {"rbac.authorization.kubernetes.io/autoupdate": "true"}


def read_roles() -> list[Object]:
    """The default ClusterRoles and Roles. Aggregated ones have no rules yet."""
    return list(parse_roles(_lines("roles.txt")))


def read_bindings() -> list[Object]:
    """The default ClusterRoleBindings and RoleBindings."""
    return [_binding(line) for line in _lines("rolebindings.txt")]


def parse_roles(lines: list[str]) -> Iterator[Object]:
    """The roles that `lines` describe. Raises ValueError for a line that is none."""
    role: Object | None = None
    for line in lines:
        if line.startswith(" "):
            if role is None:
                raise ValueError(f"a rule before any role: {line}")
            role["rules"].append(_rule(line))
            continue
        if role is not None:
            yield role
        role = _role(line)
    if role is not None:
        yield role


def _lines(name: str) -> list[str]:
    text = (files("corral.server") / "data" / name).read_text("utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _role(line: str) -> Object:
    head, _, aggregate = line.partition(" = ")
    title, *parts = head.split(" ")
    meta = _metadata(title)
    for part in parts:
        if not part.startswith("+"):
            raise ValueError(f"not understood: {line}")
        meta["labels"][AGGREGATE + part[1:]] = "true"
    kind = "Role" if "namespace" in meta else "ClusterRole"
    role: Object = {"kind": kind, "apiVersion": API_VERSION, "metadata": meta, "rules": []}
    if aggregate:
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {AGGREGATE + aggregate: "true"}}]}
    return role


def _rule(line: str) -> Object:
    what, _, names = line.strip().partition(" : ")
    verbs, group, things = what.split(" ")
    if group == "url":
        return {"verbs": verbs.split(","), "nonResourceURLs": things.split(",")}
    groups = ["" if g == "-" else g for g in group.split(",")]
    rule: Object = {"verbs": verbs.split(","), "apiGroups": groups, "resources": things.split(",")}
    if names:
        rule["resourceNames"] = names.split(",")
    return rule


def _binding(line: str) -> Object:
    title, role, *subjects = line.split(" ")
    meta = _metadata(title)
    namespaced = "namespace" in meta
    of_cluster = not namespaced or role.startswith("cluster:")
    ref = {"apiGroup": GROUP, "kind": "ClusterRole" if of_cluster else "Role", "name": role.removeprefix("cluster:")}
    kind = "RoleBinding" if namespaced else "ClusterRoleBinding"
    binding: Object = {"kind": kind, "apiVersion": API_VERSION, "metadata": meta, "roleRef": ref}
    if subjects:
        binding["subjects"] = [_subject(subject) for subject in subjects]
    return binding


def _subject(text: str) -> Object:
    kind, _, name = text.partition(":")
    if kind == "account":
        namespace, _, name = name.partition("/")
        return {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    return {"kind": kind.capitalize(), "apiGroup": GROUP, "name": name}


def _metadata(title: str) -> Object:
    namespace, slash, name = title.partition("/")
    meta: Object = {"name": name if slash else title}
    if slash:
        meta["namespace"] = namespace
    return {**meta, "labels": dict(LABELS), "annotations": dict(ANNOTATIONS)}
