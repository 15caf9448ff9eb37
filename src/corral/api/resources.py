"""The resources that the API serves: group, version, plural, kind, scope, verbs.

Built-in ones come from the facts (`api.facts`); custom ones are added at run time to a `Catalog`.
"""

from corral.base.annotations import Iterable, Iterator, Record


class Resource(Record, frozen=True):
    """One served resource, e.g. deployments of apps/v1."""

    group: str
    version: str
    plural: str
    kind: str
    singular: str
    namespaced: bool
    verbs: tuple[str, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    #: name → (verbs, group, version, kind) of its subresources; group and version are "" where they are the resource's own.
    subresources: tuple[tuple[str, tuple[str, ...], str, str, str], ...] = ()
    #: Of a custom resource: the version in which its objects are stored; "" for built-in ones.
    storage_version: str = ""
    #: The kind of lists of them, where it is not the kind with List at its end.
    list_kind: str = ""

    def __hash__(self) -> int:
        return hash(self.plural)

    @property
    def is_foreign(self) -> bool:
        """Whether another than this server's storage has its objects: nothing is known of it but its name."""
        return not self.kind

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """`deployments.apps`, or `pods` for the core group: how a resource is named in messages and by the client."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def base_path(self) -> str:
        """`/apis/apps/v1` or `/api/v1`."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of a collection (no name), an object, or a subresource."""
        parts = [self.base_path]
        if namespace and self.namespaced:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


def foreign(group: str, version: str, plural: str, *, namespaced: bool) -> Resource:
    """A resource that is served from elsewhere (see `Resource.is_foreign`)."""
    return Resource(group, version, plural, "", "", namespaced, ())


class Catalog:
    """Resources by what people and paths call them. The first version of a group is its preferred one."""

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_group_resource: dict[str, Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            self.add(resource)

    def add(self, resource: Resource) -> None:
        """Serve `resource`, replacing one of the same path."""
        self._by_path[resource.group, resource.version, resource.plural] = resource
        self._by_group_resource.setdefault(resource.group_resource, resource)
        self._by_kind[resource.api_version, resource.kind] = resource

    def remove(self, resource: Resource) -> None:
        """Serve `resource` no more."""
        self._by_path.pop((resource.group, resource.version, resource.plural), None)
        self._by_kind.pop((resource.api_version, resource.kind), None)
        if self._by_group_resource.get(resource.group_resource) == resource:
            del self._by_group_resource[resource.group_resource]
            for other in self._by_path.values():
                self._by_group_resource.setdefault(other.group_resource, other)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_path.values())

    def at(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource of a path."""
        return self._by_path.get((group, version, plural))

    def named(self, group_resource: str) -> Resource:
        """The preferred version of `deployments.apps` or `pods`. Raises KeyError where there is none."""
        return self._by_group_resource[group_resource]

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource whose objects have this apiVersion and kind."""
        return self._by_kind.get((api_version, kind))
