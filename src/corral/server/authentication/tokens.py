"""Service-account tokens: JSON Web Tokens bound to an audience, a time, and often to a pod, Secret or node.

Issued by TokenRequest (KEP-1205, KEP-4193), checked here against the objects that they are bound to, and by anybody else with
the OpenID documents: `/.well-known/openid-configuration` and `/openid/v1/jwks`.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from corral.api.objects import Object
from corral.base.clock import parse_rfc3339
from corral.base.errors import CorralError
from corral.server.authentication.certificates import CREDENTIAL_ID
from corral.server.lookup import Lookup
from corral.server.request import User

ALGORITHM = "ES256"
#: A pod's own token is asked for with this lifetime; it is then good for a year, and its use after this is only warned of.
WARN_ONLY_LIFETIME_S = 3607
EXTENDED_LIFETIME_S = 365 * 24 * 3600
#: A token of a pod that is being deleted stays good this long after the pod's time is up.
DELETION_LEEWAY_S = 60
KEPT_TOKENS = 4096
CLOCK_SKEW_S = 10
PRIVATE_CLAIM = "kubernetes.io"
EXTRA_PREFIX = "authentication.kubernetes.io/"


class InvalidTokenError(Exception):
    """The token is not to be trusted; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Who a token is, and which of the audiences asked for it is for."""

    user: User
    audiences: tuple[str, ...]


class TokenAuthority:
    """Signs and verifies with the cluster's service-account key. `audiences` are the API server's own."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, issuer: str, audiences: Sequence[str] = ()) -> None:
        self.issuer = issuer
        self.audiences = tuple(audiences) or (issuer,)
        self._key = key
        public = key.public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self._public = public
        self.key_id = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
        self._claims: dict[str, Object] = {}

    @classmethod
    def load(cls, key_path: Path, issuer: str, audiences: Sequence[str] = ()) -> "TokenAuthority":
        """The authority with the key in this file. Raises CorralError where there is none."""
        try:
            key = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise CorralError(f"cannot read the service-account key {key_path}: {error}", "restore it from a backup") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise CorralError(f"{key_path} is not an elliptic-curve key", "restore it from a backup")
        return cls(key, issuer, audiences)

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
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self.key_id, "typ": None})

    def is_ours(self, token: str) -> bool:
        """Whether the token says that it is of this issuer."""
        if token in self._claims:
            return True
        try:
            claims: Any = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            return False
        return bool(claims.get("iss") == self.issuer)

    def verify(self, token: str, lookup: Lookup, audiences: Sequence[str], now_s: float) -> Verified:
        """Who holds the token. Raises InvalidTokenError."""
        claims = self._verified_claims(token)
        if not claims["nbf"] - CLOCK_SKEW_S <= now_s < claims["exp"]:
            raise InvalidTokenError("service account token has expired, or is not valid yet")
        accepted = tuple(a for a in audiences or self.audiences if a in claims["aud"])
        if not accepted:
            raise InvalidTokenError("token audiences are not among the wanted ones")
        private = claims[PRIVATE_CLAIM]
        _check_bound(private, lookup, now_s)
        return Verified(_user(claims, private), accepted)

    def jwks(self) -> Object:
        """The public key as a JSON Web Key Set."""
        key: Object = json.loads(ECAlgorithm.to_jwk(self._public))
        return {"keys": [{**key, "use": "sig", "kid": self.key_id, "alg": ALGORITHM}]}

    def discovery(self, jwks_uri: str) -> Object:
        """The OpenID provider document."""
        return {
            "issuer": self.issuer,
            "jwks_uri": jwks_uri,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }

    def _verified_claims(self, token: str) -> Object:
        """The claims of a token whose signature is right. Signatures are checked once per token."""
        claims = self._claims.get(token)
        if claims is not None:
            return claims
        options: Any = {"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        options["require"] = ["exp", "iss", "sub", "nbf", "aud"]
        try:
            claims = jwt.decode(token, self._public, algorithms=[ALGORITHM], issuer=self.issuer, options=options)
        except jwt.PyJWTError as error:
            raise InvalidTokenError(str(error)) from error
        _check_shape(claims)
        if len(self._claims) >= KEPT_TOKENS:
            self._claims.clear()
        self._claims[token] = claims
        return claims


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
