"""Service-account tokens that lie in Secrets (`kubernetes.io/service-account-token`): they have no end but their Secret's.

Filled in by the tokens controller. See
https://kubernetes.io/docs/concepts/security/service-accounts/#get-a-token and KEP-2799.
"""

import base64
import hmac

from corral.api.objects import Object
from corral.server.authentication.verdicts import InvalidTokenError, Verified
from corral.server.lookup import Lookup
from corral.server.request import User

LEGACY_ISSUER = "kubernetes/serviceaccount"
LEGACY_CLAIM = "kubernetes.io/serviceaccount"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
NOTE = "authentication.k8s.io/legacy-token"


def check_shape(claims: Object) -> None:
    """Raise InvalidTokenError where the subject is not the service account that the other claims name."""
    namespace, name = claims.get(f"{LEGACY_CLAIM}/namespace"), claims.get(f"{LEGACY_CLAIM}/service-account.name")
    if claims["sub"] != f"system:serviceaccount:{namespace}:{name}":
        raise InvalidTokenError("the subject is not the service account")


def verified(token: str, claims: Object, lookup: Lookup, audiences: tuple[str, ...]) -> Verified:
    """Who holds the token; its Secret must hold it still. Raises InvalidTokenError."""
    namespace, name = claims[f"{LEGACY_CLAIM}/namespace"], claims[f"{LEGACY_CLAIM}/service-account.name"]
    secret_name, uid = claims.get(f"{LEGACY_CLAIM}/secret.name", ""), claims.get(f"{LEGACY_CLAIM}/service-account.uid", "")
    secret = lookup.get("secrets", namespace, secret_name)
    if secret is None or "deletionTimestamp" in secret["metadata"]:
        raise InvalidTokenError("the token's Secret is gone")
    held = (secret.get("data") or {}).get("token", "")
    if not hmac.compare_digest(held.encode(), base64.b64encode(token.encode())):
        raise InvalidTokenError("the token's Secret holds another token")
    if (secret["metadata"].get("labels") or {}).get(INVALID_SINCE):
        raise InvalidTokenError("the token's Secret is marked as invalid")
    account = lookup.get("serviceaccounts", namespace, name)
    if account is None or "deletionTimestamp" in account["metadata"] or account["metadata"].get("uid", "") != uid:
        raise InvalidTokenError("the token's service account is gone")
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    user = User(claims["sub"], uid, groups)
    return Verified(user, audiences, ((NOTE, claims["sub"]),), (namespace, secret_name))
