"""The API server: its parts put together, and the way of a request through them.

A request is routed, authenticated, authorized, and only then is its body read; it is handed to its verb, subresource or page.
What goes wrong becomes a Status. Every request is counted and audited, whether it comes over HTTP (`handle`) or from a caller
in this process (`perform`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from corral.api.errors import ApiError, bad_request, internal
from corral.api.objects import Object
from corral.base.clock import Clock, SystemClock
from corral.base.tasks import Tasks
from corral.base.tls import server_tls
from corral.client.client import Client
from corral.client.transport import Transport
from corral.loop.controller import Controller
from corral.loop.metrics import collect as workqueues
from corral.server import encryption, pki, subresources
from corral.server.admission import default_chain
from corral.server.admission.dynamic import dynamic_plugins
from corral.server.aggregation import Backends
from corral.server.aggregation.layer import Aggregation
from corral.server.allocation import allocation_of
from corral.server.audit import AuditLog, Auditor, Sink, load_policy
from corral.server.audit.auditor import DECISION, REASON
from corral.server.audit.event import shown_body
from corral.server.authentication import Authenticator, Peer, TokenAuthority, configuration
from corral.server.authentication.bearer import TOKEN_FILE, load_token_file
from corral.server.authentication.frontproxy import FrontProxies
from corral.server.authentication.impersonation import impersonate
from corral.server.authentication.legacy import LEGACY_ISSUER
from corral.server.authentication.tokenrequests import TokenRequests
from corral.server.authorization import Authorizer, forbidden, of_request
from corral.server.authorization.authorizer import PRIVILEGED, PRIVILEGED_GROUP
from corral.server.authorization.reviews import Reviews
from corral.server.bodies import as_json
from corral.server.bootstrap import bootstrap
from corral.server.cache import Cache
from corral.server.certificatesigning import CertificateSigner
from corral.server.charges import Charges
from corral.server.clusterroles import keep_aggregated
from corral.server.config import ServerConfig
from corral.server.configfiles import AUDIT_POLICY, AUTHENTICATION
from corral.server.core import Core
from corral.server.customresources import DEFINITIONS
from corral.server.definitions import keep_definitions
from corral.server.deletion import Deletions
from corral.server.flowcontrol import Limiter, RejectedError, Ticket
from corral.server.flowcontrol.upkeep import build as flow_upkeep
from corral.server.http import HttpServer, bind
from corral.server.lastused import LastUsed
from corral.server.local import LocalTransport
from corral.server.lookup import CacheLookup
from corral.server.negotiate import AS_JSON, Wanted, wanted
from corral.server.nodes import Nodes
from corral.server.outside import Outside
from corral.server.pages import Pages
from corral.server.paths import PageNotFoundError, Paths
from corral.server.represent import body
from corral.server.request import LOOPBACK, Request, Response, User
from corral.server.resourcemetrics.api import ResourceMetrics
from corral.server.resourcemetrics.presence import build as metrics_presence
from corral.server.resourcemetrics.scraper import Scraper, fetch
from corral.server.runtimeconfig import served
from corral.server.services import locate
from corral.server.streams.relay import Relay
from corral.server.verbs import VERBS
from corral.server.webhookclient import WebhookClient
from corral.server.writes import Writes
from corral.store.contract import Store, StoreUnavailable

log = logging.getLogger(__name__)

TEXT = "text/plain; charset=utf-8"
#: Of what Python can hold and JSON cannot: what nests too deep, integers of more than 64 bits.
UNWRITABLE = "the request makes an object that cannot be written as JSON: it nests too deep or holds too large a number"
#: How orjson says so: by a plain TypeError.
_FAULTS_OF_WRITING = ("Recursion limit reached", "Integer exceeds 64-bit range", "Type is not JSON serializable: Decimal")
#: The port that others are told where the server takes any free one.
DEFAULT_PORT = 6443
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
        clock = clock or SystemClock()
        catalog = served(config.runtime_config)
        self.config = config
        backends = Backends()
        self.core = Core(config, clock, store, catalog, Paths(catalog, backends.serves), Cache(store), backends=backends)
        backends.listen(self.core.paths.clear)
        self.core.relay = Relay()
        self.lookup = CacheLookup(self.core.cache)
        self.core.authorizer = self.authorizer = Authorizer(self.lookup)
        self.limiter = Limiter(self.core)
        self.http = HttpServer(self.handle)
        self._tasks = Tasks()
        self._static_tokens = static_tokens
        self._authenticator: Authenticator | None = None
        #: All that lies in the store is sealed as it is to be.
        self.encrypted = asyncio.Event()
        self.audit_log: AuditLog | None = None
        self._auditor: Auditor | None = None
        self._outside: Outside | None = None
        self._signer: CertificateSigner | None = None
        self._pages = Pages(self.core)
        self._webhooks = self.core.custom.client = WebhookClient(partial(locate, self.lookup))
        self.metrics = self._pages.metrics
        #: Those whose queues are told of in the metrics: whoever runs more in this process adds them.
        self.controllers: list[Controller] = []
        self.metrics.add(lambda: workqueues(self.controllers))
        self.metrics.add(lambda: self.limiter.counts.collect(self.limiter.levels))

    @property
    def url(self) -> str:
        """Where it listens, once started."""
        host = self.config.advertised
        return f"https://[{host}]:{self.core.port}" if ":" in host else f"https://{host}:{self.core.port}"

    async def start(self) -> None:
        """Make what is missing of certificates and bootstrap objects, read the store, listen. Raises CorralError, OSError."""
        core, config = self.core, self.config
        hosts = [config.advertised, config.api_service_ip, *config.extra_sans]
        keys = pki.ensure(config.pki_dir, server_hosts=hosts, now=datetime.fromtimestamp(core.clock.now(), UTC))
        tls = server_tls(keys.server_certificate, keys.server_key, keys.ca_certificate, keys.front_proxy_ca_certificate)
        listener = bind(config.host, config.port)
        core.port = listener.getsockname()[1]
        core.url = self.url
        sealer = encryption.load(config.data_dir)
        core.seal, core.cache.unseal = sealer.seal, sealer.open
        await bootstrap(core.store, config, core.clock.now(), sealer=sealer, port=core.port, authorities=keys.authorities())
        await core.cache.load()
        core.custom.follow(core.cache.collection(DEFINITIONS), core.catalog, core.catalog_changed)
        self._tasks.keep("watch cache", core.cache.run)
        self._tasks.keep("encryption", lambda: self._encrypt_anew(sealer))
        self._furnish(keys)
        self._start_audit()
        self._tasks.keep("cluster role aggregation", lambda: keep_aggregated(core))
        self._tasks.keep("custom resource definitions", lambda: keep_definitions(core))
        client = self._client()
        self.limiter.follow()
        upkeep = flow_upkeep(core.cache, client, core.clock)
        presence = metrics_presence(core.cache, client, core.clock)
        self.controllers += [*core.aggregation.controllers(client, core.clock), upkeep, presence]
        for controller in self.controllers:
            self._tasks.keep(controller.name, controller.run)
        await self.http.start(listener, tls)

    def _furnish(self, keys: pki.Pki) -> None:
        """Make the parts that need a full cache."""
        core = self.core
        dynamic = dynamic_plugins(core, self.lookup, self._webhooks)
        core.admission = default_chain(self.lookup, self.authorizer, Charges(core).write, dynamic)
        core.writes = Writes(core, core.admission, allocation_of(self.config, core.cache))
        core.deletions = Deletions(core, core.admission)
        core.tokens = TokenAuthority.load(keys.service_account_key, self.config.issuer)
        core.token_requests = TokenRequests(self.lookup, core.tokens, core.clock)
        static_tokens = self._static_tokens or load_token_file(self.config.pki_dir / TOKEN_FILE)
        folder = self.config.config_dir
        outside = self._outside = Outside(folder, core.clock, core.tokens.audiences)
        self.authorizer.webhook = outside.access
        self._authenticator = Authenticator(
            self.lookup,
            core.clock,
            core.tokens,
            static_tokens,
            configuration=configuration.load(folder / AUTHENTICATION, (self.config.issuer, LEGACY_ISSUER)),
            proxies=FrontProxies(keys.front_proxy_ca_certificate.read_bytes(), (pki.FRONT_PROXY_CLIENT,)),
            webhook=outside.tokens,
            secret_used=LastUsed(self.lookup, self._client(), core.clock, self._tasks).used,
        )
        core.reviews = Reviews(self.authorizer, self._authenticator, core.clock)
        core.aggregation = Aggregation(core.backends, core.cache, core.relay, keys)
        core.nodes = Nodes(self.lookup, keys.kubelet_client_certificate, keys.kubelet_client_key, keys.ca_certificate)
        scraper = Scraper(partial(fetch, core.nodes, core.relay), core.clock)
        core.backends.serve(ResourceMetrics(self.lookup, scraper, core.clock))

    def _client(self) -> Client:
        """The server as a client of its own API."""
        return Client(self.local(manager=MANAGER), self.core.catalog, MANAGER)

    def _start_audit(self) -> None:
        """Write events to the log, and to a webhook where one is configured. Raises CorralError for a policy that is wrong."""
        config, outside = self.config, self._outside
        self.audit_log = AuditLog(config.data_dir / "server" / "audit.log")
        sinks: list[Sink] = [self.audit_log]
        if outside is not None and outside.audit is not None:
            sinks.append(outside.audit)
            self._tasks.keep("audit webhook", outside.audit.run)
        self._auditor = Auditor(load_policy(config.config_dir / AUDIT_POLICY), sinks, self.core.clock)

    async def _encrypt_anew(self, sealer: encryption.Sealer) -> None:
        await encryption.rewrite(self.core.store, sealer)
        self.encrypted.set()

    async def stop(self) -> None:
        """Close every connection, end every task."""
        await self.http.stop()
        await self.core.relay.close()
        await self._webhooks.close()
        await self._tasks.close()
        if self._outside is not None:
            await self._outside.close()
        if self.audit_log is not None:
            self.audit_log.close()

    def sign_certificate(self, request: bytes, usages: Sequence[str], lifetime_s: float) -> bytes:
        """A certificate for a PKCS#10 request, both PEM, of the cluster's authority. Raises ValueError."""
        if self._signer is None:
            self._signer = CertificateSigner(pki.Authority.load(pki.Pki(self.config.pki_dir)), self.core.clock.now)
        return self._signer.sign(request, usages, lifetime_s)

    def local(self, user: User = LOOPBACK, manager: str = "corral") -> Transport:
        """The API for a caller in this process."""
        return LocalTransport(self, user, manager)

    async def handle(self, request: Request, peer: Peer | None = None) -> Response:
        """The answer to a request that came over `peer`; faults have become Statuses."""
        began_s = time.perf_counter()
        with self.metrics.inflight(request.method):
            response = await self._answered(request, peer)
        if peer is not None and peer.ticket is not None:
            response.marks = peer.ticket.marks
        self.settle(request, response, began_s)
        return response

    async def _answered(self, request: Request, peer: Peer | None) -> Response:
        try:
            return await self._perform(request, peer)
        except ApiError as error:
            return refusal(error, request)
        except PageNotFoundError:
            return Response(404, b"404 page not found\n", TEXT, headers={"X-Content-Type-Options": "nosniff"})
        except RejectedError as error:
            return error.response()
        except StoreUnavailable as error:
            log.error("%s %s: %s", request.method, request.path, error)
            return refusal(internal(error.message), request)
        except Exception as error:
            return refusal(self._failure(error, request), request)

    async def perform(self, request: Request) -> Response:
        """The answer to a request of a caller in this process. Raises ApiError, also where the storage fails."""
        began_s = time.perf_counter()
        try:
            response = await self._perform(request, None)
        except ApiError as error:
            self.settle(request, refusal(error, request), began_s)
            raise
        except StoreUnavailable as error:
            failure = internal(error.message)
            self.settle(request, refusal(failure, request), began_s)
            raise failure from error
        self.settle(request, response, began_s)
        return response

    async def _perform(self, request: Request, peer: Peer | None) -> Response:
        """The answer to a request. Raises ApiError, PageNotFoundError and whatever goes wrong."""
        await self.route(request, peer)
        if request.read_body is not None:
            request.body = await request.read_body()
        if request.resource is not None and not request.resource.is_foreign:
            deprecation = self.core.rules(request.resource).deprecation
            if deprecation:
                request.warnings.append(deprecation)
            if request.body:
                as_json(request)
        return await self._handler(request)(self.core, request)

    async def route(self, request: Request, peer: Peer | None = None) -> None:
        """Find out what is asked for and by whom, and whether he may. Raises ApiError, PageNotFoundError."""
        received_s = self.core.clock.now()
        fault: Exception | None = None
        try:
            self.core.paths.resolve(request)
        except (ApiError, PageNotFoundError) as error:
            fault = error
        if peer is not None:
            await self._authenticate(request, peer, received_s)
        if self._auditor is not None:
            self._auditor.received(request, received_s)
        if peer is not None:
            other = await impersonate(request, self.authorizer)
            if other is not None:
                request.actor, request.user, request.constraint = request.user, other.user, other.constraint
            peer.ticket = ticket = self.limiter.enter(request)
            if ticket is not None and not ticket.admitted:
                await self._queue(ticket, peer)
        await self._authorize(request)
        if fault is not None:
            raise fault

    async def _queue(self, ticket: Ticket, peer: Peer) -> None:
        """Wait for the ticket's turn, as long as the client does."""
        peer.streaming = asyncio.current_task()
        try:
            await self.limiter.wait(ticket)
        finally:
            peer.streaming = None

    async def _authorize(self, request: Request) -> None:
        if PRIVILEGED_GROUP in request.user.groups:
            decision = PRIVILEGED
        else:
            attributes = of_request(request)
            decision = await self.authorizer.ask(attributes)
        if request.audit is not None:
            request.annotations[DECISION] = "allow" if decision.allowed else "forbid"
            request.annotations[REASON] = decision.reason
        if not decision.allowed:
            raise forbidden(attributes, decision.reason)

    async def _authenticate(self, request: Request, peer: Peer, received_s: float) -> None:
        assert self._authenticator is not None
        try:
            request.user = await self._authenticator.authenticate(request, peer)
        except ApiError as error:
            if self._auditor is not None:
                self._auditor.unauthenticated(request, received_s, error.code)
            raise

    def settle(self, request: Request, response: Response, began_s: float, *, goes_on: bool = False) -> None:
        """Count a request that is answered, and write it down; one whose answer goes on, when that ends."""
        parts = response.stream, response.upgrade, response.watch
        goes_on = goes_on or any(part is not None for part in parts)
        response.ended = counted = self.metrics.observe(
            request, response.status, time.perf_counter() - began_s, goes_on=goes_on
        )
        auditor = self._auditor
        if request.audit is None or auditor is None:
            return
        if counted is not None:
            auditor.started(request, response.status)

            def ended() -> None:
                counted()
                auditor.completed(request, response.status, None)

            response.ended = ended
        else:
            auditor.completed(request, response.status, _status_of(response), response.body, response.content_type)
        response.headers["Audit-Id"] = request.audit.id

    def _failure(self, error: Exception, request: Request) -> ApiError:
        """What is answered where something failed that must not: it is ours, unless the request cannot be written."""
        if isinstance(error, RecursionError) or (isinstance(error, TypeError) and str(error).startswith(_FAULTS_OF_WRITING)):
            log.warning("%s %s: %s", request.method, request.path, error)
            return bad_request(UNWRITABLE)
        log.error("%s %s failed", request.method, request.path, exc_info=error)
        failure = internal(f"{type(error).__name__}: {error}")
        if self._auditor is not None:
            self._auditor.panicked(request, failure.status())
        return failure

    def _handler(self, request: Request) -> Callable[[Core, Request], Awaitable[Response]]:
        resource = request.resource
        if resource is None:
            return self._pages.handle
        if resource.is_foreign:
            return _elsewhere
        if request.subresource:
            return subresources.handler(request.subresource)
        return VERBS[request.verb]


async def _elsewhere(core: Core, request: Request) -> Response:
    assert request.resource is not None
    return await core.aggregation.handle(request, request.resource.group, request.resource.version)


def _status_of(response: Response) -> Object | None:
    """The Status that a refusal holds; None where it holds none, as those of extension servers may."""
    if response.status < 400:
        return None
    found = shown_body(response.body, response.content_type, omit_managed_fields=False)
    return found if isinstance(found, dict) and found.get("kind") == "Status" else None


def refusal(error: ApiError, request: Request) -> Response:
    """The answer that tells of an error."""
    headers = {}
    retry_s = (error.details or {}).get("retryAfterSeconds")
    if retry_s:
        headers["Retry-After"] = str(retry_s)
    status = error.status()
    if not error.reason:
        del status["reason"]
    want = _wanted_of_errors(request)
    return Response(error.code, body(request, status, want), want.content_type, headers, warnings=request.warnings)


def _wanted_of_errors(request: Request) -> Wanted:
    """The form of a Status: as asked for, or JSON where that cannot be had."""
    try:
        return wanted(request.headers.get("Accept", ""), views=False)
    except ApiError:
        return AS_JSON
