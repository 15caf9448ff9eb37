"""How a refusal is answered: a Status in the form that the client asked for; what must not fail is a 500, never a traceback."""

import logging

from corral.api.errors import ApiError, bad_request, internal
from corral.api.objects import Object
from corral.server.audit.event import shown_body
from corral.server.negotiate import AS_JSON, Wanted, wanted
from corral.server.represent import body
from corral.server.request import Request, Response

log = logging.getLogger(__name__)

#: Of what Python can hold and JSON cannot: what nests too deep, integers of more than 64 bits.
UNWRITABLE = "the request makes an object that cannot be written as JSON: it nests too deep or holds too large a number"
#: How orjson says so: by a plain TypeError.
_FAULTS_OF_WRITING = ("Recursion limit reached", "Integer exceeds 64-bit range", "Type is not JSON serializable: Decimal")


def refusal(error: ApiError, request: Request) -> Response:
    """The answer that tells of an error."""
    headers = {}
    retry_s = (error.details or {}).get("retryAfterSeconds")
    if retry_s:
        headers["Retry-After"] = str(retry_s)
    status = error.status()
    if not error.reason:
        del status["reason"]
    want = _wanted_of_errors(request)
    return Response(error.code, body(request, status, want), want.content_type, headers, warnings=request.warnings)


def failure(error: Exception, request: Request) -> tuple[ApiError, bool]:
    """What is answered where something failed that must not, and whether that is ours and not the request's."""
    if isinstance(error, RecursionError) or (isinstance(error, TypeError) and str(error).startswith(_FAULTS_OF_WRITING)):
        log.warning("%s %s: %s", request.method, request.path, error)
        return bad_request(UNWRITABLE), False
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return internal(f"{type(error).__name__}: {error}"), True


def status_of(response: Response) -> Object | None:
    """The Status that a refusal holds; None where it holds none, as those of extension servers may."""
    if response.status < 400:
        return None
    found = shown_body(response.body, response.content_type, omit_managed_fields=False)
    return found if isinstance(found, dict) and found.get("kind") == "Status" else None


def _wanted_of_errors(request: Request) -> Wanted:
    """The form of a Status: as asked for, or JSON where that cannot be had."""
    try:
        return wanted(request.headers.get("Accept", ""), views=False)
    except ApiError:
        return AS_JSON
