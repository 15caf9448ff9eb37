"""To which flow schema a request belongs: the first, by precedence, of whose rules one matches its user and what it asks for.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/flow-schema-v1/
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from corral.api.objects import Object
from corral.server.request import Request, User

EVERY = "*"
_SERVICE_ACCOUNT = "system:serviceaccount:"


def ordered(schemas: Iterable[Object]) -> list[Object]:
    """In the order in which they are tried."""
    return sorted(schemas, key=lambda one: (one["spec"].get("matchingPrecedence", 1000), one["metadata"]["name"]))


def level_of(schema: Object) -> str:
    """The name of its priority level."""
    name: str = schema["spec"]["priorityLevelConfiguration"]["name"]
    return name


def matches(schema: Object, request: Request) -> bool:
    """Whether the request is one of the schema's."""
    for rule in schema["spec"].get("rules") or ():
        if not any(_is_subject(subject, request.user) for subject in rule.get("subjects") or ()):
            continue
        if request.resource is not None:
            if any(_is_resource(one, request) for one in rule.get("resourceRules") or ()):
                return True
        elif any(_is_path(one, request) for one in rule.get("nonResourceRules") or ()):
            return True
    return False


def distinguisher(schema: Object) -> Callable[[Request], str]:
    """What tells the flows of a schema apart."""
    match (schema["spec"].get("distinguisherMethod") or {}).get("type"):
        case "ByUser":
            return lambda request: request.user.name
        case "ByNamespace":
            return lambda request: request.namespace
    return lambda _: ""


def names_namespaces(schema: Object) -> bool:
    """Whether it matters in which namespace something is asked for, beyond being in one."""
    rules = [one for rule in schema["spec"].get("rules") or () for one in rule.get("resourceRules") or ()]
    return any(name != EVERY for one in rules for name in one.get("namespaces") or ())


def _is_subject(subject: Object, user: User) -> bool:
    match subject.get("kind"):
        case "User":
            return subject["user"]["name"] in (EVERY, user.name)
        case "Group":
            return subject["group"]["name"] == EVERY or subject["group"]["name"] in user.groups
        case "ServiceAccount":
            account = subject["serviceAccount"]
            if account["name"] == EVERY:
                return user.name.startswith(f"{_SERVICE_ACCOUNT}{account['namespace']}:")
            return user.name == f"{_SERVICE_ACCOUNT}{account['namespace']}:{account['name']}"
    return False


def _is_resource(rule: Object, request: Request) -> bool:
    resource = request.resource
    assert resource is not None
    name = f"{resource.plural}/{request.subresource}" if request.subresource else resource.plural
    if not (_holds(rule["verbs"], request.verb) and _holds(rule["apiGroups"], resource.group)):
        return False
    if not _holds(rule["resources"], name):
        return False
    if not request.namespace:
        return bool(rule.get("clusterScope"))
    return _holds(rule.get("namespaces") or (), request.namespace)


def _is_path(rule: Object, request: Request) -> bool:
    if not _holds(rule["verbs"], request.verb):
        return False
    return any(_covers(url, request.path) for url in rule["nonResourceURLs"])


def _covers(url: str, path: str) -> bool:
    return url in (EVERY, path) or (url.endswith("/*") and path.startswith(url[:-1]))


def _holds(names: Sequence[Any], name: str) -> bool:
    return name in names or EVERY in names
