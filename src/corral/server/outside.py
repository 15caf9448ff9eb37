"""The services outside that the server's configuration names: for audit events, tokens and authorization.

None is there by default. Not to be taken for admission webhooks, which are API objects.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from corral.base.clock import Clock
from corral.client.https import transport
from corral.server.configfiles import AUDIT_WEBHOOK, AUTHORIZATION_WEBHOOK, TOKEN_WEBHOOK

if TYPE_CHECKING:
    from corral.server.audit.webhook import AuditWebhook
    from corral.server.authentication.webhook import TokenWebhook
    from corral.server.authorization.webhook import AccessWebhook

#: How long the last audit events may take when the server stops.
FAREWELL_S = 2.0


class Outside:
    """What is configured in `folder`. `audiences` are the API server's own. Raises CorralError for a wrong kubeconfig."""

    def __init__(self, folder: Path, clock: Clock, audiences: Sequence[str]) -> None:
        self.audit = _audit(folder / AUDIT_WEBHOOK, clock)
        self.tokens = _tokens(folder / TOKEN_WEBHOOK, clock, audiences)
        self.access = _access(folder / AUTHORIZATION_WEBHOOK, clock)

    async def close(self) -> None:
        """Send the last audit events and close the connections."""
        if self.audit is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self.audit.flush()
        for service in (self.audit, self.tokens, self.access):
            if service is not None:
                await service.close()


def _audit(path: Path, clock: Clock) -> "AuditWebhook | None":
    if not path.exists():
        return None
    from corral.server.audit.webhook import AuditWebhook

    return AuditWebhook(transport(path), clock)


def _tokens(path: Path, clock: Clock, audiences: Sequence[str]) -> "TokenWebhook | None":
    if not path.exists():
        return None
    from corral.server.authentication.webhook import TokenWebhook

    return TokenWebhook(transport(path), clock, audiences)


def _access(path: Path, clock: Clock) -> "AccessWebhook | None":
    if not path.exists():
        return None
    from corral.server.authorization.webhook import AccessWebhook

    return AccessWebhook(transport(path), clock)
