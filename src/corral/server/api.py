"""One API server over one store, from its start to its end. What it is made of: `parts`; the way of a request: `dispatch`."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from socket import socket

from corral.base.clock import Clock, SystemClock
from corral.base.listening import bind
from corral.base.tasks import Tasks
from corral.base.tls import server_tls
from corral.client.client import Client
from corral.client.transport import Transport
from corral.loop.controller import Controller
from corral.loop.metrics import collect as workqueues
from corral.server import encryption, parts, pki
from corral.server.aggregation import Backends
from corral.server.authorization import Authorizer
from corral.server.bootstrap import bootstrap
from corral.server.cache import Cache
from corral.server.certificatesigning import CertificateSigner
from corral.server.config import ServerConfig
from corral.server.core import Core
from corral.server.dispatch import Dispatcher
from corral.server.flowcontrol import Limiter
from corral.server.house import House
from corral.server.http import HttpServer
from corral.server.local import LocalTransport
from corral.server.lookup import CacheLookup
from corral.server.paths import Paths
from corral.server.request import LOOPBACK, User
from corral.server.runtimeconfig import served
from corral.store.contract import Store

#: How the server is called where it writes objects itself.
MANAGER = "kube-apiserver"


class ApiServer:
    """One API server over one store. `start` returns when it answers; `stop` when it has let go of everything but the store."""

    def __init__(
        self,
        config: ServerConfig,
        store: Store,
        clock: Clock | None = None,
        *,
        static_tokens: Mapping[bytes, User] | None = None,
    ) -> None:
        catalog = served(config.runtime_config)
        backends = Backends()
        paths = Paths(catalog, backends.serves)
        self.config = config
        self.core = Core(config, clock or SystemClock(), store, catalog, paths, Cache(store), backends=backends)
        backends.listen(paths.clear)
        self.lookup = CacheLookup(self.core.cache)
        self.core.authorizer = Authorizer(self.lookup)
        self.limiter = Limiter(self.core)
        self.dispatcher = Dispatcher(self.core, self.limiter)
        #: The answer to a request: over HTTP with faults as Statuses, in this process with faults raised.
        self.handle, self.perform = self.dispatcher.handle, self.dispatcher.perform
        self.metrics = self.dispatcher.metrics
        #: Those whose queues are told of in the metrics: whoever runs more in this process adds them.
        self.controllers: list[Controller] = []
        self.metrics.add(lambda: workqueues(self.controllers))
        self.metrics.add(lambda: self.limiter.counts.collect(self.limiter.levels))
        #: All parts, once it has started.
        self.house: House | None = None
        self._static_tokens = static_tokens
        self._http = HttpServer(self.handle)
        self._tasks = Tasks()
        self._closing = AsyncExitStack()
        self._signer: CertificateSigner | None = None

    @property
    def url(self) -> str:
        """Where it listens, once started."""
        host = self.config.advertised
        return f"https://[{host}]:{self.core.port}" if ":" in host else f"https://{host}:{self.core.port}"

    async def start(self, listener: socket | None = None) -> None:
        """Make what is missing of certificates and bootstrap objects, read the store, listen. Raises CorralError, OSError.

        `listener` is a bound socket; without one there will be one for the configured address.
        """
        core, config = self.core, self.config
        hosts = [config.advertised, config.api_service_ip, *config.extra_sans]
        keys = pki.ensure(config.pki_dir, server_hosts=hosts, now=datetime.fromtimestamp(core.clock.now(), UTC))
        tls = server_tls(keys.server_certificate, keys.server_key, keys.ca_certificate, keys.front_proxy_ca_certificate)
        listener = listener or bind(config.host, config.port)
        core.port = listener.getsockname()[1]
        core.url = self.url
        sealer = encryption.load(config.data_dir)
        core.seal, core.cache.unseal = sealer.seal, sealer.open
        await bootstrap(core.store, config, core.clock.now(), sealer=sealer, port=core.port, authorities=keys.authorities())
        await core.cache.load()
        self.house = House(
            core,
            keys,
            sealer,
            self.dispatcher,
            self.limiter,
            self.lookup,
            Client(self.local(manager=MANAGER), core.catalog, MANAGER),
            self._static_tokens,
            self._tasks,
            self.controllers,
            self._closing,
        )
        parts.build(self.house)
        await self._http.start(listener, tls)

    async def stop(self) -> None:
        """Close every connection, end every task."""
        await self._http.stop()
        await self._tasks.close()
        await self._closing.aclose()

    def sign_certificate(self, request: bytes, usages: Sequence[str], lifetime_s: float) -> bytes:
        """A certificate for a PKCS#10 request, both PEM, of the cluster's authority. Raises ValueError."""
        if self._signer is None:
            self._signer = CertificateSigner(pki.Authority.load(pki.Pki(self.config.pki_dir)), self.core.clock.now)
        return self._signer.sign(request, usages, lifetime_s)

    def local(self, user: User = LOOPBACK, manager: str = "corral") -> Transport:
        """The API for a caller in this process."""
        return LocalTransport(self.dispatcher, user, manager)
