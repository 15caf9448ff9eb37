"""Subresources that are views of the object itself: status, approval, finalize, resize. The kind's rules keep the rest."""

from corral.server.core import Core
from corral.server.request import Request, Response
from corral.server.verbs import get, patch, update


async def handle(core: Core, request: Request) -> Response:
    """GET, PUT and PATCH of the object through a subresource."""
    if request.verb == "get":
        return await get.handle(core, request)
    if request.verb == "update":
        return await update.handle(core, request, request.subresource)
    return await patch.handle(core, request, request.subresource)
