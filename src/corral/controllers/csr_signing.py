"""Signs the certificate requests that are approved and are for one of the built-in signers, with the cluster's authority.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
"""

import base64
from collections.abc import Callable, Sequence

from corral.api.objects import Key, Object
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Update
from corral.controllers.signers import SIGNERS, Names, fault, names_of
from corral.loop.controller import Controller

REQUESTS = "certificatesigningrequests.certificates.k8s.io"
LIFETIME_S = 365 * 24 * 3600
MIN_LIFETIME_S = 600

#: From a PKCS#10 request (PEM), its usages and the seconds it is good for to a certificate (PEM). Raises ValueError.
Sign = Callable[[bytes, Sequence[str], float], bytes]


def plan(request: Object, names: Names | None, sign: Sign) -> list[Action]:
    """Sign, or say why not."""
    spec, status = request["spec"], request.get("status") or {}
    types = condition_types(request)
    if spec.get("signerName") not in SIGNERS or status.get("certificate"):
        return []
    if "Approved" not in types or types & {"Denied", "Failed"}:
        return []
    why = "the request cannot be read" if names is None else fault(request, names)
    if not why:
        lifetime_s = min(max(spec.get("expirationSeconds") or LIFETIME_S, MIN_LIFETIME_S), LIFETIME_S)
        try:
            certificate = sign(base64.b64decode(spec["request"]), spec.get("usages") or [], lifetime_s)
        except ValueError as error:
            why = str(error)
        else:
            signed = {**status, "certificate": base64.b64encode(certificate).decode()}
            return [Update(REQUESTS, {**request, "status": signed}, "status")]
    failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": why}
    conditions = [*(status.get("conditions") or ()), failed]
    return [Update(REQUESTS, {**request, "status": {**status, "conditions": conditions}}, "status")]


def condition_types(request: Object) -> set[str]:
    """The types of the conditions of a request."""
    return {condition.get("type", "") for condition in (request.get("status") or {}).get("conditions") or ()}


def build(client: Client, informers: Informers, sign: Sign) -> Controller:
    """The controller; its keys are requests."""
    requests, actor = informers.get(REQUESTS), Actor(client)

    async def reconcile(key: Key) -> float | None:
        request = requests.get(*key)
        return None if request is None else await actor.act(plan(request, names_of(request), sign))

    controller = Controller("certificatesigningrequest-signing-controller", reconcile)
    controller.watch(requests)
    return controller
