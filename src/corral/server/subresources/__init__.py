"""One module a subresource. `SUBRESOURCES` maps their names to handlers, which are imported when first asked for."""

from collections.abc import Awaitable, Callable
from functools import cache
from importlib import import_module

from corral.api.errors import no_such_resource
from corral.server.core import Core
from corral.server.request import Request, Response

Handler = Callable[[Core, Request], Awaitable[Response]]

_MODULES = {
    "approval": "status",
    "attach": "connect",
    "binding": "binding",
    "ephemeralcontainers": "ephemeralcontainers",
    "eviction": "eviction",
    "exec": "connect",
    "finalize": "status",
    "log": "log",
    "portforward": "connect",
    "proxy": "proxy",
    "resize": "status",
    "scale": "scale",
    "status": "status",
    "token": "token",
}


@cache
def handler(subresource: str) -> Handler:
    """The handler of a subresource. Raises ApiError (404)."""
    module = _MODULES.get(subresource)
    if module is None:
        raise no_such_resource()
    found: Handler = import_module(f"{__name__}.{module}").handle
    return found
