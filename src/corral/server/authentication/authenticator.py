"""From a request's credentials to a user: certificate, bearer token, or nobody."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from corral.api.errors import unauthorized
from corral.base.clock import Clock
from corral.server.authentication import bearer
from corral.server.authentication.certificates import ends_of, user_of
from corral.server.authentication.tokens import InvalidTokenError, TokenAuthority, Verified
from corral.server.lookup import Lookup
from corral.server.request import ANONYMOUS, Request, User

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
#: Browsers cannot set headers on WebSockets: the token comes as a subprotocol.
WEBSOCKET_TOKEN = "base64url.bearer.authorization.k8s.io."


class Known(NamedTuple):
    """The user of a connection's certificate, and until when: a connection may live longer than the certificate."""

    user: User
    ends_s: float


class Peer(Protocol):
    """The connection that a request came over. `known` is where its certificate's user is remembered."""

    known: Any

    @property
    def certificate(self) -> bytes | None:
        """The client's certificate (DER), checked by TLS; None where it showed none."""


@dataclass(slots=True)
class Session:
    """A Peer for requests that come over no connection of ours (tests, in-process)."""

    certificate: bytes | None = None
    known: Any = None


class Authenticator:
    """Asks each way of authentication in turn."""

    def __init__(
        self,
        lookup: Lookup,
        clock: Clock,
        tokens: TokenAuthority,
        static_tokens: Mapping[bytes, User] | None = None,
    ) -> None:
        self.tokens = tokens
        self._lookup = lookup
        self._clock = clock
        self._static = {digest: _authenticated(user) for digest, user in (static_tokens or {}).items()}

    async def authenticate(self, request: Request, peer: Peer | None) -> User:
        """The user. A certificate counts before a token; a wrong token is refused, none is anonymous. Raises ApiError (401)."""
        if peer is not None:
            if peer.known is None and peer.certificate:
                user = user_of(peer.certificate)
                if user is not None:
                    peer.known = Known(_authenticated(user), ends_of(peer.certificate))
            if peer.known is not None:
                known: Known = peer.known
                if known.ends_s <= self._clock.now():
                    raise unauthorized()
                return known.user
        token = bearer_token(request.headers)
        if token is None:
            return ANONYMOUS
        verified = await self.verify(token, ())
        if verified is None:
            raise unauthorized()
        return verified.user

    async def verify(self, token: str, audiences: Sequence[str]) -> Verified | None:
        """Whose token it is, None where nobody's. Only service-account tokens can be for other audiences than the server's."""
        static = self._static.get(bearer.digest(token)) if self._static else None
        if static is not None and not audiences:
            return Verified(static, self.tokens.audiences)
        now_s = self._clock.now()
        wanted = tuple(audiences) or self.tokens.audiences
        if self.tokens.is_ours(token):
            try:
                verified = self.tokens.verify(token, self._lookup, wanted, now_s)
            except InvalidTokenError:
                return None
            return Verified(_authenticated(verified.user), verified.audiences)
        accepted = tuple(a for a in wanted if a in self.tokens.audiences)
        user = static or bearer.bootstrap_user(token, self._lookup, now_s)
        return None if user is None or not accepted else Verified(_authenticated(user), accepted)


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
