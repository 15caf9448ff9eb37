"""A real API server in this process, over a store on disk: `async with running_server(tmp_path) as server`."""

import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.https import HttpsTransport
from corral.server.api import ApiServer
from corral.server.authentication.bearer import digest
from corral.server.config import ServerConfig
from corral.server.request import LOOPBACK, User
from corral.store.sqlite import SqliteStore

ADMIN = User("admin", groups=("system:masters",))


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers. `token` is an administrator's; so is the client certificate."""

    api: ApiServer
    url: str
    token: str
    ca: Path
    certificate: Path
    key: Path

    def client(self, manager: str = "test", user: User = LOOPBACK) -> Client:
        """The API without HTTP."""
        return Client(self.api.local(user, manager), self.api.core.catalog, manager)

    def https(self, manager: str = "test", token: str = "") -> Client:
        """The API over HTTPS with a bearer token, the administrator's unless another is given. Close it."""
        headers = {"Authorization": f"Bearer {token or self.token}", "User-Agent": manager}
        return Client(HttpsTransport(self.url, self.tls(), headers), self.api.core.catalog, manager)

    def tls(self) -> ssl.SSLContext:
        """What a client needs to trust the server."""
        return ssl.create_default_context(cafile=str(self.ca))


@asynccontextmanager
async def running_server(
    data_dir: Path, *, clock: Clock | None = None, users: dict[str, User] | None = None, port: int = 0
) -> AsyncIterator[RunningServer]:
    """Start a server on a free port of the loopback and stop it in the end. `users` are more users by their tokens."""
    token = secrets.token_urlsafe(16)
    tokens = {digest(text): user for text, user in {token: ADMIN, **(users or {})}.items()}
    config = ServerConfig(data_dir, port=port)
    (data_dir / "server").mkdir(parents=True, exist_ok=True)
    store = await SqliteStore.open(data_dir / "server" / "store.db")
    try:
        api = ApiServer(config, store, clock, static_tokens=tokens)
        await api.start()
        try:
            pki = config.pki_dir
            yield RunningServer(api, api.url, token, pki / "ca.crt", pki / "admin.crt", pki / "admin.key")
        finally:
            await api.stop()
    finally:
        await store.close()
