"""`pods/binding` and `bindings`: a pod goes to a node.

See https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/binding-v1/.
"""

from corral.api.errors import bad_request, conflict
from corral.api.fields import Errors
from corral.api.objects import Object
from corral.base.clock import rfc3339
from corral.server.bodies import body_object
from corral.server.core import Core
from corral.server.options import WriteOptions
from corral.server.represent import respond, wanted_by
from corral.server.request import Admission, Request, Response
from corral.server.writes import Plan

SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def handle(core: Core, request: Request) -> Response:
    """Set the pod's node and its PodScheduled condition; 409 where it has a node already."""
    want = wanted_by(request)
    options = WriteOptions.of(request, "CreateOptions")
    resource = request.resource
    assert resource is not None
    binding = body_object(core, request, resource, options.field_validation, ("", "v1", "Binding"))
    await bind(core, request, binding, dry_run=options.dry_run)
    return respond(request, SUCCESS, want, 201)


async def bind(core: Core, request: Request, binding: Object, *, dry_run: bool) -> None:
    """Bind the pod that `binding` names. Raises ApiError (400, 404, 409, 422)."""
    meta, target = binding.get("metadata") or {}, binding.get("target") or {}
    name = request.name or meta.get("name", "")
    if request.name and meta.get("name") not in (None, "", request.name):
        raise bad_request("name in URL does not match name in Binding object")
    errors = Errors()
    if target.get("kind", "Node") not in ("", "Node"):
        errors.unsupported("target.kind", target["kind"], ("Node", "<empty>"))
    if not target.get("name"):
        errors.required("target.name")
    if errors:
        raise errors.to_error("Binding", "", name)
    asked = request.resource
    assert asked is not None
    await core.admission.judge(Admission(request, asked, "CREATE", binding, None, request.subresource, dry_run))
    request.name = name
    request.resource = core.catalog.named("pods")
    meta, target = binding.get("metadata") or {}, binding.get("target") or {}

    def propose(pod: Object | None) -> Object:
        assert pod is not None
        return bound(pod, meta, target["name"], core.clock.now())

    plan = Plan(request, request.resource, "", dry_run, "binding", tracked=True, admitted=True)
    await core.writes.change(plan, name, propose)


def bound(pod: Object, meta: Object, node: str, now_s: float) -> Object:
    """The pod on its node. Raises ApiError (409)."""
    name, spec = pod["metadata"]["name"], pod["spec"]
    if pod["metadata"].get("deletionTimestamp"):
        raise conflict("pods/binding", "", name, f"pod {name} is being deleted, cannot be assigned to a host")
    if meta.get("uid") not in (None, "", pod["metadata"].get("uid")):
        why = f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {pod['metadata'].get('uid')}"
        raise conflict("pods/binding", "", name, why)
    if spec.get("nodeName"):
        raise conflict("pods/binding", "", name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise conflict("pods/binding", "", name, f"pod {name} has non-empty .spec.schedulingGates")
    spec["nodeName"] = node
    if meta.get("annotations"):
        pod["metadata"]["annotations"] = {**(pod["metadata"].get("annotations") or {}), **meta["annotations"]}
    if meta.get("labels"):
        pod["metadata"]["labels"] = {**meta["labels"], **(pod["metadata"].get("labels") or {})}
    status = pod.setdefault("status", {})
    status.pop("nominatedNodeName", None)
    condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": rfc3339(now_s)}
    others = [c for c in status.get("conditions") or () if c.get("type") != "PodScheduled"]
    generation = pod["metadata"].get("generation")
    if generation:
        condition["observedGeneration"] = generation
    status["conditions"] = [*others, condition]
    return pod
