"""Where a probe connects: a port by number or by the name that the container gives it; and why it could not."""

import os
from typing import Any

from corral.api.objects import Object


def port_number(container: Object, port: Any) -> int:
    """The number of `port`. Raises ValueError where the container has no port of that name."""
    if isinstance(port, int):
        return port
    for entry in container.get("ports") or ():
        if entry.get("name") == port:
            return int(entry["containerPort"])
    if str(port).isdigit():
        return int(port)
    raise ValueError(f"couldn't find port {port} in container {container['name']}")


def dial_error(host: str, port: int, error: OSError) -> str:
    """What people read of a connection that did not come to be: `dial tcp 10.0.0.5:80: connect: connection refused`."""
    # asyncio puts a text of its own where the system's would be.
    text = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"dial tcp {host}:{port}: connect: {text}"
