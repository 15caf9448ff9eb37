"""Starting, and failing to."""

import asyncio
import socket

import pytest

from corral.base.errors import CorralError
from corral.server.api import ApiServer
from corral.server.config import ServerConfig
from corral.store.sqlite import SqliteStore


def test_a_taken_port_is_told_in_one_line_and_the_server_can_be_stopped(tmp_path):
    async def tell():
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            store = await SqliteStore.open(tmp_path / "store.db")
            server = ApiServer(ServerConfig(tmp_path, port=port), store)
            with pytest.raises(CorralError, match=f"cannot listen on 127.0.0.1:{port}") as refused:
                await server.start()
            assert "--port" in refused.value.remedy
            await server.stop()
            await store.close()

    asyncio.run(tell())
