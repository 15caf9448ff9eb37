"""From a URL path to what it means: resource, verb, namespace, name, subresource.

The rules are those of apiserver's `request.RequestInfo` and of its router; legacy `/watch/` paths included.
See https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris.
"""

from collections.abc import Callable

from msgspec import Struct

from corral.api.errors import method_not_allowed, no_such_resource
from corral.api.resources import Catalog, Resource, foreign
from corral.server.request import Request

RESOURCE_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
KEPT_TARGETS = 8192

Elsewhere = Callable[[str, str], bool]


class PageNotFoundError(Exception):
    """No handler at all for this path: the answer is plain text, not a Status."""


class Target(Struct, frozen=True):
    """What a path (with its method) means. `resource` is None for non-resource paths."""

    verb: str
    resource: Resource | None = None
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    subpath: str = ""


class Paths:
    """Resolves paths against a catalog, and remembers. `clear` when the catalog has changed.

    `elsewhere` says of a group and version whether it is served from elsewhere than the catalog.
    """

    def __init__(self, catalog: Catalog, elsewhere: Elsewhere = lambda group, version: False) -> None:
        self._catalog = catalog
        self._elsewhere = elsewhere
        self._known: dict[tuple[str, str], Target] = {}

    def clear(self) -> None:
        """Forget: the catalog is another now."""
        self._known.clear()

    def resolve(self, request: Request) -> None:
        """Set verb, resource, namespace, name, subresource and subpath of `request`.

        Raises ApiError (404, 405) and PageNotFoundError; by then the request has at least its verb.
        """
        known = self._known.get((request.method, request.path))
        if known is None:
            request.verb = request.method.lower()
            known = resolve(self._catalog, request.method, request.path, self._elsewhere)
            if len(self._known) >= KEPT_TARGETS:
                self._known.clear()
            self._known[request.method, request.path] = known
        request.verb = known.verb
        request.resource = known.resource
        request.namespace = known.namespace
        request.name = known.name
        request.subresource = known.subresource
        request.subpath = known.subpath
        if request.query and known.verb in ("list", "deletecollection"):
            if known.verb == "list" and is_true(request.query.get("watch")):
                request.verb = "watch"
            request.name = name_in_selector(request.query.get("fieldSelector", ""))


def is_true(value: str | None) -> bool:
    """A boolean query parameter, as the reference reads it: present but empty is true, `0` and `false` are not."""
    return value is not None and value.lower() not in ("0", "false", "f")


def name_in_selector(field_selector: str) -> str:
    """The name that a field selector demands, '' if none: authorization by resourceNames takes it."""
    for term in field_selector.split(","):
        field, equals, value = term.partition("=")
        if equals and field == "metadata.name":
            return value.removeprefix("=")
    return ""


def resolve(catalog: Catalog, method: str, path: str, elsewhere: Elsewhere = lambda group, version: False) -> Target:
    """What `method path` means. Raises ApiError (404, 405) and PageNotFoundError."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Target(method.lower())
    watch = rest[0] == "watch" and len(rest) > 1
    if watch:
        rest = rest[1:]
    namespace, inside = "", False
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        inside = len(rest) > 2 and rest[2] not in NAMESPACE_SUBRESOURCES
        if inside:
            rest = rest[2:]
    if elsewhere(group, version):
        return _foreign(group, version, namespace, rest, method, watch)
    resource = catalog.at(group, version, rest[0])
    if resource is None:
        raise _missing(catalog, group)
    if namespace and not resource.namespaced and (inside or resource.plural != "namespaces"):
        # Namespaces too are in no namespace: who may do all in one must not reach another through it.
        raise no_such_resource()
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    target = Target(_verb(method, name, watch), resource, namespace, name, subresource, "/".join(rest[3:]))
    _check(target, method, watch)
    return target


def _foreign(group: str, version: str, namespace: str, rest: list[str], method: str, watch: bool) -> Target:
    """Whoever serves it knows what there is: the path is only taken apart."""
    resource = foreign(group, version, rest[0], namespaced=bool(namespace))
    name, subresource = (*rest[1:3], "", "")[:2]
    return Target(_verb(method, name, watch), resource, namespace, name, subresource, "/".join(rest[3:]))


def _verb(method: str, name: str, watch: bool) -> str:
    if method in ("GET", "HEAD"):
        if watch:
            return "watch"
        return "get" if name else "list"
    verb = RESOURCE_VERBS.get(method, method.lower())
    return "deletecollection" if verb == "delete" and not name else verb


def _missing(catalog: Catalog, group: str) -> Exception:
    """A group that is built in answers with a Status; any other path has no handler."""
    if any(resource.group == group and not resource.storage_version for resource in catalog):
        return no_such_resource()
    return PageNotFoundError()


def _check(target: Target, method: str, watch: bool) -> None:
    """The path must exist, and the verb for it."""
    resource = target.resource
    assert resource is not None
    if target.subresource:
        verbs = subresource_verbs(resource, target.subresource)
        if verbs is None or (target.subpath and target.subresource != "proxy"):
            raise no_such_resource()
        if target.subresource not in ("proxy", "exec", "attach", "portforward") and target.verb not in verbs:
            raise method_not_allowed()
        return
    if resource.namespaced and target.name and not target.namespace:
        raise no_such_resource()
    if watch:
        if method != "GET" or "watch" not in resource.verbs:
            raise method_not_allowed()
        return
    if target.verb == "create" and target.name:
        raise method_not_allowed()
    if target.verb in ("update", "patch") and not target.name:
        raise method_not_allowed()
    if target.verb not in resource.verbs:
        raise method_not_allowed()
    if target.verb in ("create", "deletecollection") and resource.namespaced and not target.namespace:
        raise method_not_allowed()


def subresource_verbs(resource: Resource, subresource: str) -> tuple[str, ...] | None:
    """The verbs of a subresource, None where there is no such."""
    for name, verbs, _group, _version, _kind in resource.subresources:
        if name == subresource:
            return verbs
    return None


def object_namespace(request: Request) -> str:
    """The namespace of the objects asked for: '' for cluster-scoped ones (of which `namespaces` has one in its path)."""
    return request.namespace if request.resource is not None and request.resource.namespaced else ""
