"""What a request costs, and what it does not: seats.

A list costs one for every so many objects, because that is what its work grows with; everything else costs one.
"""

from corral.server.core import Core
from corral.server.paths import is_true
from corral.server.request import Request

#: Seats of the whole server, shared out to the priority levels (docs/decisions).
TOTAL = 120
OBJECTS_PER_SEAT = 100
#: Requests that last as long as their clients like, and whose work is not in the event loop.
LONG_RUNNING = frozenset({"attach", "exec", "log", "portforward", "proxy"})
#: Verbs whose requests may cost more than one seat.
WEIGHED = frozenset({"deletecollection", "list", "watch"})


def is_long_running(request: Request) -> bool:
    """Whether it is not counted at all; a watch is, until it has begun."""
    return request.subresource in LONG_RUNNING


def cost(core: Core, request: Request) -> int:
    """The seats that a request takes while it is worked on."""
    resource, verb = request.resource, request.verb
    if verb not in WEIGHED or resource is None or resource.is_foreign or request.subresource:
        return 1
    if verb == "list":
        count = _count(core, request)
        limit = request.query.get("limit", "") if request.query else ""
        if limit.isascii() and limit.isdigit() and int(limit[:9]):
            count = min(count, int(limit[:9]))
    elif verb == "deletecollection" or is_true(request.query.get("sendInitialEvents")):
        count = _count(core, request)
    else:
        return 1
    return 1 + max(0, count - 1) // OBJECTS_PER_SEAT


def _count(core: Core, request: Request) -> int:
    assert request.resource is not None
    collection = core.collection(request.resource)
    namespaced = request.namespace and request.resource.namespaced
    return collection.count(request.namespace) if namespaced else len(collection)
