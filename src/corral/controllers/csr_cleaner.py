"""Deletes certificate requests that are of no more use: an hour after they were decided, a day after nobody did, or ended.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#request-signing-process
"""

import base64
import binascii

from cryptography import x509

from corral.api.objects import Key, Object, key_of
from corral.base.clock import Clock, parse_rfc3339
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Again, Delete
from corral.controllers.csr_signing import REQUESTS
from corral.loop.controller import Controller

DECIDED_S = 3600.0
PENDING_S = 24 * 3600.0


def plan(request: Object, now_s: float) -> list[Action]:
    """Delete it, or look again when its time is over."""
    ends_s = min(_ends(request), default=float("inf"))
    if ends_s > now_s:
        return [Again(ends_s - now_s)] if ends_s != float("inf") else []
    return [Delete(REQUESTS, key_of(request), request["metadata"]["uid"])]


def _ends(request: Object) -> list[float]:
    """The times at which it is of no use for one reason or another."""
    status = request.get("status") or {}
    certificate = status.get("certificate", "")
    conditions = {c.get("type", ""): c for c in status.get("conditions") or ()}
    ends = []
    if not conditions and not certificate:
        ends.append(parse_rfc3339(request["metadata"]["creationTimestamp"]) + PENDING_S)
    for type in ("Approved", "Denied", "Failed"):
        # A request that was signed stays for as long as anybody might come for the certificate, an hour.
        if type in conditions and conditions[type].get("lastUpdateTime"):
            ends.append(parse_rfc3339(conditions[type]["lastUpdateTime"]) + DECIDED_S)
    try:
        if certificate:
            ends.append(x509.load_pem_x509_certificate(base64.b64decode(certificate)).not_valid_after_utc.timestamp())
    except (ValueError, binascii.Error):
        pass
    return ends


def build(client: Client, informers: Informers, clock: Clock) -> Controller:
    """The controller; its keys are requests."""
    requests, actor = informers.get(REQUESTS), Actor(client)

    async def reconcile(key: Key) -> float | None:
        request = requests.get(*key)
        return None if request is None else await actor.act(plan(request, clock.now()))

    controller = Controller("certificatesigningrequest-cleaner-controller", reconcile, workers=1, clock=clock)
    controller.watch(requests)
    return controller
