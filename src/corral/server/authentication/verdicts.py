"""What authentication says of a token."""

from msgspec import Struct

from corral.server.request import User


class InvalidTokenError(Exception):
    """The token is not to be trusted; the text says why, for the log."""


class Verified(Struct, frozen=True):
    """Who a token is, and which of the audiences asked for it is for."""

    user: User
    audiences: tuple[str, ...]
    #: Audit annotations of a request with it.
    notes: tuple[tuple[str, str], ...] = ()
    #: Namespace and name of the Secret that holds the token.
    secret: tuple[str, str] | None = None
