"""The errors of the API: a `Status` with code, reason, message and details.

Messages are those of the reference (apimachinery's `api/errors`), because people and scripts match on them.
"""

from corral.base.annotations import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what is behind it takes longer to load than a small command takes
    from corral.api.objects import Object

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class ApiError(Exception):
    """A refusal or failure of the API; `status()` is what goes over the wire."""

    #: Of a list that cannot go on as it was: the token that goes on at the newest state.
    continue_token = ""

    def __init__(self, code: int, reason: str, message: str, details: "Object | None" = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> "Object":
        """The `v1.Status` object."""
        status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self.continue_token} if self.continue_token else {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details is not None:
            status["details"] = self.details
        return status

    @classmethod
    def of_status(cls, status: "Object") -> "ApiError":
        """The error that a received `v1.Status` describes."""
        code = int(status.get("code", 500))
        reason = status.get("reason") or REASONS.get(code, "Unknown")
        return cls(code, reason, status.get("message", ""), status.get("details"))

    @classmethod
    def of_answer(cls, code: int, body: bytes) -> "ApiError":
        """The error that an answer with this HTTP status is: the `v1.Status` in its body, or the body as it is."""
        import json

        try:
            status = json.loads(body)
        except (ValueError, RecursionError):
            status = None
        if isinstance(status, dict) and status.get("kind") == "Status":
            return cls.of_status(status)
        return cls(code, REASONS.get(code, "Unknown"), body.decode("utf-8", "replace")[:500])

    @classmethod
    def of_event(cls, status: "Object") -> "ApiError":
        """The error that an event of type ERROR brings, whose object is a `v1.Status`."""
        return expired(status.get("message", "")) if status.get("code") == 410 else cls.of_status(status)


def _details(resource: str, group: str, name: str) -> "Object":
    details: Object = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    details["kind"] = resource
    return details


def _qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource


def bad_request(message: str) -> ApiError:
    """400: the request itself is malformed."""
    return ApiError(400, "BadRequest", message)


def unauthorized(message: str = "Unauthorized") -> ApiError:
    """401: the credentials are missing or wrong."""
    return ApiError(401, "Unauthorized", message)


def forbidden(resource: str, group: str, name: str, why: str) -> ApiError:
    """403 of a resource; `why` completes the sentence."""
    about = f'{_qualified(resource, group)} "{name}"' if name else _qualified(resource, group)
    return ApiError(403, "Forbidden", f"{about} is forbidden: {why}", _details(resource, group, name))


def not_found(resource: str, group: str, name: str) -> ApiError:
    """404: no object of that name."""
    message = f'{_qualified(resource, group)} "{name}" not found'
    return ApiError(404, "NotFound", message, _details(resource, group, name))


def no_such_resource() -> ApiError:
    """404: no resource at that path."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> ApiError:
    """405: the resource is there, the verb is not."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def already_exists(resource: str, group: str, name: str) -> ApiError:
    """409 of a create."""
    message = f'{_qualified(resource, group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(resource, group, name))


def conflict(resource: str, group: str, name: str, why: str) -> ApiError:
    """409 of an update; `why` completes the sentence."""
    message = f'Operation cannot be fulfilled on {_qualified(resource, group)} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource, group, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def expired(message: str) -> ApiError:
    """410: the resourceVersion or continue token is too old."""
    return ApiError(410, "Expired", message)


def invalid(kind: str, group: str, name: str, causes: list[dict[str, str]], summary: str) -> ApiError:
    """422: validation failed. `causes` are {reason, message, field}; `summary` joins them as the reference does."""
    details: Object = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    details["kind"] = kind
    details["causes"] = causes
    return ApiError(422, "Invalid", f'{_qualified(kind, group)} "{name}" is invalid: {summary}', details)


def too_many_requests(message: str, retry_after_s: int = 1) -> ApiError:
    """429: try again after `retry_after_s`."""
    return ApiError(429, "TooManyRequests", message, {"retryAfterSeconds": retry_after_s})


def internal(error: Any) -> ApiError:
    """500: a fault of the server's own; the text is the error's."""
    message = f"Internal error occurred: {error}"
    return ApiError(500, "InternalError", message, {"causes": [{"message": str(error)}]})


def unavailable(message: str) -> ApiError:
    """503: not now."""
    return ApiError(503, "ServiceUnavailable", message)


def timeout(message: str) -> ApiError:
    """504: the time is up."""
    return ApiError(504, "Timeout", message)
