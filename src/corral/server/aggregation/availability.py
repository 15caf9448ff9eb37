"""Tells in each APIService's condition Available whether its extension server answers, and why not.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/api-service-v1/#APIServiceStatus
"""

import asyncio
import logging
from collections.abc import Sequence

import orjson
from msgspec import Struct

from corral.api.errors import ApiError
from corral.api.objects import Key, Object, key_of
from corral.base.backoff import Backoff
from corral.base.clock import Clock, rfc3339
from corral.client.client import Client
from corral.loop.controller import Controller
from corral.server.aggregation.backends import API_SERVICES, Backend, backend_of
from corral.server.aggregation.documents import Documents
from corral.server.aggregation.identity import AGGREGATOR
from corral.server.aggregation.proxy import Proxy, UnreachableError
from corral.server.cache import Cache
from corral.server.changes import Change
from corral.server.lookup import Lookup
from corral.server.services import NAME_LABEL, SLICES, slices_of

log = logging.getLogger(__name__)

#: A server that answers is asked again after this time; one that does not, sooner at first and then as rarely.
AGAIN_S = 30.0
FIRST_RETRY_S = 0.25
CHECK_TIMEOUT_S = 5.0
TRIES = 3


class Verdict(Struct, frozen=True):
    """The condition Available, but for its time."""

    status: str
    reason: str
    message: str


LOCAL = Verdict("True", "Local", "Local APIServices are always available")
PASSED = Verdict("True", "Passed", "all checks passed")


def verdict(backend: Backend, service: Object | None, slices: Sequence[Object]) -> Verdict | None:
    """What can be said without asking the extension server; None: it has to be asked."""
    name = f'service/{backend.service} in "{backend.namespace}"'
    if service is None:
        return Verdict("False", "ServiceNotFound", f"{name} is not present")
    if service["spec"].get("type", "ClusterIP") != "ClusterIP":
        return None
    port = next((p for p in service["spec"].get("ports") or () if p["port"] == backend.port), None)
    if port is None:
        return Verdict("False", "ServicePortError", f"{name} is not listening on port {backend.port}")
    if not slices:
        return Verdict("False", "EndpointsNotFound", f"cannot find endpointslices for {name}")
    port_name = port.get("name") or ""
    if not any(_is_served(one, port_name) for one in slices):
        message = f'endpointslices for {name} have no addresses with port name "{port_name}"'
        return Verdict("False", "MissingEndpoints", message)
    return None


def with_verdict(api_service: Object, found: Verdict, now_s: float) -> Object:
    """The APIService with its condition; the time of transition moves with the status only."""
    status = api_service.get("status") or {}
    others = [one for one in status.get("conditions") or () if one["type"] != "Available"]
    before = next((one for one in status.get("conditions") or () if one["type"] == "Available"), None)
    since = before["lastTransitionTime"] if before is not None and before["status"] == found.status else rfc3339(now_s)
    condition = {
        "type": "Available",
        "status": found.status,
        "lastTransitionTime": since,
        "reason": found.reason,
        "message": found.message,
    }
    return {**api_service, "status": {**status, "conditions": [*others, condition]}}


class Availability:
    """Its keys are APIServices."""

    def __init__(self, client: Client, lookup: Lookup, proxy: Proxy, documents: Documents, clock: Clock) -> None:
        self._client = client
        self._lookup = lookup
        self._proxy = proxy
        self._documents = documents
        self._clock = clock
        self._retries = Backoff(clock, FIRST_RETRY_S, AGAIN_S)

    async def reconcile(self, key: Key) -> float | None:
        """One look at one APIService."""
        api_service = self._lookup.get(API_SERVICES, "", key.name)
        if api_service is None:
            self._documents.forget(key.name)
            self._retries.forget(key)
            return None
        backend = backend_of(api_service)
        found = LOCAL if backend is None else await self._judge(backend)
        wanted = with_verdict(api_service, found, self._clock.now())
        if wanted != api_service:
            await self._client.update(API_SERVICES, wanted, subresource="status")
        if backend is None:
            return None
        if found is PASSED:
            self._retries.forget(key)
            return AGAIN_S
        return self._retries.next(key)

    async def _judge(self, backend: Backend) -> Verdict:
        service = self._lookup.get("services", backend.namespace, backend.service)
        found = verdict(backend, service, slices_of(self._lookup, backend.namespace, backend.service))
        if found is not None:
            return found
        error = ""
        for _ in range(TRIES):  # Of several endpoints one may fail.
            try:
                document = await self._ask(backend)
            except (UnreachableError, ApiError) as refused:
                error = str(refused)
                continue
            await self._documents.learned(backend, document)
            return PASSED
        return Verdict("False", "FailedDiscoveryCheck", error)

    async def _ask(self, backend: Backend) -> Object:
        """The discovery document of the group version. Raises UnreachableError."""
        url = f"https://{backend.host}:{backend.port}{backend.base_path}"
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                status, _, body = await self._proxy.fetch(
                    backend, backend.base_path, AGGREGATOR, CHECK_TIMEOUT_S, Accept="application/json"
                )
        except (UnreachableError, TimeoutError) as error:
            why = str(error) or "context deadline exceeded"
            raise UnreachableError(f'failing or missing response from {url}: Get "{url}": {why}') from error
        if not 200 <= status < 300:
            raise UnreachableError(f"failing or missing response from {url}: bad status from {url}: {status}")
        try:
            document: Object = orjson.loads(body)
        except orjson.JSONDecodeError:
            return {}
        return document if isinstance(document, dict) else {}


def _is_served(one: Object, port_name: str) -> bool:
    named = any((port.get("name") or "") == port_name for port in one.get("ports") or ())
    return named and any(endpoint.get("addresses") for endpoint in one.get("endpoints") or ())


def build(cache: Cache, this: Availability, clock: Clock) -> Controller:
    """The controller: APIServices are looked at when they, their Service or its endpoints change, and now and then."""
    controller = Controller("available-controller", this.reconcile, clock=clock)
    api_services = cache.collection(API_SERVICES)

    def of_service(namespace: str, name: str) -> None:
        for item in api_services.list():
            service = item.object["spec"].get("service") or {}
            if (service.get("namespace"), service.get("name")) == (namespace, name):
                controller.queue.add(Key("", item.name))

    def changed(change: Change) -> None:
        if change.new is None or change.old is None or _asks(change.new.object) != _asks(change.old.object):
            controller.queue.add(Key("", change.newest.name))

    def service_changed(change: Change) -> None:
        item = change.newest
        of_service(item.namespace, item.name)

    def slice_changed(change: Change) -> None:
        item = change.newest
        of_service(item.namespace, item.labels.get(NAME_LABEL, ""))

    api_services.listen(changed)
    cache.collection("services").listen(service_changed)
    cache.collection(SLICES).listen(slice_changed)
    for item in api_services.list():
        if item.object["spec"].get("service") is not None:
            controller.queue.add(key_of(item.object))
    return controller


def _asks(api_service: Object) -> object:
    """What a change of makes a new look necessary: all but what the look itself writes."""
    return api_service["spec"]
