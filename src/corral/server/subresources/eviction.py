"""`pods/eviction`: a deletion that PodDisruptionBudgets may refuse.

See https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/.
"""

from msgspec.structs import replace

from corral.api import selectors
from corral.api.errors import ApiError, bad_request, not_found, too_many_requests
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.base.clock import rfc3339
from corral.server.bodies import body_object
from corral.server.core import Core
from corral.server.deletion import DeleteOptions, check_preconditions
from corral.server.options import WriteOptions
from corral.server.represent import respond, wanted_by
from corral.server.request import Admission, Request, Response
from corral.server.subresources.binding import SUCCESS
from corral.server.writes import Plan

BUDGETS = "poddisruptionbudgets.policy"
DOOMED = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
}
_REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."


async def handle(core: Core, request: Request) -> Response:
    """Delete the pod if its budget allows; 429 if not."""
    want = wanted_by(request)
    options = WriteOptions.of(request, "CreateOptions")
    resource = request.resource
    assert resource is not None
    version = "v1beta1" if b'"policy/v1beta1"' in request.body else "v1"
    if version == "v1beta1":
        request.body = request.body.replace(b'"policy/v1beta1"', b'"policy/v1"', 1)
    eviction = body_object(core, request, resource, options.field_validation, ("policy", "v1", "Eviction"))
    if (eviction.get("metadata") or {}).get("name") not in (None, "", request.name):
        raise bad_request("name in URL does not match name in Eviction object")
    item = core.collection(resource).get(request.namespace, request.name)
    if item is None:
        raise not_found("pods", "", request.name)
    asked = eviction.get("deleteOptions") or {}
    wanted = asked.get("preconditions") or {}
    delete = DeleteOptions(
        asked.get("gracePeriodSeconds"),
        asked.get("propagationPolicy") or "",
        asked.get("orphanDependents"),
        wanted.get("uid"),
        wanted.get("resourceVersion"),
        options.dry_run or bool(asked.get("dryRun")),
    )
    asking = Admission(request, resource, "CREATE", eviction, None, "eviction", delete.dry_run)
    await core.admission.judge(asking)
    if _must_ask(item.object):
        await _ask_budget(core, request, item.object, dry_run=delete.dry_run)
    delete = await _mark(core, request, resource, delete)
    await core.deletions.delete(request, resource, request.name, delete, admitted=True)
    return respond(request, SUCCESS, want, 201)


def _must_ask(pod: Object) -> bool:
    """Whether the pod counts for budgets: not one that has ended, has not begun, or is going."""
    phase = (pod.get("status") or {}).get("phase")
    return phase not in ("Succeeded", "Failed", "Pending") and not pod["metadata"].get("deletionTimestamp")


async def _ask_budget(core: Core, request: Request, pod: Object, *, dry_run: bool) -> None:
    """Take one disruption from the pod's budget. Raises ApiError (429, 500)."""
    labels = pod["metadata"].get("labels") or {}
    budgets = [
        item.object
        for item in core.cache.collection(BUDGETS).list(request.namespace)
        if selectors.matches((item.object.get("spec") or {}).get("selector"), labels)
    ]
    if not budgets:
        return
    if len(budgets) > 1:
        message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise ApiError(500, "InternalError", message, {"causes": [{"message": message}]})
    name = budgets[0]["metadata"]["name"]
    ready = any(
        c.get("type") == "Ready" and c.get("status") == "True" for c in (pod.get("status") or {}).get("conditions") or ()
    )
    policy = (budgets[0].get("spec") or {}).get("unhealthyPodEvictionPolicy")
    if not ready and (policy == "AlwaysAllow" or _healthy(budgets[0])):
        return

    def propose(budget: Object | None) -> Object:
        assert budget is not None
        return _disrupted(budget, pod["metadata"]["name"], core.clock.now())

    resource = core.catalog.named(BUDGETS)
    asked = Request(
        "PUT",
        "",
        {},
        request.headers,
        user=request.user,
        verb="update",
        resource=resource,
        namespace=request.namespace,
        name=name,
    )
    await core.writes.change(Plan(asked, resource, "", dry_run, "status", tracked=True), name, propose)


async def _mark(core: Core, request: Request, resource: Resource, delete: DeleteOptions) -> DeleteOptions:
    """Say on the pod why it goes (KEP-3329); how to delete the pod as it is then. Raises ApiError (404, 409)."""

    def propose(pod: Object | None) -> Object:
        assert pod is not None
        check_preconditions(resource, pod, request.name, delete)
        return _doomed(pod, core.clock.now())

    plan = Plan(request, resource, "", delete.dry_run, "status", tracked=True, admitted=True)
    written = await core.writes.change(plan, request.name, propose)
    if delete.version is None or delete.dry_run:
        return delete
    return replace(delete, version=written.object["metadata"]["resourceVersion"])


def _doomed(pod: Object, now_s: float) -> Object:
    status = pod.setdefault("status", {})
    conditions = status.get("conditions") or []
    if any(c["type"] == DOOMED["type"] and DOOMED.items() <= c.items() for c in conditions):
        return pod
    told: Object = {**DOOMED, "lastTransitionTime": rfc3339(now_s)}
    if pod["metadata"].get("generation"):
        told["observedGeneration"] = pod["metadata"]["generation"]
    status["conditions"] = [*(c for c in conditions if c["type"] != DOOMED["type"]), told]
    return pod


def _healthy(budget: Object) -> bool:
    status = budget.get("status") or {}
    return bool(status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0)


def _disrupted(budget: Object, pod: str, now_s: float) -> Object:
    meta, status = budget["metadata"], budget.setdefault("status", {})
    if status.get("observedGeneration", 0) < meta.get("generation", 0):
        raise _refused(f"The disruption budget {meta['name']} is still being processed by the server.", retry_s=10)
    if status.get("disruptionsAllowed", 0) <= 0:
        raise _refused(
            f"The disruption budget {meta['name']} needs {status.get('desiredHealthy', 0)} healthy pods and has "
            f"{status.get('currentHealthy', 0)} currently"
        )
    status["disruptionsAllowed"] -= 1
    status["disruptedPods"] = {**(status.get("disruptedPods") or {}), pod: rfc3339(now_s)}
    return budget


def _refused(cause: str, retry_s: int = 0) -> ApiError:
    error = too_many_requests(_REFUSAL, retry_s)
    error.details = {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
    if retry_s:
        error.details["retryAfterSeconds"] = retry_s
    return error
