"""What a mutation's outcome makes of an object: an apply configuration is merged, a JSON patch applied. Pure."""

from typing import Any

from corral.api.cel import EvaluationError
from corral.api.cel.jsonvalues import as_json
from corral.api.cel.values import Struct
from corral.api.errors import ApiError
from corral.api.facts import Type
from corral.api.objects import Object
from corral.api.patch.json import TestFailedError, json_patch
from corral.api.patch.merging import field_set, merge
from corral.api.typed import LEAF_SHAPE, STRUCT, Shape, shape_of
from corral.server.admission.expressions import ExpressionError

_ATOMIC = frozenset(("list", "map"))


def configured(obj: Object, given: Any, schema: Type) -> Object:
    """`obj` with the fields of an `Object{…}`, merged as server-side apply merges. Raises ExpressionError."""
    _check_names(given, "Object")
    patch = {"kind": obj.get("kind"), "apiVersion": obj.get("apiVersion"), **_plain(given)}
    shape = shape_of(schema)
    errors: list[str] = []
    field_set(shape, patch, errors)
    if errors:
        text = errors[0] if len(errors) == 1 else "\n".join(["errors:", *("  " + one for one in errors)])
        raise ExpressionError(f"error applying patch: failed to convert patch object to typed object: {text}")
    atomic = list(_atomics(shape, patch, ""))
    if atomic:
        why = f"may not mutate atomic arrays, maps or structs: {', '.join(atomic)}"
        raise ExpressionError(f"error applying patch: invalid ApplyConfiguration: {why}")
    made: Object = merge(shape, obj, patch)
    return made


def patched(obj: Object, given: Any) -> Object:
    """`obj` after the operations of a list of `JSONPatch{…}`; as it is where a `test` fails. Raises ExpressionError."""
    operations = []
    for operation in given:
        if isinstance(operation, dict) and isinstance(operation.get("value"), Struct):
            _check_names(operation["value"], "Object" if operation["value"].type_name == "Object" else "")
        operations.append(_plain(operation))
    try:
        return json_patch(obj, operations)
    except TestFailedError:
        return obj
    except ApiError as error:
        raise ExpressionError(f"JSONPath: {error.message}") from None


def _plain(value: Any) -> Any:
    try:
        return as_json(value)
    except EvaluationError as error:
        raise ExpressionError(f"JSONPath valueExpression evaluated to a type that could not marshal to JSON: {error}") from None


def _check_names(value: Any, expected: str) -> None:
    """The names of types (`Object.spec.template`) must be where their fields are; with no `expected` one any root will do."""
    if isinstance(value, Struct):
        expected = expected or value.type_name
        if value.type_name != expected:
            why = f'unexpected type name "{value.type_name}", expected "{expected}"'
            raise ExpressionError(f"type mismatch: {why}, which matches field name path from root Object type")
        for name, item in value.items():
            _check_names(item, f"{expected}.{name}")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_names(item, f"{expected}.{name}")
    elif isinstance(value, list):
        for item in value:
            _check_names(item, expected)


def _atomics(shape: Shape, value: Any, path: str) -> Any:
    """The paths of values that can only be replaced as a whole."""
    if shape.kind == LEAF_SHAPE:
        if shape.scalar in _ATOMIC and isinstance(value, list | dict):
            yield path
        return
    if isinstance(value, dict):
        for name, item in value.items():
            known = shape.fields.get(name) if shape.kind == STRUCT else None
            if known is not None:
                yield from _atomics(known[1], item, f"{path}.{name}")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _atomics(shape.item, item, f"{path}[{i}]")
