"""A service outside may allow what nobody here does."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.server.authentication.provider import Webhook, serving, serving_tls, webhook_config

from corral.server.authorization.attributes import Attributes
from corral.server.authorization.webhook import AccessWebhook
from corral.server.request import User
from corral.testing.clock import VirtualClock
from corral.testing.server import running_server

ANN = User("ann", "7", ("dev",), {"team": ("a",)})
ASKED = Attributes(ANN, "list", "apps", "v1", "deployments", namespace="x", field_selector="metadata.name=a")


def test_it_is_asked_in_full_and_its_answers_are_kept() -> None:
    async def story() -> None:
        service, clock = Webhook({"allowed": True, "reason": "yes"}), VirtualClock()
        webhook = AccessWebhook(service, clock)  # type: ignore[arg-type]
        for _ in range(2):
            assert await webhook.allows(ASKED) == (True, "yes")
        assert [review["spec"] for review in service.asked] == [
            {
                "user": "ann",
                "uid": "7",
                "groups": ["dev"],
                "extra": {"team": ["a"]},
                "resourceAttributes": {
                    "verb": "list",
                    "group": "apps",
                    "version": "v1",
                    "resource": "deployments",
                    "namespace": "x",
                    "fieldSelector": {"rawSelector": "metadata.name=a"},
                },
            }
        ]
        service.status = {"allowed": False, "reason": "no"}
        await clock.advance(300)
        assert await webhook.allows(ASKED) == (False, "no")
        await clock.advance(30)
        await webhook.allows(ASKED)
        assert len(service.asked) == 3

    asyncio.run(story())


@pytest.mark.parametrize("status", [OSError("gone"), {}, {"allowed": True, "denied": True}, {"allowed": "yes"}, []])
def test_no_clear_yes_is_a_no(status: Any) -> None:
    allowed, _ = asyncio.run(AccessWebhook(Webhook(status), VirtualClock()).allows(ASKED))  # type: ignore[arg-type]
    assert not allowed


def test_a_server_asks_only_about_what_it_does_not_allow_itself(tmp_path: Path) -> None:
    asked: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        review = await request.json()
        asked.append(review["spec"])
        path = (review["spec"].get("nonResourceAttributes") or {}).get("path")
        return web.json_response({**review, "status": {"allowed": path == "/metrics"}})

    async def story() -> None:
        tls, authority = serving_tls(tmp_path / "service")
        app = web.Application()
        app.router.add_post("/authorize", answer)
        async with asyncio.timeout(30), serving(app, tls) as port:
            webhook_config(tmp_path, "authorization-webhook", f"https://127.0.0.1:{port}/authorize", authority)
            async with running_server(tmp_path, users={"anns": User("ann")}) as server:
                connector = aiohttp.TCPConnector(ssl=server.tls())
                headers = {"Authorization": "Bearer anns"}
                async with aiohttp.ClientSession(server.url, headers=headers, connector=connector) as http:
                    found = {path: (await http.get(path)).status for path in ("/api", "/metrics", "/api/v1/nodes")}
        assert found == {"/api": 200, "/metrics": 200, "/api/v1/nodes": 403}
        assert [spec.get("nonResourceAttributes", spec.get("resourceAttributes")) for spec in asked] == [
            {"path": "/metrics", "verb": "get"},
            {"verb": "list", "version": "v1", "resource": "nodes"},
        ]

    asyncio.run(story())
