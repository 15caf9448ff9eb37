"""`serviceaccounts/token`: a bound token for a service account (KEP-1205)."""

from corral.server.authentication.tokens import credential_id
from corral.server.bodies import body_object
from corral.server.core import Core
from corral.server.options import WriteOptions
from corral.server.represent import respond, wanted_by
from corral.server.request import Admission, Request, Response

#: The audit annotation that leads from a request with a token to the one that asked for it.
ISSUED = "authentication.kubernetes.io/issued-credential-id"
KIND = ("authentication.k8s.io", "v1", "TokenRequest")


async def handle(core: Core, request: Request) -> Response:
    """Issue the token that the body asks for."""
    want = wanted_by(request)
    assert request.resource is not None
    options = WriteOptions.of(request, "CreateOptions")
    obj = body_object(core, request, request.resource, options.field_validation, KIND)
    admission = Admission(request, request.resource, "CREATE", obj, None, "token", options.dry_run)
    await core.admission.judge(admission)
    answer = core.token_requests.create(request.namespace, request.name, obj)
    request.annotate(ISSUED, credential_id(answer["status"]["token"]))
    return respond(request, answer, want, 201)
