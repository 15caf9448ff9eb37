"""Service account tokens of pods: asked for through TokenRequest, and again when four fifths of their life have passed.

https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
"""

import random

from msgspec import Struct

from corral.api.objects import Object
from corral.base.clock import Clock, parse_rfc3339
from corral.client.client import Client

DEFAULT_EXPIRATION_S = 3600
RENEW_SHARE = 0.8
RENEW_AGE_S = 24 * 3600.0
JITTER_S = 10.0


class Token(Struct, frozen=True):
    """A token and when to ask for the next (seconds since the epoch)."""

    text: str
    renew_at_s: float


class Tokens:
    """Tokens by pod, volume and source, kept until they are due for renewal."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._kept: dict[tuple[str, str, int], Token] = {}

    async def get(self, pod: Object, volume: str, index: int, source: Object) -> Token:
        """The token of one projected source. Raises ApiError, OSError."""
        key = (pod["metadata"]["uid"], volume, index)
        kept = self._kept.get(key)
        now_s = self._clock.now()
        if kept is not None and now_s < kept.renew_at_s:
            return kept
        meta = pod["metadata"]
        spec: Object = {
            "expirationSeconds": source.get("expirationSeconds") or DEFAULT_EXPIRATION_S,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]},
        }
        if source.get("audience"):
            spec["audiences"] = [source["audience"]]
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec}
        account = pod["spec"].get("serviceAccountName") or "default"
        answer = await self._client.create("serviceaccounts", request, meta["namespace"], name=account, subresource="token")
        ends_s = parse_rfc3339(answer["status"]["expirationTimestamp"])
        lives_s = min((ends_s - now_s) * RENEW_SHARE, RENEW_AGE_S)
        token = Token(answer["status"]["token"], now_s + max(1.0, lives_s - random.uniform(0, JITTER_S)))
        self._kept[key] = token
        return token

    def release(self, uid: str) -> None:
        """Forget the tokens of pod `uid`."""
        for key in [key for key in self._kept if key[0] == uid]:
            del self._kept[key]
