"""DELETE of a collection: every object that the selectors choose."""

import asyncio

from msgspec.structs import replace

from corral.api.errors import ApiError
from corral.server import lists
from corral.server.core import Core
from corral.server.deletion import DeleteOptions, warn
from corral.server.options import ListOptions
from corral.server.represent import respond, wanted_by
from corral.server.request import Request, Response
from corral.server.selection import selection_of
from corral.server.verbs.list import page_of

AT_ONCE = 16


async def handle(core: Core, request: Request) -> Response:
    """Delete them, some at once; the answer is the list of what was there."""
    resource = request.resource
    assert resource is not None
    want = wanted_by(request)
    options = DeleteOptions.of(request)
    warn(request, resource, options)
    selection = selection_of(core, request, by_namespace=False)
    page = await page_of(core, request, ListOptions.of(request), selection)
    turns = asyncio.Semaphore(AT_ONCE)

    async def delete(namespace: str, name: str) -> None:
        async with turns:
            try:
                await core.deletions.delete(replace(request, namespace=namespace, name=name), resource, name, options)
            except ApiError as error:
                if error.code != 404:
                    raise

    await asyncio.gather(*(delete(item.namespace, item.name) for item in page.items))
    if want.view:
        return respond(request, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, want)
    return await lists.objects(core, request, resource, want, page)
