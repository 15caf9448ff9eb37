"""Approves the certificate requests of node agents that may have one: a new node's first, and a node's next one.

Who may is said by RBAC: `create` on `certificatesigningrequests/nodeclient` and `.../selfnodeclient`. See
https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#approval.
"""

from typing import NamedTuple

from corral.api.objects import Key, Object
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.actions import Action, Actor, Update
from corral.controllers.csr_signing import REQUESTS, condition_types
from corral.controllers.signers import KUBELET_CLIENT, Names, fault, names_of
from corral.loop.controller import Controller

REVIEWS = "subjectaccessreviews.authorization.k8s.io"


class Recognized(NamedTuple):
    """What a request is: the subresource that its author needs `create` on, and what is said when it is approved."""

    subresource: str
    message: str


SELF = Recognized("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview.")
NEW = Recognized("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")


def recognize(request: Object, names: Names | None) -> list[Recognized]:
    """What an undecided request can be approved as; nothing for one that is no node agent's."""
    if condition_types(request) & {"Approved", "Denied"} or (request.get("status") or {}).get("certificate"):
        return []
    if request["spec"].get("signerName") != KUBELET_CLIENT or names is None or fault(request, names):
        return []
    return [SELF, NEW] if names.common_name == request["spec"].get("username") else [NEW]


def plan(request: Object, recognized: Recognized) -> list[Action]:
    """Approve."""
    status = request.get("status") or {}
    condition = {"type": "Approved", "status": "True", "reason": "AutoApproved", "message": recognized.message}
    approved = {**request, "status": {**status, "conditions": [*(status.get("conditions") or ()), condition]}}
    return [Update(REQUESTS, approved, "approval")]


def build(client: Client, informers: Informers) -> Controller:
    """The controller; its keys are requests."""
    requests, actor = informers.get(REQUESTS), Actor(client)

    async def reconcile(key: Key) -> float | None:
        request = requests.get(*key)
        if request is None:
            return None
        for recognized in recognize(request, names_of(request)):
            if await _may(client, request, recognized.subresource):
                return await actor.act(plan(request, recognized))
        return None

    controller = Controller("certificatesigningrequest-approving-controller", reconcile)
    controller.watch(requests)
    return controller


async def _may(client: Client, request: Object, subresource: str) -> bool:
    spec = request["spec"]
    asked = {"verb": "create", "group": "certificates.k8s.io", "version": "*", "resource": "certificatesigningrequests"}
    review = {
        "user": spec.get("username", ""),
        "uid": spec.get("uid", ""),
        "groups": spec.get("groups") or [],
        "extra": spec.get("extra") or {},
        "resourceAttributes": {**asked, "subresource": subresource},
    }
    answer = await client.create(REVIEWS, {"spec": review})
    return bool(answer["status"].get("allowed"))
