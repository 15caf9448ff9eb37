"""One `audit.k8s.io/v1` Event, field by field in the reference's order. Pure functions over requests and answers.

See https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Event.
"""

import os
from typing import Any

import orjson

from corral.api.jsontext import TextError
from corral.api.objects import Object
from corral.server.authorization.reviews import user_info
from corral.server.request import Request

MAX_AGENT = 1024
_TRUNCATED = "...TRUNCATED"
#: How bodies in Kubernetes' protobuf begin.
_PROTOBUF = b"k8s\x00"


def audit_id() -> str:
    """A random UUID (version 4)."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def head(request: Request, level: str, id: str, meta: Object) -> Object:
    """What is known of a request; stage, outcome and times are added to it. `meta` is of the object that it brings."""
    actor = request.actor
    agent = request.headers.get("User-Agent", "")
    event: Object = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": level,
        "auditID": id,
        "stage": "",
        "requestURI": _uri(request),
        "verb": request.verb or request.method.lower(),
        "user": user_info(actor or request.user),
    }
    if actor is not None:
        event["impersonatedUser"] = user_info(request.user)
        if request.constraint:
            event["authenticationMetadata"] = {"impersonationConstraint": request.constraint}
    event["sourceIPs"] = _addresses(request)
    event["userAgent"] = agent if len(agent) <= MAX_AGENT else agent[:MAX_AGENT] + _TRUNCATED
    if request.resource is not None:
        event["objectRef"] = _object_ref(request, meta)
    return event


def response_status(code: int, status: Object | None) -> Object:
    """The outcome: a failure's Status without its kind, the code alone of what went well."""
    if status is None:
        return {"metadata": {}, "code": code}
    shown = {name: value for name, value in status.items() if name not in ("kind", "apiVersion")}
    shown.setdefault("metadata", {})
    return shown


def shown_body(body: bytes, content_type: str, *, omit_managed_fields: bool) -> Any:
    """A body as it is shown in an event: JSON as it is, YAML and protobuf turned into it; None where it is neither."""
    if not body:
        return None
    if body.startswith(_PROTOBUF):
        from corral.api.protobuf import ProtobufError, decode_object

        try:
            found: Any = decode_object(body)
        except ProtobufError:
            return None
    elif "yaml" in content_type:
        from corral.api import yamltext  # The library takes a while to load, and few send YAML.

        try:
            found, _ = yamltext.parse(body)
        except TextError:
            return None
    else:
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
    if omit_managed_fields and isinstance(found, dict):
        for obj in (found, *(found.get("items") or ())):
            if isinstance(obj, dict) and isinstance(obj.get("metadata"), dict):
                obj["metadata"].pop("managedFields", None)
    return found


def _object_ref(request: Request, meta: Object) -> Object:
    resource = request.resource
    assert resource is not None
    ref: Object = {"resource": resource.plural}
    if request.namespace:
        ref["namespace"] = request.namespace
    name = request.name or meta.get("name")
    if name:
        ref["name"] = name
    if "uid" in meta:
        ref["uid"] = meta["uid"]
    if resource.group:
        ref["apiGroup"] = resource.group
    ref["apiVersion"] = resource.version
    if "resourceVersion" in meta:
        ref["resourceVersion"] = meta["resourceVersion"]
    if request.subresource:
        ref["subresource"] = request.subresource
    return ref


def _addresses(request: Request) -> list[str]:
    """Where the request says it came from, then where it came from."""
    if "X-Forwarded-For" not in request.headers and "X-Real-Ip" not in request.headers:
        return [request.remote] if request.remote else []
    found = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    real = request.headers.get("X-Real-Ip", "")
    if real and real not in found:
        found.append(real)
    if request.remote and (not found or found[-1] != request.remote):
        found.append(request.remote)
    return found


def _uri(request: Request) -> str:
    """Path and query; a token in the query (which nobody should send) stays out."""
    if not request.query:
        return request.path
    pairs = getattr(request.query, "pairs", None) or request.query.items()
    return request.path + "?" + "&".join(f"{key}={'...' if 'token' in key.lower() else value}" for key, value in pairs)
