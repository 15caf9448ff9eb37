"""A service outside that knows tokens is asked by TokenReviews."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.server.authentication.provider import Webhook, serving, serving_tls, webhook_config

from corral.api.errors import ApiError
from corral.server.authentication.verdicts import InvalidTokenError
from corral.server.authentication.webhook import TokenWebhook
from corral.testing.clock import VirtualClock
from corral.testing.server import running_server

ANN = {"authenticated": True, "user": {"username": "ann", "uid": "7", "groups": ["dev"], "extra": {"a": ["b"]}}}


def test_an_answer_is_remembered_for_two_minutes() -> None:
    async def story() -> None:
        service, clock = Webhook(ANN), VirtualClock()
        webhook = TokenWebhook(service, clock, ("api",))  # type: ignore[arg-type]
        for _ in range(3):
            verified = await webhook.verify("hush", ("api",))
            assert verified is not None
            assert (verified.user.name, verified.user.extra, verified.audiences) == ("ann", {"a": ("b",)}, ("api",))
        assert len(service.asked) == 1
        assert service.asked[0]["spec"] == {"token": "hush", "audiences": ["api"]}
        service.status = {"authenticated": False}
        await clock.advance(120)
        assert await webhook.verify("hush", ("api",)) is None

    asyncio.run(story())


@pytest.mark.parametrize("status", [OSError("gone"), ApiError(500, "InternalError", "no"), {"authenticated": True}, [1]])
def test_no_good_answer_is_no_user_and_is_not_remembered(status: Any) -> None:
    async def story() -> None:
        service = Webhook(status)
        webhook = TokenWebhook(service, VirtualClock(), ("api",))  # type: ignore[arg-type]
        for _ in range(2):
            with pytest.raises(InvalidTokenError):
                await webhook.verify("hush", ("api",))
        assert len(service.asked) == 2

    asyncio.run(story())


def test_the_audiences_are_those_that_the_service_and_we_know() -> None:
    async def story() -> None:
        webhook = TokenWebhook(Webhook({**ANN, "audiences": ["b", "c"]}), VirtualClock(), ("api",))  # type: ignore[arg-type]
        verified = await webhook.verify("hush", ("a", "b"))
        assert verified is not None
        assert verified.audiences == ("b",)
        assert await webhook.verify("hush", ("a",)) is None

    asyncio.run(story())


def test_a_server_asks_over_tls_whom_its_kubeconfig_names(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        review = await request.json()
        known = review["spec"]["token"] == "hush" and request.path == "/authenticate"
        return web.json_response({**review, "status": ANN if known else {"authenticated": False}})

    async def story() -> None:
        tls, authority = serving_tls(tmp_path / "service")
        app = web.Application()
        app.router.add_post("/authenticate", answer)
        async with asyncio.timeout(30), serving(app, tls) as port:
            webhook_config(tmp_path, "token-webhook", f"https://127.0.0.1:{port}/authenticate", authority)
            async with running_server(tmp_path) as server:
                connector = aiohttp.TCPConnector(ssl=server.tls())
                async with aiohttp.ClientSession(server.url, connector=connector) as http:
                    for token, status in (("hush", 403), ("else", 401)):
                        headers = {"Authorization": f"Bearer {token}"}
                        async with http.get("/api/v1/nodes", headers=headers) as found:
                            assert found.status == status
                            if status == 403:
                                assert 'User "ann" cannot list' in (await found.json())["message"]

    asyncio.run(story())
