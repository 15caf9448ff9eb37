"""Tokens that a service outside knows: it is asked by TokenReviews, and its answers are remembered for a while.

The kubeconfig `config/token-webhook.kubeconfig` says where it is and how to prove who asks. See
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#webhook-token-authentication.
"""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import orjson

from corral.api.errors import ApiError
from corral.base.clock import Clock
from corral.client.transport import Call, Transport
from corral.server.authentication.verdicts import InvalidTokenError, Verified
from corral.server.request import User

log = logging.getLogger(__name__)

API_VERSION = "authentication.k8s.io/v1"
KEPT_S = 120.0
KEPT_ANSWERS = 4096


class TokenWebhook:
    """Asks the service. `audiences` are the API server's own, for services that know of none."""

    def __init__(self, transport: Transport, clock: Clock, audiences: Sequence[str]) -> None:
        self._transport = transport
        self._clock = clock
        self._audiences = tuple(audiences)
        self._answers: dict[tuple[bytes, tuple[str, ...]], tuple[Verified | None, float]] = {}

    async def verify(self, token: str, audiences: tuple[str, ...]) -> Verified | None:
        """Who holds the token, None where the service knows nobody. Raises InvalidTokenError where it does not answer."""
        key = (hashlib.sha256(token.encode()).digest(), audiences)
        now_s = self._clock.now()
        kept = self._answers.get(key)
        if kept is not None and now_s < kept[1]:
            return kept[0]
        verified = await self._ask(token, audiences)
        if len(self._answers) >= KEPT_ANSWERS:
            self._answers.clear()
        self._answers[key] = verified, now_s + KEPT_S
        return verified

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def _ask(self, token: str, audiences: tuple[str, ...]) -> Verified | None:
        review = {
            "kind": "TokenReview",
            "apiVersion": API_VERSION,
            "metadata": {},
            "spec": {"token": token, "audiences": audiences},
        }
        try:
            answer = orjson.loads(await self._transport.call(Call("POST", "", {}, orjson.dumps(review))))
            return self._verified(answer.get("status") or {}, audiences)
        except (ApiError, OSError, TimeoutError, ValueError, AttributeError, TypeError, KeyError) as error:
            log.warning("the token webhook does not answer as it should: %s", error or type(error).__name__)
            raise InvalidTokenError("the token webhook does not answer") from error

    def _verified(self, status: dict[str, Any], audiences: tuple[str, ...]) -> Verified | None:
        if status.get("authenticated") is not True:
            return None
        found = status["user"]
        extra = {key: tuple(values) for key, values in (found.get("extra") or {}).items()}
        user = User(found["username"], found.get("uid", ""), tuple(found.get("groups") or ()), extra)
        known = status.get("audiences") or self._audiences
        accepted = tuple(audience for audience in audiences if audience in known)
        return Verified(user, accepted) if accepted else None
