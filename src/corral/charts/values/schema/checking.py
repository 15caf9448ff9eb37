"""What is wrong with a schema itself, in the words of Helm's validator."""

from corral.base.annotations import Any, Iterable
from corral.charts.render import gojson
from corral.charts.values.schema.reading import HYBRID, Document, NoSchemaError

TYPES = ("array", "boolean", "integer", "number", "null", "object", "string")
_EXCLUSIVE = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
_LENGTHS = (("minLength", "maxLength"), ("minProperties", "maxProperties"), ("minItems", "maxItems"))


def check(document: Document) -> None:
    """Raise NoSchemaError where a schema, or one in it, is none."""
    if not _is_schema(document, document.root):
        raise NoSchemaError("schema is invalid")
    if isinstance(document.root, dict) and not isinstance(document.root.get("$schema", ""), str):
        raise NoSchemaError("$schema must be of type string")
    _check(document, document.root)


def _check(document: Document, schema: Any) -> None:
    if isinstance(schema, bool):
        return
    _of_text(schema, "$id", "$ref")
    if "$ref" in schema:
        document.resolved(schema["$ref"])
        return
    _tables(document, schema)
    _of_text(schema, "title", "description")
    _type(schema.get("type", []))
    _members(document, schema)
    _numbers(document, schema)
    _lengths(schema)
    _lists(document, schema)
    _conditions(document, schema)


def _is_schema(document: Document, value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, bool) and document.has(6))


def _of_text(schema: dict[str, Any], *names: str) -> None:
    for name in names:
        if not isinstance(schema.get(name, ""), str):
            raise _mismatch("string", name)


def _mismatch(expected: str, given: str) -> NoSchemaError:
    return NoSchemaError(f"Invalid type. Expected: {expected}, given: {given}")


def _all(document: Document, parts: Iterable[Any], error: NoSchemaError) -> None:
    """Check schemas; `error` where one is none."""
    for part in parts:
        if not _is_schema(document, part):
            raise error
        _check(document, part)


def _tables(document: Document, schema: dict[str, Any]) -> None:
    definitions = schema.get("definitions", {})
    if not isinstance(definitions, dict):
        raise _mismatch("array of schemas", "definitions")
    _all(document, definitions.values(), _mismatch("array of schemas", "definitions"))
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        raise NoSchemaError("properties must be of type object")
    _all(document, properties.values(), NoSchemaError("Expected: valid schema, given: Invalid JSON"))


def _type(types: Any) -> None:
    if not isinstance(types, str | list):
        raise _mismatch("string/array of strings", "type")
    names = [types] if isinstance(types, str) else types
    for at, name in enumerate(names):
        if name not in TYPES:
            raise NoSchemaError(
                f"has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{' '.join(TYPES)}]"
            )
        if name in names[:at]:
            raise NoSchemaError(f"{name} type is duplicated")


def _members(document: Document, schema: dict[str, Any]) -> None:
    """What a schema says of the parts of objects and arrays."""
    for name in ("additionalProperties", "additionalItems"):
        other = schema.get(name, True)
        if not isinstance(other, bool):
            _all(document, [other], _mismatch("boolean/valid schema", name))
    patterns = schema.get("patternProperties", {})
    if not isinstance(patterns, dict):
        raise _mismatch("valid schema", "patternProperties")
    for pattern in patterns:
        if not _is_regex(pattern):
            raise NoSchemaError(f"Invalid regex pattern '{pattern}'")
    _all(document, patterns.values(), _mismatch("valid schema", "patternProperties"))
    if "propertyNames" in schema and document.has(6):
        _all(document, [schema["propertyNames"]], _mismatch("valid schema", "patternProperties"))
    dependencies = schema.get("dependencies", {})
    if not isinstance(dependencies, dict):
        raise NoSchemaError("dependencies must be of type object")
    none = NoSchemaError("dependency must be of type schema or array of strings")
    for needed in dependencies.values():
        if not isinstance(needed, list):
            _all(document, [needed], none)
        elif not all(isinstance(name, str) for name in needed):
            raise none
    items = schema.get("items", True)
    if items is not True:
        _all(document, items if isinstance(items, list) else [items], _mismatch("valid schema/array of schemas", "items"))
    if "contains" in schema and document.has(6):
        _all(document, [schema["contains"]], NoSchemaError("Expected: valid schema, given: Invalid JSON"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(document: Document, schema: dict[str, Any]) -> None:
    step = schema.get("multipleOf", 1)
    if not _is_number(step):
        raise _mismatch("number", "multipleOf")
    if step <= 0:
        raise NoSchemaError("multipleOf must be strictly greater than 0")
    for name, beside in _EXCLUSIVE:
        if not _is_number(schema.get(beside, 0)):
            raise NoSchemaError(f"{beside} must be of a number")
        value = schema.get(name, 0 if document.draft != 4 else False)
        if isinstance(value, bool) and document.draft in (4, HYBRID):
            if value and beside not in schema:
                raise NoSchemaError(f"{name} cannot be used without {beside}")
        elif not _is_number(value) or document.draft == 4:
            raise _mismatch({4: "boolean", HYBRID: "boolean/number"}.get(document.draft, "number"), name)


def _lengths(schema: dict[str, Any]) -> None:
    for pair in _LENGTHS:
        for name in pair:
            value = schema.get(name, 0)
            if not _is_number(value) or value != int(value):
                raise NoSchemaError(f"{name} must be of an integer")
            if value < 0:
                raise NoSchemaError(f"{name} must be greater than or equal to 0")
        least, most = pair
        if least != "minItems" and schema.get(least, 0) > schema.get(most, schema.get(least, 0)):
            raise NoSchemaError(f"{least} cannot be greater than {most}")
    pattern = schema.get("pattern", "")
    if not isinstance(pattern, str):
        raise NoSchemaError("pattern must be of a string")
    if not _is_regex(pattern):
        raise NoSchemaError("pattern must be a valid regex")
    if not isinstance(schema.get("format", ""), str):
        raise NoSchemaError("format must be of type string")
    if not isinstance(schema.get("uniqueItems", True), bool):
        raise NoSchemaError("uniqueItems must be of a boolean")


def _is_regex(pattern: str) -> bool:
    from corral.charts.render.regexes import compiled

    try:
        compiled(pattern)
    except ValueError:
        return False
    return True


def _lists(document: Document, schema: dict[str, Any]) -> None:
    for name in ("required", "enum", "oneOf", "anyOf", "allOf"):
        if not isinstance(schema.get(name, []), list):
            raise NoSchemaError(f"{name} must be of an array")
    required = schema.get("required", [])
    if not all(isinstance(name, str) for name in required):
        raise NoSchemaError("required items must be string")
    _distinct("required", required)
    _distinct("enum", [gojson.dumps(value) for value in schema.get("enum", [])])
    for name in ("oneOf", "anyOf", "allOf"):
        _all(document, schema.get(name, []), NoSchemaError(f"{name} must be of an array"))


def _distinct(name: str, texts: list[str]) -> None:
    if len(set(texts)) < len(texts):
        raise NoSchemaError(f"{name} items must be unique")


def _conditions(document: Document, schema: dict[str, Any]) -> None:
    for name in ("not", "if", "then", "else") if document.has(7) else ("not",):
        if name in schema:
            _all(document, [schema[name]], NoSchemaError(f"{name} must be of an object"))
