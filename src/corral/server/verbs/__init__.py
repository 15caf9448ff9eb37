"""One module a verb. Each has `handle`, from a Request to a Response; `VERBS` is the list of them."""

from collections.abc import Awaitable, Callable, Mapping

from corral.server.core import Core
from corral.server.request import Request, Response
from corral.server.verbs import create, delete, deletecollection, get, list, patch, update, watch

Handler = Callable[[Core, Request], Awaitable[Response]]

VERBS: Mapping[str, Handler] = {
    "create": create.handle,
    "delete": delete.handle,
    "deletecollection": deletecollection.handle,
    "get": get.handle,
    "list": list.handle,
    "patch": patch.handle,
    "update": update.handle,
    "watch": watch.handle,
}
