"""RBAC policy rules: what one matches, whether some cover others, and how they are written in messages.

See https://kubernetes.io/docs/reference/access-authn-authz/rbac/. Pure functions over rules as Roles hold them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

from corral.api.objects import Object

ALL = "*"

FULL_AUTHORITY: tuple[Object, ...] = (
    {"verbs": [ALL], "apiGroups": [ALL], "resources": [ALL]},
    {"verbs": [ALL], "nonResourceURLs": [ALL]},
)


def allows_resource(rule: Object, verb: str, group: str, combined: str, subresource: str) -> bool:
    """Whether `rule` is about this verb on this resource (`pods/log`), names aside."""
    return (
        _holds(rule.get("verbs"), verb)
        and _holds(rule.get("apiGroups"), group)
        and _holds_resource(rule.get("resources") or (), combined, subresource)
    )


def allows_path(rule: Object, verb: str, path: str) -> bool:
    """Whether `rule` allows this verb on a non-resource path."""
    urls = rule.get("nonResourceURLs")
    return bool(urls) and _holds(rule.get("verbs"), verb) and any(_url_covers(url, path) for url in urls or ())


def uncovered(owned: Sequence[Object], wanted: Iterable[Object]) -> list[Object]:
    """The parts of `wanted` (each a rule of one verb on one thing) that no rule of `owned` grants."""
    return [part for rule in wanted for part in _parts(rule) if not any(_covers(own, part) for own in owned)]


def compact(rules: Iterable[Object]) -> list[Object]:
    """The rules, those of one and the same resource (and name) joined."""
    joined: dict[tuple[str, str, str | None], Object] = {}
    others = []
    for rule in rules:
        names = rule.get("resourceNames") or []
        groups, resources = rule.get("apiGroups") or [], rule.get("resources") or []
        if rule.get("nonResourceURLs") or len(groups) != 1 or len(resources) != 1 or len(names) > 1:
            others.append(rule)
            continue
        key = (groups[0], resources[0], names[0] if names else None)
        if key in joined:
            joined[key]["verbs"] = [*joined[key]["verbs"], *rule["verbs"]]
        else:
            joined[key] = dict(rule)
    return [*others, *joined.values()]


def describe(rule: Object) -> str:
    """`{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`."""
    fields = (
        ("APIGroups", "apiGroups"),
        ("Resources", "resources"),
        ("NonResourceURLs", "nonResourceURLs"),
        ("ResourceNames", "resourceNames"),
        ("Verbs", "verbs"),
    )
    return "{" + ", ".join(f"{title}:{quoted(rule[name])}" for title, name in fields if rule.get(name)) + "}"


def quoted(texts: Iterable[str]) -> str:
    """A list of strings as Go's `%q` prints it: `["a" "b"]`."""
    return "[" + " ".join(json.dumps(text, ensure_ascii=False) for text in texts) + "]"


def _holds(values: Sequence[str] | None, value: str) -> bool:
    return bool(values) and (value in values or ALL in values)  # type: ignore[operator]


def _holds_resource(resources: Sequence[str], combined: str, subresource: str) -> bool:
    if ALL in resources or combined in resources:
        return True
    return bool(subresource) and f"*/{subresource}" in resources


def _url_covers(owned: str, path: str) -> bool:
    if owned in (ALL, path):
        return True
    return owned.endswith(ALL) and path.startswith(owned.rstrip(ALL))


def _parts(rule: Object) -> Iterator[Object]:
    verbs = rule.get("verbs") or ()
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                part = {"verbs": [verb], "apiGroups": [group], "resources": [resource]}
                names = rule.get("resourceNames")
                if names:
                    yield from ({**part, "resourceNames": [name]} for name in names)
                else:
                    yield part
    for url in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield {"verbs": [verb], "nonResourceURLs": [url]}


def _covers(own: Object, part: Object) -> bool:
    if not _holds(own.get("verbs"), part["verbs"][0]):
        return False
    if "nonResourceURLs" in part:
        return any(_url_covers(url, part["nonResourceURLs"][0]) for url in own.get("nonResourceURLs") or ())
    combined = part["resources"][0]
    names = own.get("resourceNames")
    if names and not set(part.get("resourceNames") or [None]) <= set(names):
        return False
    _, _, subresource = combined.partition("/")
    return _holds(own.get("apiGroups"), part["apiGroups"][0]) and _holds_resource(
        own.get("resources") or (), combined, subresource
    )
