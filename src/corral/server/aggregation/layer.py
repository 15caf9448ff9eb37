"""The aggregation layer put together: who is asked, and the controllers that keep APIServices true."""

from corral.api.errors import no_such_resource
from corral.base.clock import Clock
from corral.client.client import Client
from corral.loop.controller import Controller
from corral.server import pki
from corral.server.aggregation import autoregister, availability
from corral.server.aggregation.availability import Availability
from corral.server.aggregation.backends import API_SERVICES, Backends
from corral.server.aggregation.documents import Documents
from corral.server.aggregation.proxy import Proxy
from corral.server.cache import Cache
from corral.server.lookup import Lookup
from corral.server.request import Request, Response
from corral.server.streams.relay import Relay


class Aggregation:
    """Answers for what the server does not store."""

    def __init__(self, backends: Backends, cache: Cache, lookup: Lookup, relay: Relay, keys: pki.Pki) -> None:
        self.backends = backends
        self._cache = cache
        self._lookup = lookup
        self._proxy = Proxy(backends, self._lookup, relay, keys.front_proxy_client_certificate, keys.front_proxy_client_key)
        self.documents = Documents(backends, self._proxy)
        backends.follow(cache.collection(API_SERVICES))

    async def handle(self, request: Request, group: str, version: str) -> Response:
        """The answer to a request that was allowed. Raises ApiError."""
        backend = self.backends.remote.get((group, version))
        if backend is not None:
            return await self._proxy.forward(request, backend)
        local = self.backends.local(group, version)
        if local is None:
            raise no_such_resource()
        return await local.handle(request)

    def controllers(self, client: Client, clock: Clock) -> list[Controller]:
        """What keeps APIServices and their conditions."""
        judge = Availability(client, self._lookup, self._proxy, self.documents, clock)
        return [availability.build(self._cache, judge, clock), autoregister.build(self._cache, client, clock)]
