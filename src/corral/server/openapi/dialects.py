"""Paths and operations as JSON, in OpenAPI 2 and OpenAPI 3."""

from corral.api import facts
from corral.api.objects import Object
from corral.server.openapi.definitions import PATCH, REFERENCE, Dialect
from corral.server.openapi.operations import QUERY, Operation, Path

_MEDIA = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_STREAMS = ("application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch")
PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
_PHRASES = {200: "OK", 201: "Created", 202: "Accepted"}
_UNAUTHORIZED: Object = {"description": "Unauthorized"}


def path_item(path: Path, dialect: Dialect) -> Object:
    """What the document has at one path."""
    shared = path.shared_query()
    item: Object = {}
    for operation in path.operations:
        query = sorted(set(operation.query).difference(shared))
        item[operation.method] = _operation2(operation, query) if dialect == "v2" else _operation3(operation, query)
    parameters = sorted(
        (
            *(_parameter(name, dialect) for name in shared),
            *(_placeholder(name, text, dialect) for name, text in path.placeholders.items()),
        ),
        key=lambda parameter: str(parameter["name"]),
    )
    if parameters:
        item["parameters"] = parameters
    return item


def _parameter(name: str, dialect: Dialect) -> Object:
    kind, purpose = QUERY[name]
    return _typed({"name": name, "in": "query", "description": purpose}, kind, dialect)


def _placeholder(name: str, purpose: str, dialect: Dialect) -> Object:
    return _typed({"name": name, "in": "path", "description": purpose, "required": True}, "string", dialect)


def _typed(parameter: Object, kind: str, dialect: Dialect) -> Object:
    schema: Object = {"type": kind, "uniqueItems": True}
    return {**parameter, **schema} if dialect == "v2" else {**parameter, "schema": schema}


def _common(operation: Operation) -> Object:
    found: Object = {"description": operation.description, "operationId": operation.id, "tags": [operation.tag]}
    if operation.action:
        found["x-kubernetes-action"] = operation.action
    if operation.kind is not None:
        group, version, kind = operation.kind
        found["x-kubernetes-group-version-kind"] = {"group": group, "kind": kind, "version": version}
    return found


def _schema(operation: Operation, dialect: Dialect) -> Object:
    return {"type": "string"} if operation.returns == "string" else {"$ref": REFERENCE[dialect] + operation.returns}


def _produces(operation: Operation) -> tuple[str, ...]:
    if operation.action == "connect":
        return ("*/*",)
    if operation.returns == "string":
        return ("text/plain", *_MEDIA)
    if operation.action in ("list", "watch", "watchlist"):
        return (*_MEDIA, *_STREAMS)
    return _MEDIA


def _consumes(operation: Operation) -> tuple[str, ...]:
    if operation.body != PATCH:
        return ("*/*",)
    is_builtin = operation.kind is None or facts.has_schema(*operation.kind)
    return PATCHES if is_builtin else tuple(media for media in PATCHES if "strategic" not in media)


def _operation2(operation: Operation, query: list[str]) -> Object:
    parameters = [_parameter(name, "v2") for name in query]
    if operation.body:
        body: Object = {"name": "body", "in": "body", "schema": {"$ref": REFERENCE["v2"] + operation.body}}
        if operation.action not in ("delete", "deletecollection"):
            body["required"] = True
        parameters.insert(0, body)
    schema = _schema(operation, "v2")
    responses: Object = {str(code): {"description": _PHRASES[code], "schema": schema} for code in operation.codes}
    found = _common(operation)
    found["consumes"] = list(_consumes(operation))
    found["produces"] = list(_produces(operation))
    found["schemes"] = ["https"]
    if parameters:
        found["parameters"] = parameters
    found["responses"] = {**responses, "401": _UNAUTHORIZED}
    return found


def _operation3(operation: Operation, query: list[str]) -> Object:
    found = _common(operation)
    if query:
        found["parameters"] = [_parameter(name, "v3") for name in query]
    if operation.body:
        content = {media: {"schema": {"$ref": REFERENCE["v3"] + operation.body}} for media in _consumes(operation)}
        found["requestBody"] = {"content": content}
        if operation.action not in ("delete", "deletecollection"):
            found["requestBody"]["required"] = True
    answer = {media: {"schema": _schema(operation, "v3")} for media in _produces(operation)}
    responses: Object = {str(code): {"description": _PHRASES[code], "content": answer} for code in operation.codes}
    found["responses"] = {**responses, "401": _UNAUTHORIZED}
    return found
