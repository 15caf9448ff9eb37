"""Aggregated cluster roles: their rules are those of all cluster roles that their selectors choose, and are stored in them.

See https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles.
"""

from collections.abc import Iterable, Iterator, Sequence

from corral.api.objects import Object
from corral.api.selectors import matches


def aggregated(roles: Sequence[Object]) -> Iterator[Object]:
    """The roles, aggregated ones with their rules. Roles may be parts of parts: each pass carries rules one step further."""
    found = list(roles)
    for _ in range(len(found)):
        updates = plan(found)
        if not updates:
            break
        by_name = {role["metadata"]["name"]: role for role in updates}
        found = [by_name.get(role["metadata"]["name"], role) if role.get("aggregationRule") else role for role in found]
    return iter(found)


def plan(cluster_roles: Iterable[Object]) -> list[Object]:
    """The aggregated roles whose rules are not what they should be, with the right ones."""
    known = sorted(cluster_roles, key=lambda role: str(role["metadata"]["name"]))
    updates = []
    for role in known:
        if role.get("aggregationRule"):
            wanted = _rules(role, known)
            if (role.get("rules") or []) != wanted:
                updates.append({**role, "rules": wanted})
    return updates


def _rules(role: Object, known: Sequence[Object]) -> list[Object]:
    wanted: list[Object] = []
    for selector in role["aggregationRule"].get("clusterRoleSelectors") or ():
        for other in known:
            if other["metadata"]["name"] == role["metadata"]["name"] or other.get("kind") == "Role":
                continue
            if matches(selector, other["metadata"].get("labels") or {}):
                wanted.extend(rule for rule in other.get("rules") or () if rule not in wanted)
    return wanted
