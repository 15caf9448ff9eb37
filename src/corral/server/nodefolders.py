"""Asks a node's agent to make or remove the folder of a PersistentVolume on its disk.

The controllers decide when (`controllers.volume_provisioner`); the agent, where (`node.volumes.persistent`). An agent is not
believed everything: it leads nobody on to another agent, and a folder that is not called like the volume is not its folder.
"""

import posixpath
from typing import Literal

from aiohttp import ClientError, ClientTimeout

from corral.api.errors import ApiError
from corral.server.answers import read_up_to
from corral.server.nodes import Nodes
from corral.server.streams.relay import Relay

#: A large folder takes its time to be removed; a node that is there takes a connection at once.
TIMEOUT_S = 600.0
CONNECT_TIMEOUT_S = 10.0
#: Of an answer: a path, or why there is none.
LIMIT_BYTES = 8 * 1024
_METHODS = {"make": "PUT", "remove": "DELETE"}


async def folder(nodes: Nodes, relay: Relay, what: Literal["make", "remove"], node: str, volume: str) -> str:
    """The folder's path on the node. Raises ApiError (404) where there is no such node, OSError with why it did not work."""
    try:
        agent = nodes.agent(node)
        url = f"{agent.url}/volumes/{volume}"
        timeout = ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S)
        asking = relay.session.request(_METHODS[what], url, ssl=agent.tls, timeout=timeout, allow_redirects=False)
        async with asking as answer:
            text = (await read_up_to(answer, LIMIT_BYTES)).decode(errors="replace")[:LIMIT_BYTES].strip()
    except ApiError as error:
        if error.code == 404:
            raise
        raise OSError(error.message) from error
    except (ClientError, TimeoutError) as error:
        raise OSError(f'node "{node}" cannot be asked: {str(error) or type(error).__name__}') from error
    if answer.status != 200:
        raise OSError(f'node "{node}": {text or answer.status}')
    if not text.startswith("/") or posixpath.normpath(text) != text or posixpath.basename(text) != volume:
        raise OSError(f'node "{node}": {text!r} is no folder for volume "{volume}"')
    return text
