"""An OpenID provider on the loopback: real TLS, real discovery, real keys."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import orjson
import yaml
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from corral.client.transport import Call
from corral.server import pki
from corral.server.authentication.keys import VerifyingKey, jwks


class Provider:
    """Signs tokens, publishes its keys, and counts how often it is asked for them."""

    def __init__(self, url: str, authority: str) -> None:
        self.url = url
        self.authority = authority
        self.keys = [ec.generate_private_key(ec.SECP256R1())]
        self.fetches = 0
        #: Keys of other uses.
        self.others: list[dict[str, str]] = []

    def token(self, **claims: Any) -> str:
        """A token of the newest key, good for an hour unless the claims say otherwise."""
        now_s = int(datetime.now(UTC).timestamp())
        key = self.keys[-1]
        found = {"iss": self.url, "aud": "corral", "sub": "ann", "exp": now_s + 3600, "iat": now_s, **claims}
        return jwt.encode(found, key, algorithm="ES256", headers={"kid": VerifyingKey.of(key.public_key()).id})

    async def discovery(self, _request: web.Request) -> web.Response:
        """The provider's document."""
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def jwks(self, _request: web.Request) -> web.Response:
        """The keys."""
        self.fetches += 1
        made = jwks(VerifyingKey.of(key.public_key()) for key in self.keys)
        return web.json_response({"keys": [*self.others, *made["keys"]]})


class Webhook:
    """A service that answers reviews with a status (or fails with one), and remembers what it was asked."""

    def __init__(self, status: Any) -> None:
        self.status = status
        self.asked: list[Any] = []

    async def call(self, call: Call) -> bytes:
        """The review with its answer."""
        assert call.body is not None
        self.asked.append(orjson.loads(call.body))
        if isinstance(self.status, Exception):
            raise self.status
        return orjson.dumps({"status": self.status})

    async def close(self) -> None:
        """Nothing is open."""


def webhook_config(folder: Path, name: str, url: str, authority: str) -> None:
    """Write the kubeconfig of a webhook to where a server in `folder` reads it."""
    config = pki.kubeconfig(url, authority.encode(), b"", b"", "it")
    config["users"][0]["user"] = {}
    (folder / "config").mkdir()
    (folder / "config" / f"{name}.kubeconfig").write_text(yaml.safe_dump(config))


def serving_tls(folder: Path) -> tuple[ssl.SSLContext, str]:
    """TLS for 127.0.0.1 of an authority of its own, and the PEM of that."""
    authority = pki.ensure(folder, server_hosts=(), now=datetime.now(UTC))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.server_certificate, authority.server_key)
    return tls, authority.ca_certificate.read_text()


@asynccontextmanager
async def serving(app: web.Application, tls: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve an application on a free port."""
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        assert runner.addresses
        yield runner.addresses[0][1]
    finally:
        await asyncio.wait_for(runner.cleanup(), 10)


@asynccontextmanager
async def provider(folder: Path) -> AsyncIterator[Provider]:
    """A provider that runs."""
    tls, authority = serving_tls(folder)
    app = web.Application()
    found = Provider("", authority)
    app.router.add_get("/.well-known/openid-configuration", found.discovery)
    app.router.add_get("/keys", found.jwks)
    async with serving(app, tls) as port:
        found.url = f"https://127.0.0.1:{port}"
        yield found
