"""tcpSocket: a connection that opens is a success."""

import asyncio

from corral.api.objects import Object
from corral.node.probes.ports import dial_error, port_number


async def probe(container: Object, action: Object, pod_ip: str, timeout_s: float) -> tuple[bool, str]:
    """Success and what to say of it."""
    host = action.get("host") or pod_ip
    try:
        port = port_number(container, action["port"])
    except ValueError as error:
        return False, str(error)
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return False, f"dial tcp {host}:{port}: i/o timeout"
    except OSError as error:
        return False, dial_error(host, port, error)
    writer.close()
    return True, ""
