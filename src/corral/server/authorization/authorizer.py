"""The authorizers in their order: the group system:masters may do all, nodes what their pods need, the rest by RBAC."""

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from corral.api import errors
from corral.api.errors import ApiError
from corral.server.authorization.attributes import Attributes
from corral.server.authorization.node import NodeAuthorizer
from corral.server.authorization.rbac import Rbac
from corral.server.lookup import Lookup

if TYPE_CHECKING:
    from corral.server.authorization.webhook import AccessWebhook

PRIVILEGED_GROUP = "system:masters"


class Verdict(Enum):
    """What an authorizer says; nobody's opinion is a refusal."""

    ALLOW = "Allow"
    NO_OPINION = "NoOpinion"


class Decision(NamedTuple):
    """A verdict and why."""

    verdict: Verdict
    reason: str = ""

    @property
    def allowed(self) -> bool:
        """Whether to go on."""
        return self.verdict is Verdict.ALLOW


PRIVILEGED = Decision(Verdict.ALLOW)


class Authorizer:
    """The chain. `rbac` is also asked for rules by reviews and by the escalation check."""

    def __init__(self, lookup: Lookup) -> None:
        self.rbac = Rbac(lookup)
        self.node = NodeAuthorizer(lookup)
        #: Asked last; None where none is configured.
        self.webhook: AccessWebhook | None = None

    def decide(self, attributes: Attributes) -> Decision:
        """Whether it may be done, as far as this server knows by itself."""
        if PRIVILEGED_GROUP in attributes.user.groups:
            return PRIVILEGED
        node = self.node.decide(attributes)
        if node.allowed:
            return Decision(Verdict.ALLOW, node.reason)
        rbac = self.rbac.decide(attributes)
        if rbac.allowed:
            return Decision(Verdict.ALLOW, rbac.reason)
        return Decision(Verdict.NO_OPINION, "\n".join(r for r in (node.reason, rbac.reason) if r))

    async def ask(self, attributes: Attributes) -> Decision:
        """Whether it may be done; what nobody here allows, the webhook may, if there is one."""
        decision = self.decide(attributes)
        if decision.allowed or self.webhook is None:
            return decision
        allowed, reason = await self.webhook.allows(attributes)
        if allowed:
            return Decision(Verdict.ALLOW, reason)
        return Decision(Verdict.NO_OPINION, "\n".join(r for r in (decision.reason, reason) if r))

    async def require(self, attributes: Attributes) -> None:
        """Raise the 403 of what may not be done."""
        decision = await self.ask(attributes)
        if not decision.allowed:
            raise forbidden(attributes, decision.reason)

    async def require_also(self, attributes: Attributes, verb: str) -> None:
        """Raise the 403 of a request whose own verb was allowed, and that does what `verb` stands for as well."""
        decision = await self.ask(attributes._replace(verb=verb))
        if not decision.allowed:
            raise errors.forbidden(attributes.resource, attributes.group, attributes.name, decision.reason)


def forbidden(attributes: Attributes, reason: str = "") -> ApiError:
    """The 403 as apiserver's `responsewriters.ForbiddenStatusError` words it."""
    user = attributes.user.name
    tail = f": {reason}" if reason else ""
    if not attributes.resource:
        why = f'User "{user}" cannot {attributes.verb} path "{attributes.path}"{tail}'
        return ApiError(403, "Forbidden", f"forbidden: {why}", {})
    where = f'in the namespace "{attributes.namespace}"' if attributes.namespace else "at the cluster scope"
    what = f'cannot {attributes.verb} resource "{attributes.combined}" in API group "{attributes.group}" {where}'
    return errors.forbidden(attributes.resource, attributes.group, attributes.name, f'User "{user}" {what}{tail}')
