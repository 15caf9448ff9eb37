"""Bodies of requests: media types, decoding, and what a patch may have made of an object."""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from corral.api import jsontext
from corral.api.customdecode import decode_custom
from corral.api.decode import decode
from corral.api.errors import ApiError, bad_request
from corral.api.fields import Errors
from corral.api.golang import DecodeError, printed, read
from corral.api.jsontext import TextError
from corral.api.jsonvalues import repeated_keys
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.core import Core
from corral.server.negotiate import JSON, OFFERED, PROTOBUF, YAML
from corral.server.request import Request

_UNMARSHAL = re.compile(r"json: cannot unmarshal (?P<value>\w+).* of type (?P<type>\S+)$")
_OPERATION_FIELDS = frozenset({"op", "path", "from", "value"})
_GO_KINDS = {"string": "string", "bool": "bool", "object": "map", "array": "slice"}
_GO_SCALARS = frozenset({"string", "bool", "int32", "int64", "float64"})


def media_of(request: Request) -> str:
    """The body's media type without its parameters."""
    return request.headers.get("Content-Type", "").split(";")[0].strip().lower()


def unsupported(*accepted: str) -> ApiError:
    """415 of a body of the wrong type."""
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(accepted)}"
    return ApiError(415, "UnsupportedMediaType", message)


def as_json(request: Request) -> None:
    """Turn a protobuf body into JSON, so that the rest of the server has one form to deal with. Raises ApiError (400)."""
    if media_of(request) != PROTOBUF:
        return
    from corral.api.protobuf import ProtobufError, decode_object

    if request.body:
        try:
            request.body = orjson.dumps(decode_object(request.body))
        except ProtobufError as error:
            raise bad_request(str(error)) from None
    request.headers = {**request.headers, "Content-Type": JSON}


def body_object(
    core: Core, request: Request, resource: Resource, validation: str, kind: tuple[str, str, str] | None = None
) -> Object:
    """The object in the body, of the resource's kind or of `kind` (group, version, kind). Raises ApiError (400, 415)."""
    media = media_of(request)
    if media not in ("", JSON, YAML):
        raise unsupported(*OFFERED)
    if kind is None and not core.is_builtin(resource):
        obj, warnings = decode_custom(request.body, resource, core.schema(resource), yaml=media == YAML, validation=validation)
    else:
        group, version, name = kind or (resource.group, resource.version, resource.kind)
        obj, warnings = decode(request.body, group, version, name, yaml=media == YAML, validation=validation)
    request.warnings += warnings
    return obj


def patch_document(request: Request) -> Any:
    """The patch in the body. Raises ApiError (400)."""
    try:
        return jsontext.parse(request.body)
    except TextError as error:
        raise bad_request(f"error decoding patch: {error}") from None


def patch_faults(request: Request, patch: Any) -> list[str]:
    """What a strict reader says of the text of `patch`: repeated keys, and of a JSON patch, fields that no operation has."""
    faults: list[str] = []
    if jsontext.has_repeated_keys(request.body, patch):
        faults = [f'duplicate field "{path}"' for path in repeated_keys(jsontext.parse_exactly(request.body))]
    if not isinstance(patch, list):
        return faults
    for i, operation in enumerate(patch):
        if isinstance(operation, dict):
            faults += [f'unknown field "[{i}].{name}"' for name in operation if name not in _OPERATION_FIELDS]
    return [f"json patch {fault}" for fault in faults]


def patched_object(
    core: Core,
    request: Request,
    resource: Resource,
    patched: Any,
    validation: str,
    faults: Sequence[str] = (),
    *,
    strategic: Any = None,
) -> Object:
    """What a patch made of an object, if it still is one of its kind. Raises ApiError (422).

    `faults` are those of the patch itself. `strategic`: the strategic merge patch; faults name it, those of other patches name
    the outcome.
    """
    try:
        obj, strict = read(patched, core.schema(resource))
    except DecodeError as error:
        if strategic is None:
            raise bad_patch(orjson.dumps(patched).decode(), str(error)) from None
        raise bad_patch(printed(strategic), _unconverted(str(error))) from None
    strict = [*faults, *strict]
    if strict and validation == "Strict":
        shown = orjson.dumps(patched).decode() if strategic is None else printed(strategic)
        raise bad_patch(shown, "strict decoding error: " + ", ".join(strict))
    if strict and validation == "Warn":
        request.warnings += [text for text in strict if text not in request.warnings]
    made: Object = obj
    made.setdefault("kind", resource.kind)
    made.setdefault("apiVersion", resource.api_version)
    if core.is_builtin(resource) and (made["kind"], made["apiVersion"]) != (resource.kind, resource.api_version):
        # The reference decodes into the type at hand and does not look at what the patch says it is.
        made["kind"], made["apiVersion"] = resource.kind, resource.api_version
    if (patched.get("metadata") or {}).get("managedFields") == []:
        # How a patch asks to forget all owners; Go would not show an empty list.
        made["metadata"]["managedFields"] = [{}]
    return made


def bad_patch(shown: str, why: str) -> ApiError:
    """422 of a patch whose result is no object of the kind."""
    errors = Errors()
    errors.invalid("patch", shown, why)
    return errors.to_error("", "", "")


def _unconverted(fault: str) -> str:
    """What is wrong with the outcome of a strategic merge patch: Go converts a tree there, it does not decode text.

    `fault` is what decoding says:
    `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
    """
    found = _UNMARSHAL.match(fault)
    if found is None:
        return fault
    kind = _GO_KINDS.get(found["value"], "int64")
    if found["type"].startswith(("[]", "map[")):
        return f"cannot restore {'slice' if found['type'].startswith('[]') else 'map'} from {kind}"
    if found["type"] not in _GO_SCALARS:
        return fault
    if kind == "int64" and found["type"] == "string":
        return "cannot convert int64 to string"
    return f"unrecognized type: {found['type']}"


def applied_object(core: Core, request: Request, resource: Resource, validation: str) -> Object:
    """The fields of an apply request: YAML, of which JSON is a part. Raises ApiError (400)."""
    from corral.api import yamltext  # The library takes a while to load, and few send YAML.

    try:
        applied, repeated = yamltext.parse(request.body)
    except TextError as error:
        raise bad_request(f"error decoding YAML: {error}") from None
    if not isinstance(applied, dict):
        raise bad_request("error decoding YAML: the body is not an object")
    if not isinstance(applied.get("metadata", {}), dict):
        raise bad_request("error decoding YAML: metadata is not an object")
    if repeated and validation == "Strict":
        raise bad_request(f"error strict decoding YAML: {', '.join(repeated)}")
    if validation == "Warn":
        request.warnings += repeated
    if not applied.get("kind"):
        raise bad_request("Object 'Kind' is missing in '" + request.body.decode("utf-8", "replace") + "'")
    return applied


def typed_object(core: Core, resource: Resource, merged: Object) -> Object:
    """What an apply made of an object, if every value is of its type. Raises ApiError (400)."""
    try:
        obj: Object = read(merged, core.schema(resource))[0]
    except DecodeError as error:
        raise bad_request(f"failed to convert the applied object to {resource.api_version} {resource.kind}: {error}") from None
    return {**obj, "kind": resource.kind, "apiVersion": resource.api_version}
