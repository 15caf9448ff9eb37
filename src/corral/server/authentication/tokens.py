"""Service-account tokens: JSON Web Tokens bound to an audience, a time, and often to a pod, Secret or node.

Issued by TokenRequest (KEP-1205, KEP-4193), checked here against the objects that they are bound to, and by anybody else with
the OpenID documents: `/.well-known/openid-configuration` and `/openid/v1/jwks`.
"""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt

from corral.api.objects import Object
from corral.base.clock import parse_rfc3339
from corral.server.authentication import legacy
from corral.server.authentication.certificates import CREDENTIAL_ID
from corral.server.authentication.keys import (
    PrivateKey,
    VerifyingKey,
    jwks,
    load_signing_key,
    load_verifying_keys,
)
from corral.server.authentication.legacy import LEGACY_CLAIM, LEGACY_ISSUER
from corral.server.authentication.verdicts import InvalidTokenError, Verified
from corral.server.lookup import Lookup
from corral.server.pki import RETIRED_FILE
from corral.server.request import User

#: A pod's own token is asked for with this lifetime; it is then good for a year, and its use after this is only warned of.
WARN_ONLY_LIFETIME_S = 3607
EXTENDED_LIFETIME_S = 365 * 24 * 3600
#: A token of a pod that is being deleted stays good this long after the pod's time is up.
DELETION_LEEWAY_S = 60
KEPT_TOKENS = 4096
CLOCK_SKEW_S = 10
PRIVATE_CLAIM = "kubernetes.io"
EXTRA_PREFIX = "authentication.kubernetes.io/"
STALE = "authentication.k8s.io/stale-token"


class TokenAuthority:
    """Signs with the cluster's service-account key; verifies what it and the `retired` ones signed.

    `audiences` are the API server's own.
    """

    def __init__(
        self, key: PrivateKey, issuer: str, audiences: Sequence[str] = (), retired: Sequence[VerifyingKey] = ()
    ) -> None:
        self.issuer = issuer
        self.audiences = tuple(audiences) or (issuer,)
        self._key = key
        self._signing = VerifyingKey.of(key.public_key())
        self._verifying = {known.id: known for known in (self._signing, *retired)}
        self._claims: dict[str, Object] = {}

    @classmethod
    def load(cls, key_path: Path, issuer: str, audiences: Sequence[str] = ()) -> "TokenAuthority":
        """The authority with the key in this file, and the retired ones beside it. Raises CorralError where there is none."""
        retired = load_verifying_keys(key_path.with_name(RETIRED_FILE))
        return cls(load_signing_key(key_path), issuer, audiences, retired)

    def issue(self, account: Object, audiences: Sequence[str], lifetime_s: int, bound: Object, now_s: float) -> str:
        """A token for a ServiceAccount. `bound` holds {name, uid} under pod, secret and node, as far as it is bound to them."""
        meta = account["metadata"]
        private: Object = {
            "namespace": meta["namespace"],
            **bound,
            "serviceaccount": {"name": meta["name"], "uid": meta.get("uid", "")},
        }
        now = int(now_s)
        expires = now + lifetime_s
        if lifetime_s == WARN_ONLY_LIFETIME_S and "pod" in bound and set(audiences) <= set(self.audiences):
            private["warnafter"] = expires
            expires = now + EXTENDED_LIFETIME_S
        claims = {
            "aud": list(audiences),
            "exp": expires,
            "iat": now,
            "iss": self.issuer,
            "jti": str(uuid.uuid4()),
            PRIVATE_CLAIM: private,
            "nbf": now,
            "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
        }
        return self._sign(claims)

    def issue_legacy(self, account: Object, secret: Object) -> str:
        """The token that a Secret holds for a ServiceAccount: it does not end before the Secret does."""
        meta, name = account["metadata"], secret["metadata"]["name"]
        claims = {
            "iss": LEGACY_ISSUER,
            f"{LEGACY_CLAIM}/namespace": meta["namespace"],
            f"{LEGACY_CLAIM}/secret.name": name,
            f"{LEGACY_CLAIM}/service-account.name": meta["name"],
            f"{LEGACY_CLAIM}/service-account.uid": meta.get("uid", ""),
            "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
        }
        return self._sign(claims)

    def _sign(self, claims: Object) -> str:
        return jwt.encode(claims, self._key, algorithm=self._signing.algorithm, headers={"kid": self._signing.id, "typ": None})

    def is_ours(self, token: str) -> bool:
        """Whether the token says that it is of this issuer."""
        return token in self._claims or issuer_of(token) in (self.issuer, LEGACY_ISSUER)

    def verify(self, token: str, lookup: Lookup, audiences: Sequence[str], now_s: float) -> Verified:
        """Who holds the token. Raises InvalidTokenError."""
        claims = self._verified_claims(token)
        if claims["iss"] == LEGACY_ISSUER:
            accepted = tuple(a for a in audiences or self.audiences if a in self.audiences)
            if not accepted:
                raise InvalidTokenError("token audiences are not among the wanted ones")
            return legacy.verified(token, claims, lookup, accepted)
        if not claims["nbf"] - CLOCK_SKEW_S <= now_s < claims["exp"]:
            raise InvalidTokenError("service account token has expired, or is not valid yet")
        accepted = tuple(a for a in audiences or self.audiences if a in claims["aud"])
        if not accepted:
            raise InvalidTokenError("token audiences are not among the wanted ones")
        private = claims[PRIVATE_CLAIM]
        _check_bound(private, lookup, now_s)
        return Verified(_user(claims, private), accepted, _stale(claims, private, now_s))

    def jwks(self) -> Object:
        """The public keys as a JSON Web Key Set."""
        return jwks(self._verifying.values())

    def discovery(self, jwks_uri: str) -> Object:
        """The OpenID provider document."""
        return {
            "issuer": self.issuer,
            "jwks_uri": jwks_uri,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": sorted({key.algorithm for key in self._verifying.values()}),
        }

    def _verified_claims(self, token: str) -> Object:
        """The claims of a token whose signature is right. Signatures are checked once per token."""
        claims = self._claims.get(token)
        if claims is not None:
            return claims
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        legacy_one = issuer_of(token) == LEGACY_ISSUER
        options["require"] = ["iss", "sub"] if legacy_one else ["exp", "iss", "sub", "nbf", "aud"]
        issuer = LEGACY_ISSUER if legacy_one else self.issuer
        claims = self._decoded(token, issuer, options)
        (legacy.check_shape if legacy_one else _check_shape)(claims)
        if len(self._claims) >= KEPT_TOKENS:
            self._claims.clear()
        self._claims[token] = claims
        return claims

    def _decoded(self, token: str, issuer: str, options: Any) -> Object:
        """The claims, if the key that the token names signed them; any of ours where it names none, or another one."""
        try:
            named = jwt.get_unverified_header(token).get("kid", "")
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise InvalidTokenError(str(error)) from error
        known = self._verifying.get(named)
        why: Exception | None = None
        for key in [known] if known else self._verifying.values():
            try:
                claims: Object = jwt.decode(token, key.key, algorithms=[key.algorithm], issuer=issuer, options=options)
            except (jwt.PyJWTError, ValueError, RecursionError) as error:
                why = error
            else:
                return claims
        raise InvalidTokenError(str(why)) from why


def issuer_of(token: str) -> str:
    """Who issued a token by its own word, "" where it does not say or is none."""
    try:
        claims: Any = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):  # What nests too deep is no token either.
        return ""
    issuer = claims.get("iss")
    return issuer if isinstance(issuer, str) else ""


def credential_id(token: str) -> str:
    """How the audit log calls a token: `JTI=...`."""
    claims: Any = jwt.decode(token, options={"verify_signature": False})
    return f"JTI={claims['jti']}"


def _check_shape(claims: Object) -> None:
    """The signature was right, so these are ours; a claim may still be of another use of the same key."""
    private = claims.get(PRIVATE_CLAIM)
    if not isinstance(private, dict) or not isinstance(claims["aud"], list):
        raise InvalidTokenError("the token has no service account")
    account = private.get("serviceaccount", {})
    if claims["sub"] != f"system:serviceaccount:{private.get('namespace')}:{account.get('name')}":
        raise InvalidTokenError("the subject is not the service account")


def _check_bound(private: Object, lookup: Lookup, now_s: float) -> None:
    """All that the token is bound to must be there, be the same object, and not be gone for long."""
    namespace = private["namespace"]
    bound = [("serviceaccounts", namespace, private["serviceaccount"])]
    if "secret" in private:
        bound.append(("secrets", namespace, private["secret"]))
    if "pod" in private:
        bound.append(("pods", namespace, private["pod"]))
    elif "node" in private:
        bound.append(("nodes", "", private["node"]))
    for resource, where, ref in bound:
        found = lookup.get(resource, where, ref["name"])
        if found is None or found["metadata"].get("uid") != ref["uid"]:
            raise InvalidTokenError(f"{resource} {where}/{ref['name']} of the token is gone")
        deleted = found["metadata"].get("deletionTimestamp")
        if deleted and parse_rfc3339(deleted) + DELETION_LEEWAY_S < now_s:
            raise InvalidTokenError(f"{resource} {where}/{ref['name']} of the token has been deleted")


def _stale(claims: Object, private: Object, now_s: float) -> tuple[tuple[str, str], ...]:
    """What the audit log is told of a token that its pod should have renewed by now."""
    warn_after = private.get("warnafter")
    if not isinstance(warn_after, int) or now_s <= warn_after:
        return ()
    late_s = int(now_s) - warn_after
    return ((STALE, f"subject: {claims['sub']}, seconds after warning threshold: {late_s}"),)


def _user(claims: Object, private: Object) -> User:
    namespace = private["namespace"]
    extra: dict[str, tuple[str, ...]] = {}
    if "jti" in claims:
        extra[CREDENTIAL_ID] = (f"JTI={claims['jti']}",)
    for kind in ("node", "pod"):
        if kind in private:
            extra[f"{EXTRA_PREFIX}{kind}-name"] = (private[kind]["name"],)
            if private[kind].get("uid"):
                extra[f"{EXTRA_PREFIX}{kind}-uid"] = (private[kind]["uid"],)
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return User(claims["sub"], private["serviceaccount"]["uid"], groups, extra)
