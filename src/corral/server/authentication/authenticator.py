"""From a request's credentials to a user: certificate, bearer token, or nobody."""

import base64
import binascii
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from corral.api.errors import unauthorized
from corral.base.clock import Clock
from corral.server.authentication import bearer
from corral.server.authentication.certificates import ends_of, user_of
from corral.server.authentication.configuration import AuthenticationConfiguration
from corral.server.authentication.frontproxy import FrontProxies, user_of_headers
from corral.server.authentication.tokens import TokenAuthority, issuer_of
from corral.server.authentication.verdicts import InvalidTokenError, Verified
from corral.server.lookup import Lookup
from corral.server.request import ANONYMOUS, Request, User

if TYPE_CHECKING:
    from corral.server.authentication.oidc import JwtIssuer
    from corral.server.authentication.webhook import TokenWebhook

log = logging.getLogger(__name__)

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
#: Browsers cannot set headers on WebSockets: the token comes as a subprotocol.
WEBSOCKET_TOKEN = "base64url.bearer.authorization.k8s.io."


class Known(NamedTuple):
    """What a connection's certificate says, and until when: a connection may live longer than the certificate."""

    #: None for a front proxy, which names another user with each request.
    user: User | None
    ends_s: float
    is_proxy: bool = False


class Peer(Protocol):
    """The connection that a request came over. `known` is where its certificate's user is remembered.

    `is_strangers` until somebody has said on it who he is. `ticket` are the seats of its present request; `streaming` is a task
    that ends when the connection does.
    """

    known: Any
    is_strangers: bool
    ticket: Any
    streaming: Any

    @property
    def certificate(self) -> bytes | None:
        """The client's certificate (DER), checked by TLS; None where it showed none."""


class Session(Struct):
    """A Peer for requests that come over no connection of ours (tests, in-process)."""

    certificate: bytes | None = None
    known: Any = None
    is_strangers: bool = True
    ticket: Any = None
    streaming: Any = None


class Authenticator:
    """Asks each way of authentication in turn."""

    def __init__(
        self,
        lookup: Lookup,
        clock: Clock,
        tokens: TokenAuthority,
        static_tokens: Mapping[bytes, User] | None = None,
        *,
        configuration: AuthenticationConfiguration | None = None,
        proxies: FrontProxies | None = None,
        webhook: "TokenWebhook | None" = None,
        secret_used: Callable[[str, str], None] | None = None,
    ) -> None:
        """`secret_used` is told the namespace and name of each Secret whose token comes.

        Raises CorralError for an expression in `configuration` that is wrong.
        """
        configuration = configuration or AuthenticationConfiguration()
        self.tokens = tokens
        self._lookup = lookup
        self._clock = clock
        self._static = {digest: _authenticated(user) for digest, user in (static_tokens or {}).items()}
        self._anonymous = configuration.anonymous
        self._issuers = _issuers(configuration, clock)
        self._proxies = proxies
        self._webhook = webhook
        self._secret_used = secret_used

    async def authenticate(self, request: Request, peer: Peer | None) -> User:
        """The user. A certificate counts before a token; a wrong token is refused, none is anonymous. Raises ApiError (401)."""
        if peer is not None:
            if peer.known is None and peer.certificate:
                peer.known = self._know(peer.certificate)
            known: Known | None = peer.known
            if known is not None:
                return self._of_connection(known, request)
        token = bearer_token(request.headers)
        if token is None:
            if not self._anonymous.may(request.path):
                raise unauthorized()
            return ANONYMOUS
        verified = await self.verify(token, ())
        if verified is None:
            raise unauthorized()
        for key, value in verified.notes:
            request.annotate(key, value)
        if verified.secret is not None and self._secret_used is not None:
            self._secret_used(*verified.secret)
        return verified.user

    def _know(self, certificate: bytes) -> Known | None:
        """What a certificate says of its connection. One of the proxies' authority makes its holder nobody himself."""
        if self._proxies is not None and self._proxies.signed(certificate):
            return Known(None, ends_of(certificate), is_proxy=self._proxies.allows(certificate))
        user = user_of(certificate)
        return None if user is None else Known(_authenticated(user), ends_of(certificate))

    def _of_connection(self, known: Known, request: Request) -> User:
        if known.ends_s <= self._clock.now():
            raise unauthorized()
        if known.user is not None:
            return known.user
        user = user_of_headers(request.headers) if known.is_proxy else None
        if user is None:
            raise unauthorized()
        return _authenticated(user)

    async def verify(self, token: str, audiences: Sequence[str]) -> Verified | None:
        """Whose token it is, None where nobody's. Only service-account tokens can be for other audiences than the server's."""
        static = self._static.get(bearer.digest(token)) if self._static else None
        if static is not None and not audiences:
            return Verified(static, self.tokens.audiences)
        wanted = tuple(audiences) or self.tokens.audiences
        try:
            found = await self._verify(token, static, wanted)
            if found is None and self._webhook is not None:
                found = await self._webhook.verify(token, wanted)
        except InvalidTokenError as error:
            log.debug("a token is refused: %s", error)
            return None
        return None if found is None else replace(found, user=_authenticated(found.user))

    async def _verify(self, token: str, static: User | None, wanted: tuple[str, ...]) -> Verified | None:
        now_s = self._clock.now()
        if self.tokens.is_ours(token):
            try:
                return self.tokens.verify(token, self._lookup, wanted, now_s)
            except InvalidTokenError as error:
                if self._webhook is None:
                    raise
                log.debug("a service account's token is refused: %s", error)
                return None
        accepted = tuple(audience for audience in wanted if audience in self.tokens.audiences)
        user = static or bearer.bootstrap_user(token, self._lookup, now_s)
        if user is None and self._issuers:
            issuer = self._issuers.get(issuer_of(token))
            user = None if issuer is None else await issuer.user(token)
        return None if user is None or not accepted else Verified(user, accepted)


def _issuers(configuration: AuthenticationConfiguration, clock: Clock) -> "dict[str, JwtIssuer]":
    if not configuration.issuers:
        return {}
    from corral.server.authentication.oidc import JwtIssuer

    return {issuer.url: JwtIssuer(issuer, clock) for issuer in configuration.issuers}


def bearer_token(headers: Mapping[str, str]) -> str | None:
    """The token of a request, None where it carries none."""
    authorization = headers.get("Authorization")
    if authorization is not None:
        scheme, _, token = authorization.strip().partition(" ")
        token = token.strip()
        return token if scheme.lower() == "bearer" and token else None
    protocols = headers.get("Sec-WebSocket-Protocol")
    if protocols is not None and WEBSOCKET_TOKEN in protocols:
        for protocol in protocols.split(","):
            encoded = protocol.strip()
            if encoded.startswith(WEBSOCKET_TOKEN):
                encoded = encoded.removeprefix(WEBSOCKET_TOKEN)
                try:
                    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode() or None
                except (binascii.Error, UnicodeDecodeError, ValueError):
                    raise unauthorized() from None
    return None


def _authenticated(user: User) -> User:
    if AUTHENTICATED in user.groups or UNAUTHENTICATED in user.groups:
        return user
    return replace(user, groups=(*user.groups, AUTHENTICATED))
