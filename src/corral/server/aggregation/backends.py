"""Which group versions another than this server's storage answers for, and in which order groups and versions are told.

Follows the APIServices in the watch cache, in the order of its events.
"""

import base64
import binascii
import sys
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from corral.api.definitions import priority as version_order
from corral.api.objects import Object
from corral.server.cache import Collection
from corral.server.changes import Change
from corral.server.request import Request, Response

API_SERVICES = "apiservices.apiregistration.k8s.io"
#: The group of the APIServices themselves has none, and comes first.
OWN_GROUP = "apiregistration.k8s.io"
DEFAULT_PORT = 443
#: Of groups that have no APIService: those of custom resources, a moment after they were defined.
CUSTOM_PRIORITY = (1000, 100)


class Backend(Struct, frozen=True):
    """The extension server of one group version, as its APIService describes it."""

    name: str
    group: str
    version: str
    namespace: str
    service: str
    port: int = DEFAULT_PORT
    #: PEM of the authorities that may have signed its certificate; "" means those of the host.
    ca: str = ""
    insecure: bool = False

    @property
    def host(self) -> str:
        """The name that its certificate must have."""
        return f"{self.service}.{self.namespace}.svc"

    @property
    def base_path(self) -> str:
        """Where its resources begin."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


class Local(Protocol):
    """A group version that this server answers for without storing its objects."""

    group: str
    version: str

    def resource_list(self) -> Object:
        """Its discovery document: APIResourceList."""

    def openapi(self) -> Object:
        """Its OpenAPI document (version 3)."""

    async def handle(self, request: Request) -> Response:
        """The answer to a request for one of its resources. Raises ApiError."""


def backend_of(api_service: Object) -> Backend | None:
    """Who serves it, None where this server does."""
    spec = api_service["spec"]
    service = spec.get("service")
    if service is None:
        return None
    try:
        ca = base64.b64decode(spec.get("caBundle") or "").decode("ascii", "replace")
    except (ValueError, binascii.Error):
        ca = ""
    return Backend(
        api_service["metadata"]["name"],
        spec.get("group", ""),
        spec["version"],
        service["namespace"],
        service["name"],
        service.get("port") or DEFAULT_PORT,
        ca,
        bool(spec.get("insecureSkipTLSVerify")),
    )


def is_available(api_service: Object) -> bool:
    """Whether its server answered when it was last asked."""
    conditions = (api_service.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Available" and one["status"] == "True" for one in conditions)


class Backends:
    """The group versions that are not served from storage. Empty, and costing nothing, while there are none."""

    def __init__(self) -> None:
        #: (group, version) → who serves it.
        self.remote: dict[tuple[str, str], Backend] = {}
        self._local: dict[tuple[str, str], Local] = {}
        #: Those that an APIService names without a Service.
        self._here: set[tuple[str, str]] = set()
        self._available: set[tuple[str, str]] = set()
        self._priorities: dict[tuple[str, str], tuple[int, int]] = {}
        self._listeners: list[Callable[[], None]] = []

    def serve(self, local: Local) -> None:
        """Answer for a group version here, while there is an APIService for it that does not lead elsewhere."""
        self._local[local.group, local.version] = local

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever what is served by others, or whether it is available, has changed."""
        self._listeners.append(listener)

    def follow(self, collection: Collection) -> None:
        """Know what the APIServices of `collection` say, now and after each change."""
        for item in collection.list():
            self._take(item.object)
        collection.listen(self._noticed)

    def serves(self, group: str, version: str) -> bool:
        """Whether requests of this group version are for a backend or a `Local`."""
        return (group, version) in self.remote or self.local(group, version) is not None

    def local(self, group: str, version: str) -> Local | None:
        """Who answers here without storage; None where another server does, or nobody."""
        key = group, version
        return self._local.get(key) if key in self._here else None

    def locals(self) -> list[Local]:
        """All that answer here without storage."""
        return [found for key, found in self._local.items() if key in self._here]

    def is_available(self, backend: Backend) -> bool:
        """Whether its APIService says so."""
        return (backend.group, backend.version) in self._available

    def versions(self) -> list[tuple[str, str]]:
        """(group, version) of all that backends and `Local`s serve."""
        return [*self.remote, *((one.group, one.version) for one in self.locals())]

    def group_order(self, group: str) -> tuple[int, str]:
        """What groups are sorted by: the highest priority of their versions, then the name."""
        if group == OWN_GROUP:
            return -sys.maxsize, group
        found = [priority[0] for (of, _), priority in self._priorities.items() if of == group]
        return -max(found, default=CUSTOM_PRIORITY[0]), group

    def version_order(self, group: str, version: str) -> tuple[int, tuple[int, int, int, list[int]]]:
        """What the versions of a group are sorted by: their priority, then maturity and age of the name."""
        return -self._priorities.get((group, version), CUSTOM_PRIORITY)[1], version_order(version)

    def _noticed(self, change: Change) -> None:
        if change.new is not None:
            self._take(change.new.object)
        elif change.old is not None:
            spec = change.old.object["spec"]
            key = spec.get("group", ""), spec["version"]
            self._priorities.pop(key, None)
            self._available.discard(key)
            self._here.discard(key)
            self.remote.pop(key, None)
        for listener in self._listeners:
            listener()

    def _take(self, api_service: Object) -> None:
        spec = api_service["spec"]
        key = spec.get("group", ""), spec["version"]
        self._priorities[key] = spec.get("groupPriorityMinimum", 0), spec.get("versionPriority", 0)
        backend = backend_of(api_service)
        if backend is None:
            self.remote.pop(key, None)
            self._here.add(key)
        else:
            self.remote[key] = backend
            self._here.discard(key)
        (self._available.add if is_available(api_service) else self._available.discard)(key)
