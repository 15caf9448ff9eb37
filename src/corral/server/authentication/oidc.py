"""JSON Web Tokens of issuers outside: their keys are found by OpenID discovery, and again when a token names another one.

https://openid.net/specs/openid-connect-discovery-1_0.html, RFC 7517, RFC 7519. Nothing is fetched before the first token of an
issuer, and for tokens with made-up key ids no more often than every `REFRESH_S` seconds.
"""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import jwt
import orjson

from corral.base.clock import Clock
from corral.server.answers import read_up_to
from corral.server.authentication.claims import ClaimMapper
from corral.server.authentication.configuration import Issuer
from corral.server.authentication.verdicts import InvalidTokenError
from corral.server.request import User

log = logging.getLogger(__name__)

#: The asymmetric algorithms of RFC 7518: with a symmetric one, the issuer's public key would be anybody's secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512")
DISCOVERY_PATH = "/.well-known/openid-configuration"
FETCH_TIMEOUT_S = 10.0
REFRESH_S = 10.0
MAX_DOCUMENT_BYTES = 1 << 20
#: How long, and for how many tokens, the outcome of a check is remembered.
KEPT_S = 10.0
KEPT_USERS = 4096
#: Clocks differ; the reference's library grants as much.
NOT_BEFORE_LEEWAY_S = 300.0


class JwtIssuer:
    """One issuer: verifies its tokens and makes users of them."""

    def __init__(self, issuer: Issuer, clock: Clock) -> None:
        """Raises CorralError for an expression that is wrong."""
        self.url = issuer.url
        self._issuer = issuer
        self._clock = clock
        self._mapper = ClaimMapper(issuer)
        self._keys: dict[str, jwt.PyJWK] = {}
        #: Digest of a token → its user, and until when that is believed.
        self._users: dict[bytes, tuple[User, float]] = {}
        self._fetched_s: float | None = None
        self._fetching = asyncio.Lock()

    async def user(self, token: str) -> User:
        """Who holds the token. Raises InvalidTokenError."""
        digest = hashlib.sha256(token.encode()).digest()
        now_s = self._clock.now()
        kept = self._users.get(digest)
        if kept is not None and now_s < kept[1]:
            return kept[0]
        claims = await self._verified(token)
        user = self._mapper.user(claims)
        if len(self._users) >= KEPT_USERS:
            self._users.clear()
        self._users[digest] = user, min(now_s + KEPT_S, claims["exp"])
        return user

    async def _verified(self, token: str) -> Mapping[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise InvalidTokenError(str(error)) from error
        if header.get("alg") not in ALGORITHMS:
            raise InvalidTokenError(f"the algorithm {header.get('alg')} is not taken")
        claims = self._signed(token, header)
        if claims is None:
            await self._fetch()
            claims = self._signed(token, header)
        if claims is None:
            raise InvalidTokenError("the token is signed by no key of the issuer")
        self._check_times(claims)
        found = claims.get("aud")
        audiences = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        if not any(audience in self._issuer.audiences for audience in audiences):
            raise InvalidTokenError("the token is for another audience")
        return claims

    def _signed(self, token: str, header: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The claims, if one of the known keys signed them; only the one that the token names, if it names one."""
        named = header.get("kid")
        keys: Sequence[jwt.PyJWK] = list(self._keys.values())
        if named:
            keys = [self._keys[named]] if named in self._keys else []
        checks: Any = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        for key in keys:
            try:
                return jwt.decode(token, key.key, algorithms=[header["alg"]], issuer=self.url, options=checks)
            except (jwt.PyJWTError, TypeError, ValueError):
                continue
        return None

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now_s = self._clock.now()
        ends, begins = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(ends, int | float) or not isinstance(begins, int | float):
            raise InvalidTokenError("the token does not say when it ends")
        if not ends > now_s:  # Not the same as `ends <= now_s`: JSON may hold what is no number.
            raise InvalidTokenError("the token has expired")
        if not begins <= now_s + NOT_BEFORE_LEEWAY_S:
            raise InvalidTokenError("the token is not valid yet")

    async def _fetch(self) -> None:
        """Get the issuer's keys, one at a time, and not too often. What fails is logged: the old keys stay."""
        async with self._fetching:
            now_s = self._clock.monotonic()
            if self._fetched_s is not None and now_s - self._fetched_s < REFRESH_S:
                return
            self._fetched_s = now_s
            try:
                self._keys = await self._published()
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError) as error:
                log.warning("the keys of the issuer %s cannot be fetched: %s", self.url, error or type(error).__name__)

    async def _published(self) -> dict[str, jwt.PyJWK]:
        tls = ssl.create_default_context(cadata=self._issuer.authority or None)
        tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
        timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls), timeout=timeout) as http:
            where = self._issuer.discovery_url or self.url.rstrip("/") + DISCOVERY_PATH
            document = await _document(http, where)
            if document["issuer"] != self.url:
                raise ValueError(f"{where} is of the issuer {document['issuer']}")
            if not document["jwks_uri"].startswith("https://"):
                raise ValueError(f"{document['jwks_uri']} is not https")
            found = (await _document(http, document["jwks_uri"]))["keys"]
        keys = {}
        for i, raw in enumerate(found):
            if raw.get("use", "sig") != "sig":
                continue
            try:
                keys[raw.get("kid", f"#{i}")] = jwt.PyJWK.from_dict(raw)
            except jwt.PyJWTError as error:
                log.debug("a key of the issuer %s is of no use: %s", self.url, error)
        return keys


async def _document(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with http.get(url, allow_redirects=False) as answer:
        answer.raise_for_status()
        data = await read_up_to(answer, MAX_DOCUMENT_BYTES)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise ValueError(f"{url} has more than {MAX_DOCUMENT_BYTES} bytes")
    found = orjson.loads(data)
    if answer.status != 200 or not isinstance(found, dict):
        raise ValueError(f"{url} is no JSON object")
    return found
