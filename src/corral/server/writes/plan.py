"""What a write is: who writes what through which endpoint."""

from collections.abc import Callable
from typing import NamedTuple

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.request import Request

#: From the present object (the caller's own copy, in the request's version; None: there is none) to the proposed one.
Propose = Callable[[Object | None], Object]


class Face(NamedTuple):
    """Another form of an object: how to make it, and how to take over what was changed in it (in place)."""

    show: Callable[[Object], Object]
    take: Callable[[Object, Object], None]


class Plan(NamedTuple):
    """Who writes what through which endpoint."""

    request: Request
    resource: Resource
    manager: str
    dry_run: bool = False
    subresource: str = ""
    #: The proposal has its managed fields already (server-side apply).
    tracked: bool = False
    #: Admission has judged what asks for the write (a Binding), and does not look at the write as well.
    admitted: bool = False
    #: What admission sees in place of the object, through a subresource with a kind of its own.
    face: Face | None = None
