"""The parts of the API server, in the order in which they are built. A new one is a function here and a line in `PARTS`."""

from collections.abc import Callable
from functools import partial

from corral.server import encryption, pki
from corral.server.admission import default_chain
from corral.server.admission.dynamic import dynamic_plugins
from corral.server.aggregation.layer import Aggregation
from corral.server.allocation import allocation_of
from corral.server.audit import AuditLog, Auditor, Sink, load_policy
from corral.server.authentication import Authenticator, TokenAuthority, configuration
from corral.server.authentication.bearer import TOKEN_FILE, load_token_file
from corral.server.authentication.frontproxy import FrontProxies
from corral.server.authentication.legacy import LEGACY_ISSUER
from corral.server.authentication.tokenrequests import TokenRequests
from corral.server.authorization.reviews import Reviews
from corral.server.charges import Charges
from corral.server.clusterroles import keep_aggregated
from corral.server.configfiles import AUDIT_POLICY, AUTHENTICATION
from corral.server.customresources import DEFINITIONS
from corral.server.definitions import keep_definitions
from corral.server.deletion import Deletions
from corral.server.flowcontrol.upkeep import build as flow_upkeep
from corral.server.house import House
from corral.server.lastused import LastUsed
from corral.server.nodes import Nodes
from corral.server.outside import Outside
from corral.server.resourcemetrics.api import ResourceMetrics
from corral.server.resourcemetrics.presence import build as metrics_presence
from corral.server.resourcemetrics.scraper import Scraper, fetch
from corral.server.services import locate
from corral.server.streams.relay import Relay
from corral.server.webhookclient import WebhookClient
from corral.server.writes import Writes


def build(house: House) -> None:
    """Make every part. Raises CorralError where a file of the configuration is wrong."""
    for part in PARTS:
        part(house)


def webhooks(house: House) -> None:
    """Webhooks are reached: those of admission and of conversion."""
    house.webhooks = house.core.custom.client = WebhookClient(partial(locate, house.lookup))
    house.closing.push_async_callback(house.webhooks.close)


def storing(house: House) -> None:
    """The watch cache follows the store; what lies there under an old key is written anew."""
    core = house.core
    core.custom.follow(core.cache.collection(DEFINITIONS), core.catalog, core.catalog_changed)
    house.tasks.keep("watch cache", core.cache.run)

    async def encrypt_anew() -> None:
        await encryption.rewrite(core.store, house.sealer)
        house.encrypted.set()

    house.tasks.keep("encryption", encrypt_anew)


def writing(house: House) -> None:
    """Objects are written and deleted."""
    core, lookup = house.core, house.lookup
    dynamic = dynamic_plugins(core, lookup, house.webhooks)
    core.admission = default_chain(lookup, core.authorizer, Charges(core).write, dynamic)
    core.writes = Writes(core, core.admission, allocation_of(core.config, core.cache))
    core.deletions = Deletions(core, core.admission)


def tokens(house: House) -> None:
    """Tokens of service accounts are issued."""
    core = house.core
    core.tokens = TokenAuthority.load(house.keys.service_account_key, core.config.issuer)
    core.token_requests = TokenRequests(house.lookup, core.tokens, core.clock)


def outside(house: House) -> None:
    """Services that the configuration names are asked."""
    core = house.core
    house.outside = Outside(core.config.config_dir, core.clock, core.tokens.audiences)
    core.authorizer.webhook = house.outside.access
    house.closing.push_async_callback(house.outside.close)


def identity(house: House) -> None:
    """Whoever asks is known, and can ask what he may do."""
    core, config = house.core, house.core.config
    authenticator = house.dispatcher.authenticator = Authenticator(
        house.lookup,
        core.clock,
        core.tokens,
        house.static_tokens or load_token_file(config.pki_dir / TOKEN_FILE),
        configuration=configuration.load(config.config_dir / AUTHENTICATION, (config.issuer, LEGACY_ISSUER)),
        proxies=FrontProxies(house.keys.front_proxy_ca_certificate.read_bytes(), (pki.FRONT_PROXY_CLIENT,)),
        webhook=house.outside.tokens,
        secret_used=LastUsed(house.lookup, house.client, core.clock, house.tasks).used,
    )
    core.reviews = Reviews(core.authorizer, authenticator, core.clock)


def nodes(house: House) -> None:
    """Node agents are reached, for logs, exec and the like."""
    core, keys = house.core, house.keys
    core.relay = Relay()
    house.closing.push_async_callback(core.relay.close)
    core.nodes = Nodes(house.lookup, keys.kubelet_client_certificate, keys.kubelet_client_key, keys.ca_certificate)


def aggregation(house: House) -> None:
    """Other servers answer for their group versions."""
    core = house.core
    core.aggregation = Aggregation(core.backends, core.cache, house.lookup, core.relay, house.keys)
    house.control(*core.aggregation.controllers(house.client, core.clock))


def resource_metrics(house: House) -> None:
    """What pods and nodes use now (`kubectl top`)."""
    core = house.core
    scraper = Scraper(partial(fetch, core.nodes, core.relay), core.clock)
    core.backends.serve(ResourceMetrics(house.lookup, scraper, core.clock))
    house.control(metrics_presence(core.cache, house.client, core.clock))


def auditing(house: House) -> None:
    """Requests are written down: to the log, and to a webhook where one is configured."""
    config, service = house.core.config, house.outside.audit
    house.audit_log = AuditLog(config.data_dir / "server" / "audit.log")
    house.closing.callback(house.audit_log.close)
    sinks: list[Sink] = [house.audit_log]
    if service is not None:
        sinks.append(service)
        house.tasks.keep("audit webhook", service.run)
    house.dispatcher.auditor = Auditor(load_policy(config.config_dir / AUDIT_POLICY), sinks, house.core.clock)


def definitions(house: House) -> None:
    """Custom resource definitions are established, cluster roles aggregated."""
    core = house.core
    house.tasks.keep("cluster role aggregation", lambda: keep_aggregated(core))
    house.tasks.keep("custom resource definitions", lambda: keep_definitions(core))


def fairness(house: House) -> None:
    """Requests take their turns."""
    core = house.core
    house.limiter.follow()
    house.control(flow_upkeep(core.cache, house.client, core.clock))


#: Those further down need those above.
PARTS: tuple[Callable[[House], None], ...] = (
    webhooks,
    storing,
    writing,
    tokens,
    outside,
    identity,
    nodes,
    aggregation,
    resource_metrics,
    auditing,
    definitions,
    fairness,
)
