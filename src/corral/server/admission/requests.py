"""What webhooks and expressions are told of a request: an AdmissionRequest (admission.k8s.io) without the objects. Pure.

https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/
"""

from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.admission.matching import namespace_of, object_name
from corral.server.authorization.reviews import user_info
from corral.server.request import Admission, Request

_OPTIONS_KINDS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions"}
_OPTION_FIELDS = ("fieldManager", "fieldValidation")


def admission_request(admission: Admission, target: Resource, obj: Object | None) -> Object:
    """The request as one who speaks the version of `target` sees it; `obj` is the object, or the old one of a deletion."""
    asked, subresource = admission.asked or admission.resource, admission.subresource
    request: Object = {
        "kind": _kind(obj, target),
        "resource": _resource(target),
        "requestKind": _kind(obj, asked),
        "requestResource": _resource(asked),
        "name": object_name(admission),
        "namespace": namespace_of(admission),
        "operation": admission.operation,
        "userInfo": user_info(admission.user),
        "dryRun": admission.dry_run,
        "options": _options(admission),
    }
    if subresource:
        request["subResource"] = request["requestSubResource"] = subresource
    for field in ("name", "namespace"):
        if not request[field]:
            del request[field]
    return request


def _options(admission: Admission) -> Object | None:
    """The options of the operation; None for CONNECT, which has none."""
    if admission.options is not None:
        return admission.options()
    kind = _OPTIONS_KINDS.get(admission.operation)
    return None if kind is None else _query_options(admission.request, kind, dry_run=admission.dry_run)


def _query_options(request: Request, kind: str, *, dry_run: bool) -> Object:
    options: Object = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
    if dry_run:
        options["dryRun"] = ["All"]
    options |= {field: request.query[field] for field in _OPTION_FIELDS if request.query.get(field)}
    return options


def _kind(obj: Object | None, resource: Resource) -> Object:
    """The kind of the request's objects: the resource's, or that of a subresource with a kind of its own."""
    if obj is None or obj.get("kind") == resource.kind:
        return {"group": resource.group, "version": resource.version, "kind": resource.kind}
    group, _, version = str(obj.get("apiVersion", "")).rpartition("/")
    return {"group": group, "version": version, "kind": str(obj.get("kind", ""))}


def _resource(resource: Resource) -> Object:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}
