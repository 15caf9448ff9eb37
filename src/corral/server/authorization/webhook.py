"""A service outside that is asked what nobody here allows: by SubjectAccessReviews, whose answers are remembered for a while.

The kubeconfig `config/authorization-webhook.kubeconfig` says where it is. See
https://kubernetes.io/docs/reference/access-authn-authz/webhook/.
"""

import logging
from typing import Any

import orjson

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.base.clock import Clock
from corral.client.transport import Call, Transport
from corral.server.authorization.attributes import Attributes

log = logging.getLogger(__name__)

API_VERSION = "authorization.k8s.io/v1"
ALLOWED_KEPT_S = 300.0
REFUSED_KEPT_S = 30.0
KEPT_ANSWERS = 4096
_RESOURCE_FIELDS = ("verb", "group", "version", "resource", "subresource", "namespace", "name")


class AccessWebhook:
    """Asks the service. One that does not answer has no opinion, which is a refusal."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._transport = transport
        self._clock = clock
        self._answers: dict[bytes, tuple[bool, str, float]] = {}

    async def allows(self, attributes: Attributes) -> tuple[bool, str]:
        """Whether it may be done, and why or why not."""
        spec = orjson.dumps(review_spec(attributes), option=orjson.OPT_SORT_KEYS)
        now_s = self._clock.now()
        kept = self._answers.get(spec)
        if kept is not None and now_s < kept[2]:
            return kept[:2]
        body = b'{"kind":"SubjectAccessReview","apiVersion":"%b","metadata":{},"spec":%b}' % (API_VERSION.encode(), spec)
        try:
            status: dict[str, Any] = orjson.loads(await self._transport.call(Call("POST", "", {}, body)))["status"]
            allowed, reason = status.get("allowed") is True and not status.get("denied"), str(status.get("reason") or "")
        except (ApiError, OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("the authorization webhook does not answer as it should: %s", error or type(error).__name__)
            return False, ""
        if len(self._answers) >= KEPT_ANSWERS:
            self._answers.clear()
        self._answers[spec] = allowed, reason, now_s + (ALLOWED_KEPT_S if allowed else REFUSED_KEPT_S)
        return allowed, reason

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()


def review_spec(attributes: Attributes) -> Object:
    """The question as the spec of a SubjectAccessReview."""
    user = attributes.user
    spec: Object = {"user": user.name, "groups": list(user.groups)}
    if user.uid:
        spec["uid"] = user.uid
    if user.extra:
        spec["extra"] = {key: list(values) for key, values in user.extra.items()}
    if not attributes.resource:
        spec["nonResourceAttributes"] = {"path": attributes.path, "verb": attributes.verb}
        return spec
    asked: Object = {name: value for name in _RESOURCE_FIELDS if (value := getattr(attributes, name))}
    if attributes.field_selector:
        asked["fieldSelector"] = {"rawSelector": attributes.field_selector}
    spec["resourceAttributes"] = asked
    return spec
