"""What an authorizer is asked: who wants to do what with which resource, or with which path."""

from typing import NamedTuple

from corral.server.request import Request, User

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Attributes(NamedTuple):
    """A question. `resource` is "" where `path` is asked for."""

    user: User
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    field_selector: str = ""

    @property
    def combined(self) -> str:
        """`pods/log`, or `pods`: how rules name a subresource."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def of_request(request: Request) -> Attributes:
    """The question that a request poses. Paths of resources that do not exist are asked for like those that do."""
    resource = request.resource
    if resource is None:
        return _of_path(request)
    return Attributes(
        request.user,
        request.verb,
        resource.group,
        resource.version,
        resource.plural,
        request.subresource,
        request.namespace,
        request.name,
        request.path,
        request.query.get("fieldSelector", ""),
    )


def _of_path(request: Request) -> Attributes:
    parts = [p for p in request.path.split("/") if p]
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Attributes(request.user, request.method.lower(), path=request.path)
    watch = rest[0] == "watch" and len(rest) > 1
    rest = rest[1:] if watch else rest
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    plural, name, subresource = (*rest[:3], "", "")[:3]
    verb = _VERBS.get(request.method) or ("watch" if watch else "get" if name else "list")
    if verb == "delete" and not name:
        verb = "deletecollection"
    return Attributes(request.user, verb, group, version, plural, subresource, namespace, name, request.path)
