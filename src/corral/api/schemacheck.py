"""Values against the JSON schemas of custom resources: what is wrong, in the words of kube-openapi's validator.

A schema is the JSON of apiextensions.v1.JSONSchemaProps.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation
"""

from typing import Any

from corral.api import regexes
from corral.api.fields import Errors, Path
from corral.api.objects import Object
from corral.api.stringformats import FORMATS

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
}


def check(errs: Errors, value: Any, schema: Object, path: Path, name: str = "") -> None:
    """Everything wrong with `value`, which is at `path`. `name` is the path from the outermost value, as messages show it."""
    if value is None and schema.get("nullable"):
        return
    _check_type(errs, value, schema, path, name)
    _check_combinations(errs, value, schema, path, name)
    if isinstance(value, str):
        _check_text(errs, value, schema, path, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_number(errs, value, schema, path, name)
    elif isinstance(value, list):
        _check_list(errs, value, schema, path, name)
    choices = schema.get("enum")
    if choices and not any(_same(value, choice) for choice in choices):
        errs.unsupported(path, value, choices)
    if isinstance(value, dict):
        _check_object(errs, value, schema, path, name)


def sound(value: Any, schema: Object) -> bool:
    """Whether `value` is as the schema says."""
    errs = Errors()
    check(errs, value, schema, Path())
    return not errs


def type_of(value: Any) -> str:
    """The name of a value's JSON type; whole numbers are integers."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float) and value.is_integer():
        return "integer"
    return next(name for name, types in _TYPES.items() if isinstance(value, types))


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _check_type(errs: Errors, value: Any, schema: Object, path: Path, name: str) -> None:
    wanted, found = schema.get("type"), type_of(value)
    if schema.get("x-kubernetes-int-or-string"):
        if found not in ("integer", "string"):
            _mistyped(errs, path, name, "integer,string", found)
        return
    if not wanted or found == wanted or (wanted == "number" and found == "integer"):
        return
    _mistyped(errs, path, name, wanted, found)


def _mistyped(errs: Errors, path: Path, name: str, wanted: str, found: str) -> None:
    errs.type_invalid(path, found, f'{name} in body must be of type {wanted}: "{found}"')


def _check_combinations(errs: Errors, value: Any, schema: Object, path: Path, name: str) -> None:
    if schema.get("anyOf") and not any(sound(value, one) for one in schema["anyOf"]):
        errs.invalid(path, "", f'"{name}" must validate at least one schema (anyOf)')
    if schema.get("oneOf") and sum(sound(value, one) for one in schema["oneOf"]) != 1:
        count = sum(sound(value, one) for one in schema["oneOf"])
        found = f". Found {count} valid alternatives" if count else ". Found none valid"
        errs.invalid(path, "", f'"{name}" must validate one and only one schema (oneOf){found}')
    for one in schema.get("allOf") or ():
        check(errs, value, one, path, name)
    if schema.get("not") is not None and sound(value, schema["not"]):
        errs.invalid(path, "", f'"{name}" must not validate the schema (not)')


def _check_text(errs: Errors, value: str, schema: Object, path: Path, name: str) -> None:
    most, least, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if most is not None and len(value) > most:
        errs.too_long(path, most)
    if least is not None and len(value) < least:
        errs.invalid(path, value, f"{name} in body should be at least {least} chars long")
    if pattern and not regexes.compiled(pattern).search(value):
        errs.invalid(path, value, f"{name} in body should match '{pattern}'")
    format_ = schema.get("format", "")
    holds = FORMATS.get(format_)
    if holds is not None and not holds(value):
        errs.type_invalid(path, value, f'{name} in body must be of type {format_}: "{value}"')


def _check_number(errs: Errors, value: int | float, schema: Object, path: Path, name: str) -> None:
    least, most, step = schema.get("minimum"), schema.get("maximum"), schema.get("multipleOf")
    if step and value % step:
        errs.invalid(path, value, f"{name} in body should be a multiple of {step}")
    if most is not None:
        open_end = schema.get("exclusiveMaximum")
        if value > most or (open_end and value == most):
            errs.invalid(path, value, f"{name} in body should be less than {'' if open_end else 'or equal to '}{most}")
    if least is not None:
        open_end = schema.get("exclusiveMinimum")
        if value < least or (open_end and value == least):
            errs.invalid(path, value, f"{name} in body should be greater than {'' if open_end else 'or equal to '}{least}")


def _check_list(errs: Errors, value: list[Any], schema: Object, path: Path, name: str) -> None:
    items, most, least = schema.get("items"), schema.get("maxItems"), schema.get("minItems")
    if isinstance(items, dict):
        for i, item in enumerate(value):
            check(errs, item, items, path.at(i), f"{name}[{i}]")
    if least is not None and len(value) < least:
        errs.invalid(path, len(value), f"{name} in body should have at least {least} items")
    if most is not None and len(value) > most:
        errs.too_many(path, len(value), most)


def _check_object(errs: Errors, value: Object, schema: Object, path: Path, name: str) -> None:
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    most, least = schema.get("maxProperties"), schema.get("minProperties")
    if least is not None and len(value) < least:
        errs.invalid(path, len(value), f"{name} in body should have at least {least} properties")
    if most is not None and len(value) > most:
        errs.too_many(path, len(value), most)
    for field in schema.get("required") or ():
        if field not in value:
            errs.required(path.child(field))
    for field, item in value.items():
        inner = f"{name}.{field}" if name else field
        if field in properties:
            check(errs, item, properties[field], path.child(field), inner)
        elif isinstance(others, dict):
            check(errs, item, others, path.key(field) if "." in field else path.child(field), inner)
