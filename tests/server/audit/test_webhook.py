"""Audit events go to a service outside in batches, and no request waits for it."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from tests.server.authentication.provider import serving, serving_tls, webhook_config

from corral.api.errors import ApiError
from corral.client.transport import Call
from corral.server.audit.webhook import BATCH_EVENTS, KEPT_EVENTS, TRIES, AuditWebhook
from corral.testing.clock import VirtualClock
from corral.testing.server import running_server


class Service:
    """Takes lists of events, unless it is told to fail."""

    def __init__(self) -> None:
        self.lists: list[list[Any]] = []
        self.failures: list[Exception] = []
        self.calls = 0

    async def call(self, call: Call) -> bytes:
        self.calls += 1
        if self.failures:
            raise self.failures.pop()
        assert call.body is not None
        found = orjson.loads(call.body)
        assert (found["kind"], found["apiVersion"]) == ("EventList", "audit.k8s.io/v1")
        self.lists.append(found["items"])
        return b""

    async def close(self) -> None:
        """Nothing."""


def test_events_wait_for_each_other_and_full_batches_do_not() -> None:
    async def story() -> None:
        service, clock = Service(), VirtualClock()
        webhook = AuditWebhook(service, clock)  # type: ignore[arg-type]
        running = asyncio.create_task(webhook.run())
        webhook.write(b'{"n":1}')
        webhook.write(b'{"n":2}')
        await clock.advance(29)
        assert service.lists == []
        await clock.advance(1)
        assert service.lists == [[{"n": 1}, {"n": 2}]]
        for n in range(BATCH_EVENTS + 1):
            webhook.write(b'{"n":%d}' % n)
        await clock.advance(0)
        assert len(service.lists[-1]) == BATCH_EVENTS
        await clock.advance(30)
        assert service.lists[-1] == [{"n": BATCH_EVENTS}]
        running.cancel()

    asyncio.run(story())


def test_a_service_that_is_away_is_tried_again_and_then_given_up() -> None:
    async def story() -> None:
        service, clock = Service(), VirtualClock()
        webhook = AuditWebhook(service, clock)  # type: ignore[arg-type]
        service.failures = [OSError("away")]
        webhook.write(b"{}")
        sending = asyncio.create_task(webhook.flush())
        await clock.advance(10)
        await sending
        assert (service.lists, webhook.lost) == ([[{}]], 0)
        service.failures = [OSError("away")] * TRIES
        webhook.write(b"{}")
        sending = asyncio.create_task(webhook.flush())
        await clock.advance(1000)
        await sending
        assert (len(service.lists), webhook.lost) == (1, 1)
        service.failures = [ApiError(400, "BadRequest", "no")]
        webhook.write(b"{}")
        await webhook.flush()
        assert (service.failures, webhook.lost) == ([], 2)

    asyncio.run(story())


def test_a_slow_service_makes_nothing_grow() -> None:
    async def story() -> None:
        webhook = AuditWebhook(Service(), VirtualClock())  # type: ignore[arg-type]
        for _ in range(KEPT_EVENTS + 3):
            webhook.write(b"{}")
        assert webhook.lost == 3

    asyncio.run(story())


def test_a_server_sends_its_events_over_tls(tmp_path: Path) -> None:
    async def story() -> None:
        came: list[Any] = []
        some = asyncio.Event()

        async def take(request: web.Request) -> web.Response:
            came.extend((await request.json())["items"])
            some.set()
            return web.Response()

        tls, authority = serving_tls(tmp_path / "service")
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/events", take)
        async with asyncio.timeout(30), serving(app, tls) as port:
            webhook_config(tmp_path, "audit-webhook", f"https://127.0.0.1:{port}/events", authority)
            async with running_server(tmp_path) as server:
                await server.client("me").create("configmaps", {"metadata": {"name": "a", "namespace": "default"}})
            await some.wait()
        assert any(event["userAgent"] == "me" and event["verb"] == "create" for event in came)

    asyncio.run(story())
