"""`pods/ephemeralcontainers`: add a debugging container to a pod that runs (KEP-277)."""

from corral.server.core import Core
from corral.server.request import Request, Response
from corral.server.subresources import status


async def handle(core: Core, request: Request) -> Response:
    """GET, PUT and PATCH; the kind's rules let nothing else of the pod change."""
    return await status.handle(core, request)
