"""The port of a probe: a number, or the name of one of the container's ports."""

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
