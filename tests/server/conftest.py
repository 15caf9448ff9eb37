"""A real server a test, told a story."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest

from corral.api.objects import Object
from corral.testing.server import RunningServer, running_server

Story = Callable[[Callable[[RunningServer], Awaitable[None]]], None]


@pytest.fixture
def story(tmp_path) -> Story:
    """Run an async function with a running server."""

    def tell(what: Callable[[RunningServer], Awaitable[None]]) -> None:
        async def run() -> None:
            async with asyncio.timeout(30), running_server(tmp_path) as server:
                await what(server)

        asyncio.run(run())

    return tell


async def until(holds: Callable[[], object]) -> None:
    """Return when it is so."""
    async with asyncio.timeout(10):
        for _ in itertools.count():
            if holds():
                return
            await asyncio.sleep(0.01)


def config_map(name: str, data: dict[str, str] | None = None, **meta: object) -> Object:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, **meta}, "data": data or {}}
