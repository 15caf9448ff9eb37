"""Which requests carry secrets in their bodies: these are written at Metadata at most, whatever a policy says.

The reference leaves this to its policies. Here it is a rule of the house: what a policy file forgets would stay in the log.
"""

from corral.api.objects import Object
from corral.server.request import Request

#: Refusals that quote what was sent.
_QUOTING = (400, 422)

#: (group, resource, subresource)
_SECRET = frozenset(
    {
        ("", "secrets", ""),
        ("", "secrets", "status"),
        ("", "serviceaccounts", "token"),
        ("authentication.k8s.io", "tokenreviews", ""),
    }
)


def is_secret(request: Request) -> bool:
    """Whether request or answer hold what must not be in a log."""
    resource = request.resource
    return resource is not None and (resource.group, resource.plural, request.subresource) in _SECRET


def without_values(status: Object) -> Object:
    """A refusal without the parts that may quote the request's body."""
    if status.get("code") not in _QUOTING:
        return status
    return {name: value for name, value in status.items() if name not in ("message", "details")}
