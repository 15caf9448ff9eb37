"""An agent that is asked for folders, and is not to be trusted."""

import asyncio
import ssl
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web

from corral.server.nodefolders import folder
from corral.server.nodes import Agent
from corral.server.streams.relay import Relay


class Plain(Agent):
    """An agent without TLS."""

    @property
    def url(self) -> str:
        return super().url.replace("https", "http")


def ask(answer: Any, what: Any = "make") -> tuple[str, list[str]]:
    """What an agent is asked for that answers so, and what the server makes of it."""
    asked: list[str] = []

    async def agent(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(f"{request.method} {request.path}")
        return answer() if asked[1:] == [] else web.Response(text="/x/pvc-1\n")  # type: ignore[no-any-return]

    async def run() -> str:
        server = web.Server(agent)
        listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        relay = Relay()
        nodes: Any = SimpleNamespace(agent=lambda name: Plain("127.0.0.1", port, ssl.create_default_context()))
        try:
            return await folder(nodes, relay, what, "n1", "pvc-1")
        except OSError as error:
            return f"OSError: {error}"
        finally:
            await relay.close()
            listener.close()
            await server.shutdown(0)

    return asyncio.run(run()), asked


def test_the_path_is_the_agents() -> None:
    made = ask(lambda: web.Response(text="/data/node/persistent/pvc-1\n"))
    assert made == ("/data/node/persistent/pvc-1", ["PUT /volumes/pvc-1"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_agent_leads_the_server_on_to_another(status: int) -> None:
    """With the server's certificate, it could have another node's volume removed."""
    made, asked = ask(lambda: web.Response(status=status, headers={"Location": "/volumes/another"}), "remove")
    assert made.startswith('OSError: node "n1":')
    assert asked == ["DELETE /volumes/pvc-1"]


@pytest.mark.parametrize("path", ["/", "/etc", "pvc-1", "/x/pvc-10", "/x/../pvc-1", "/x/pvc-1/..", ""])
def test_a_folder_of_another_name_is_not_the_volumes(path: str) -> None:
    """A node that says it is another one would have that one's root mounted."""
    made, _ = ask(lambda: web.Response(text=path))
    assert "is no folder for volume" in made


def test_an_answer_without_end_is_not_kept() -> None:
    made, _ = ask(lambda: web.Response(status=500, text="x" * 10_000_000))
    assert made.startswith("OSError") and len(made) < 10_000
