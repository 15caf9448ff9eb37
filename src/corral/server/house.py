"""What the parts of a server are built from, and what they leave to be run and to be closed."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corral.base.tasks import Tasks
from corral.client.client import Client
from corral.loop.controller import Controller
from corral.server.core import Core
from corral.server.dispatch import Dispatcher
from corral.server.encryption import Sealer
from corral.server.flowcontrol import Limiter
from corral.server.lookup import CacheLookup
from corral.server.pki import Pki
from corral.server.request import User

if TYPE_CHECKING:
    from corral.server.audit import AuditLog
    from corral.server.outside import Outside
    from corral.server.webhookclient import WebhookClient


@dataclass(slots=True)
class House:
    """One server that starts: its store is open and its cache full, nobody is let in yet. See `parts.build`."""

    core: Core
    keys: Pki
    sealer: Sealer
    dispatcher: Dispatcher
    limiter: Limiter
    lookup: CacheLookup
    #: The server as a client of its own API.
    client: Client
    #: Tokens by their digests, beside those of the token file.
    static_tokens: Mapping[bytes, User] | None
    tasks: Tasks
    #: Those that run in this process, for the metrics of their queues.
    controllers: list[Controller]
    #: What is closed in the end, the last first.
    closing: AsyncExitStack
    #: All that lies in the store is sealed as it is to be.
    encrypted: asyncio.Event = field(default_factory=asyncio.Event)
    #: Made by the first parts for later ones.
    webhooks: "WebhookClient" = field(init=False)
    outside: "Outside" = field(init=False)
    audit_log: "AuditLog" = field(init=False)

    def control(self, *controllers: Controller) -> None:
        """Run controllers as long as the server runs."""
        self.controllers.extend(controllers)
        for controller in controllers:
            self.tasks.keep(controller.name, controller.run)
