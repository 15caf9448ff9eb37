"""What can be done on which path: the operations of a group version, before they are written in a dialect of OpenAPI."""

from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from corral.api import facts
from corral.api.resources import Resource
from corral.server.openapi import custom
from corral.server.openapi.definitions import DELETE_OPTIONS, PATCH, STATUS, WATCH_EVENT, full_name

#: Parameters of queries: name → JSON type, purpose.
QUERY: dict[str, tuple[str, str]] = {
    "allowWatchBookmarks": ("boolean", "Send BOOKMARK events in a watch."),
    "continue": ("string", "The token of the list before, to get the next chunk."),
    "dryRun": ("string", "Do everything but the write: All is the only value."),
    "fieldManager": ("string", "The name of whoever changes the object."),
    "fieldSelector": ("string", "Only objects whose fields match."),
    "fieldValidation": ("string", "What to do with unknown and duplicate fields: Ignore, Warn or Strict."),
    "force": ("boolean", "Take fields over from other managers (apply only)."),
    "gracePeriodSeconds": ("integer", "The time that the object gets to end."),
    "ignoreStoreReadErrorWithClusterBreakingPotential": ("boolean", "Delete an object that cannot be read."),
    "labelSelector": ("string", "Only objects whose labels match."),
    "limit": ("integer", "The most objects that an answer holds."),
    "orphanDependents": ("boolean", "Deprecated: use propagationPolicy."),
    "pretty": ("string", "Indent the answer."),
    "propagationPolicy": ("string", "What happens to dependents: Orphan, Background or Foreground."),
    "resourceVersion": ("string", "How old the answer may be."),
    "resourceVersionMatch": ("string", "How resourceVersion is meant: Exact or NotOlderThan."),
    "sendInitialEvents": ("boolean", "Begin a watch with the objects that there are."),
    "timeoutSeconds": ("integer", "How long the call may last."),
    "watch": ("boolean", "Stream changes instead of listing."),
    # connections
    "command": ("string", "What to run; one parameter a word."),
    "container": ("string", "The container, where a pod has several."),
    "follow": ("boolean", "Go on with new lines."),
    "insecureSkipTLSVerifyBackend": ("boolean", "Do not verify the certificate of the node."),
    "limitBytes": ("integer", "The most bytes to read."),
    "path": ("string", "What follows in the URL that is asked for."),
    "ports": ("integer", "The ports to forward."),
    "previous": ("boolean", "The log of the container that ran before."),
    "sinceSeconds": ("integer", "Only lines that are not older."),
    "stderr": ("boolean", "Connect the standard error stream."),
    "stdin": ("boolean", "Connect the standard input stream."),
    "stdout": ("boolean", "Connect the standard output stream."),
    "stream": ("string", "Which stream: All, Stdout or Stderr."),
    "tailLines": ("integer", "Only so many lines from the end."),
    "timestamps": ("boolean", "Begin each line with its time."),
    "tty": ("boolean", "Give the process a terminal."),
}
_LIST = (
    *("allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion"),
    *("resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch"),
)
_DELETE = (
    "dryRun",
    "gracePeriodSeconds",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "orphanDependents",
    "propagationPolicy",
)
_DELETE_COLLECTION = tuple(sorted({*_DELETE, *_LIST} - {"allowWatchBookmarks", "watch"}))
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_LOG = (
    *("container", "follow", "insecureSkipTLSVerifyBackend", "limitBytes", "previous", "sinceSeconds", "stream"),
    *("tailLines", "timestamps"),
)
_CONNECT = {
    "attach": ("container", "stderr", "stdin", "stdout", "tty"),
    "exec": ("command", "container", "stderr", "stdin", "stdout", "tty"),
    "portforward": ("ports",),
    "proxy": ("path",),
}
_METHODS = {"create": "post", "get": "get", "update": "put", "patch": "patch", "delete": "delete"}
_CODES = {"post": (200, 201, 202), "put": (200, 201), "patch": (200, 201), "delete": (200, 202), "get": (200,)}
_WORDS = {"post": "create", "get": "read", "put": "replace", "patch": "patch", "delete": "delete"}
_SAYS = {
    "post": "create {0} {1}",
    "get": "read {0}the specified {1}",
    "put": "replace {0}the specified {1}",
    "patch": "partially update {0}the specified {1}",
    "delete": "delete {0} {1}",
}


class Operation(Struct, frozen=True):
    """One method on one path. Definitions are full names; `returns` is "string" for text."""

    method: str
    id: str
    tag: str
    description: str
    returns: str
    action: str = ""
    #: (group, version, kind), where the operation is about a kind.
    kind: tuple[str, str, str] | None = None
    query: tuple[str, ...] = ()
    body: str = ""
    codes: tuple[int, ...] = (200,)


class Path(Struct):
    """One path with its operations. `placeholders`: name → purpose of the parts in braces."""

    path: str
    operations: list[Operation] = field(default_factory=list)
    placeholders: dict[str, str] = field(default_factory=dict)

    def shared_query(self) -> list[str]:
        """The query parameters that every operation takes, sorted; `pretty` is always one, but for text and discovery."""
        first, *rest = self.operations
        shared = set(first.query).intersection(*(other.query for other in rest))
        if any(operation.action not in ("", "connect") for operation in self.operations):
            shared.add("pretty")
        return sorted(shared)


def camel(group: str) -> str:
    """`rbac.authorization.k8s.io` → `RbacAuthorization`; the core group is `Core`."""
    return "".join(part[:1].upper() + part[1:] for part in group.removesuffix(".k8s.io").split(".")) if group else "Core"


def tag(group: str, version: str = "") -> str:
    """`rbacAuthorization_v1`."""
    name = camel(group)
    name = name[:1].lower() + name[1:]
    return f"{name}_{version}" if version else name


def of_group_version(resources: Iterable[Resource]) -> Iterator[Path]:
    """The paths of one group version. `resources`: those of it."""
    first = True
    for resource in resources:
        if not _known(resource):
            continue
        if first:
            yield _index(resource)
            first = False
        yield from _of_resource(resource)


def index_path(path: str, id_: str, tag_: str, description: str, returns: str) -> Path:
    """A discovery page."""
    return Path(path, [Operation("get", id_, tag_, description, returns)])


def _index(resource: Resource) -> Path:
    id_ = f"get{camel(resource.group)}{_version(resource)}APIResources"
    returns = full_name("meta.v1.APIResourceList")
    return index_path(resource.base_path + "/", id_, tag(resource.group, resource.version), "get available resources", returns)


def _known(resource: Resource) -> bool:
    return bool(resource.storage_version) or facts.has_schema(resource.group, resource.version, resource.kind)


def _version(resource: Resource) -> str:
    return resource.version[:1].upper() + resource.version[1:]


def _of_resource(resource: Resource) -> Iterator[Path]:
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"{resource.base_path}{scope}/{resource.plural}"
    yield from _present(
        Path(collection, list(_on_collection(resource)), _placeholders(resource)),
        Path(collection + "/{name}", list(_on_item(resource)), _placeholders(resource, resource.kind)),
        *(_subresource(resource, entry, collection) for entry in resource.subresources),
        *(_proxied(resource, entry, collection) for entry in resource.subresources if entry[0] == "proxy"),
    )
    if "list" in resource.verbs and resource.namespaced:
        everywhere = _list(resource, "ForAllNamespaces")
        yield Path(f"{resource.base_path}/{resource.plural}", [everywhere])
    if "watch" in resource.verbs:
        yield from _watches(resource, scope)


def _present(*paths: Path) -> Iterator[Path]:
    return (path for path in paths if path.operations)


def _placeholders(resource: Resource, named: str = "") -> dict[str, str]:
    found = {"name": f"name of the {named}"} if named else {}
    if resource.namespaced:
        found["namespace"] = "object name and auth scope, such as for teams and projects"
    return found


def _stem(resource: Resource, *, namespaced: bool | None = None) -> str:
    inner = resource.namespaced if namespaced is None else namespaced
    return "Namespaced" + resource.kind if inner else resource.kind


def _prefix(resource: Resource) -> str:
    return camel(resource.group) + _version(resource)


def _kind(resource: Resource) -> tuple[str, str, str]:
    return resource.group, resource.version, resource.kind


def _definition(group: str, version: str, kind: str) -> str:
    if facts.has_schema(group, version, kind):
        return full_name(facts.schema(group, version, kind).name)
    return custom.name_of(group, version, kind)


def _list(resource: Resource, suffix: str = "") -> Operation:
    stem = _stem(resource, namespaced=False if suffix else None)
    return Operation(
        "get",
        f"list{_prefix(resource)}{stem}{suffix}",
        tag(resource.group, resource.version),
        f"list or watch objects of kind {resource.kind}",
        _definition(resource.group, resource.version, resource.kind + "List"),
        action="list",
        kind=_kind(resource),
        query=_LIST,
    )


def _on_collection(resource: Resource) -> Iterator[Operation]:
    if "deletecollection" in resource.verbs:
        yield Operation(
            "delete",
            f"delete{_prefix(resource)}Collection{_stem(resource)}",
            tag(resource.group, resource.version),
            f"delete collection of {resource.kind}",
            STATUS,
            action="deletecollection",
            kind=_kind(resource),
            query=_DELETE_COLLECTION,
            body=DELETE_OPTIONS,
        )
    if "list" in resource.verbs:
        yield _list(resource)
    if "create" in resource.verbs:
        yield _write(resource, "post")


def _on_item(resource: Resource) -> Iterator[Operation]:
    for verb in ("delete", "get", "patch", "update"):
        if verb in resource.verbs:
            yield _write(resource, _METHODS[verb])


#: Kinds whose deletion answers with the object.
_RETURNED = frozenset(
    {"PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate", "ResourceQuota", "Service", "ServiceAccount"}
)


def _write(resource: Resource, method: str, entry: tuple[str, tuple[str, ...], str, str, str] | None = None) -> Operation:
    """Create, read, replace, patch or delete of an object, or of its subresource `entry`."""
    name, _, group, version, kind = entry or ("", (), "", "", resource.kind)
    of = (group or resource.group, version or resource.version, kind)
    own = _definition(*of)
    returns, body = own, ""
    query: tuple[str, ...] = ()
    if method == "delete":
        body, query = DELETE_OPTIONS, _DELETE
        if resource.group != "storage.k8s.io" and resource.kind not in _RETURNED:
            returns = STATUS
    elif method == "patch":
        body, query = PATCH, (*_WRITE, "force")
    elif method in ("post", "put"):
        body, query = own, _WRITE
    what = f"{name} of " if name else ""
    if method in ("post", "delete"):
        what = what.rstrip() + (" a" if name else "a")
    return Operation(
        method,
        f"{_WORDS[method]}{_prefix(resource)}{_stem(resource)}{name[:1].upper()}{name[1:]}",
        tag(resource.group, resource.version),
        _SAYS[method].format(what, resource.kind),
        returns,
        action=method,
        kind=of,
        query=query,
        body=body,
        codes=_CODES[method],
    )


def _subresource(resource: Resource, entry: tuple[str, tuple[str, ...], str, str, str], collection: str) -> Path:
    name, verbs, _, _, kind = entry
    path = Path(f"{collection}/{{name}}/{name}", placeholders=_placeholders(resource, kind))
    if name == "log":
        path.operations.append(
            Operation(
                "get",
                f"read{_prefix(resource)}{_stem(resource)}Log",
                tag(resource.group, resource.version),
                f"read log of the specified {resource.kind}",
                "string",
                action="get",
                kind=_kind(resource),
                query=_LOG,
            )
        )
    elif name in _CONNECT:
        path.operations = _connections(resource, entry, "")
    else:
        path.operations = [_write(resource, _METHODS[verb], entry) for verb in sorted(verbs)]
    return path


def _proxied(resource: Resource, entry: tuple[str, tuple[str, ...], str, str, str], collection: str) -> Path:
    placeholders = {**_placeholders(resource, entry[4]), "path": "path to the resource"}
    return Path(f"{collection}/{{name}}/proxy/{{path}}", _connections(resource, entry, "WithPath"), placeholders)


def _connections(resource: Resource, entry: tuple[str, tuple[str, ...], str, str, str], suffix: str) -> list[Operation]:
    name, _, _, version, kind = entry
    methods = ("delete", "get", "head", "options", "patch", "post", "put") if name == "proxy" else ("get", "post")
    return [
        Operation(
            method,
            f"connect{_prefix(resource)}{method.capitalize()}{_stem(resource)}{name.capitalize()}{suffix}",
            tag(resource.group, resource.version),
            f"connect {method.upper()} requests to {name} of {resource.kind}",
            "string",
            action="connect",
            kind=(resource.group, version or resource.version, kind),
            query=_CONNECT[name],
        )
        for method in methods
    ]


def _watches(resource: Resource, scope: str) -> Iterator[Path]:
    """The deprecated paths of watches."""
    root = f"{resource.base_path}/watch"

    def operation(id_: str, description: str, action: str) -> Operation:
        return Operation(
            "get",
            f"watch{_prefix(resource)}{id_}",
            tag(resource.group, resource.version),
            description,
            WATCH_EVENT,
            action=action,
            kind=_kind(resource),
            query=_LIST,
        )

    many = f"watch individual changes to a list of {resource.kind}. deprecated: use the 'watch' parameter with a list operation"
    one = f"watch changes to an object of kind {resource.kind}. deprecated: use the 'watch' parameter with a list operation"
    if resource.namespaced:
        yield Path(f"{root}/{resource.plural}", [operation(f"{resource.kind}ListForAllNamespaces", many, "watchlist")])
    stem = _stem(resource)
    yield Path(f"{root}{scope}/{resource.plural}", [operation(stem + "List", many, "watchlist")], _placeholders(resource))
    if "get" in resource.verbs:
        placeholders = _placeholders(resource, resource.kind)
        yield Path(f"{root}{scope}/{resource.plural}/{{name}}", [operation(stem, one, "watch")], placeholders)
