"""values.schema.json: what values a chart accepts, told in the words that Helm's validator uses.

https://helm.sh/docs/topics/charts/#schema-files
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from corral.charts.chart.errors import ChartError
from corral.charts.chart.model import Chart, Values

MAX_ERRORS = 100


def check(chart: Chart, values: Values) -> None:
    """Raise ChartError where the values of `chart` or of a chart in it are not what their schemas say."""
    text = "".join(_faults(chart, values))
    if text:
        raise ChartError(
            f"values don't meet the specifications of the schema(s) in the following chart(s):\n{text}",
            "correct the values that it names",
        )


def _faults(chart: Chart, values: Values) -> Iterator[str]:
    if chart.schema is not None:
        found = list(faults(chart.schema, values))
        if found:
            yield f"{chart.name}:\n" + "".join(f"- {fault}\n" for fault in found)
    for sub in chart.dependencies:
        own = values.get(sub.name)
        yield from _faults(sub, own if isinstance(own, dict) else {})


def faults(schema: bytes, values: Values) -> Iterator[str]:
    """What is wrong with `values`, one line each."""
    import jsonschema
    from jsonschema.validators import validator_for
    from referencing.exceptions import Unresolvable

    try:
        content = json.loads(schema)
        cls = validator_for(content, default=jsonschema.Draft7Validator)
        cls.check_schema(content)
        found = sorted(_leaves(cls(content).iter_errors(_plain(values))), key=lambda e: [str(p) for p in e.absolute_path])
    except (ValueError, jsonschema.SchemaError, RecursionError, Unresolvable) as error:
        message = error.message if isinstance(error, jsonschema.SchemaError) else str(error)
        raise ChartError(f"values.schema.json is no usable schema: {message}", "correct values.schema.json") from None
    for fault in found[:MAX_ERRORS]:
        where = ".".join(map(str, fault.absolute_path)) or "(root)"
        for text in _described(fault):
            yield f"{where}: {text}"


def _leaves(errors: Any) -> Iterator[Any]:
    for error in errors:
        yield error
        if error.validator in ("anyOf", "oneOf") and error.context:
            first = error.context[0].schema_path[0]
            yield from _leaves(e for e in error.context if e.schema_path[0] == first)


def _plain(value: Any) -> Any:
    """Whole floats as integers: a schema's `integer` means them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    names = {str: "string", float: "number", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), "null")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, int | float) and not isinstance(value, bool):
        from corral.charts.render.strconv import format_float

        return format_float(float(value))
    return json.dumps(value)


def _described(error: Any) -> list[str]:
    rule, value = error.validator_value, error.instance
    field = str(error.absolute_path[-1]) if error.absolute_path else "(root)"
    if error.validator == "required":
        # One error a name that is missing; jsonschema tells them one by one, too.
        return [f"{error.message.split(chr(39))[1]} is required"]
    if error.validator == "additionalProperties":
        known, patterns = error.schema.get("properties", {}), error.schema.get("patternProperties", {})
        names = [n for n in value if n not in known and not any(re.search(p, n) for p in patterns)]
        return [f"Additional property {name} is not allowed" for name in names]
    if error.validator in ("enum", "const"):
        one_of = f"must be one of the following: {', '.join(map(_shown, rule))}" if error.validator == "enum" else ""
        return [f"{field} {one_of or f'does not match: {_shown(rule)}'}"]
    if error.validator == "uniqueItems":
        pair = next((i, j) for j, one in enumerate(value) for i in range(j) if value[i] == one)
        return [f"array items[{pair[0]},{pair[1]}] must be unique"]
    tell = _WORDS.get(error.validator)
    return [tell(rule, value)] if tell else [error.message]


_WORDS: dict[str, Callable[[Any, Any], str]] = {
    "type": lambda rule, value: (
        f"Invalid type. Expected: {rule if isinstance(rule, str) else '[' + ','.join(rule) + ']'}, given: {_type(value)}"
    ),
    "minimum": lambda rule, value: f"Must be greater than or equal to {_shown(rule)}",
    "exclusiveMinimum": lambda rule, value: f"Must be greater than {_shown(rule)}",
    "maximum": lambda rule, value: f"Must be less than or equal to {_shown(rule)}",
    "exclusiveMaximum": lambda rule, value: f"Must be less than {_shown(rule)}",
    "multipleOf": lambda rule, value: f"Must be a multiple of {_shown(rule)}",
    "minLength": lambda rule, value: f"String length must be greater than or equal to {rule}",
    "maxLength": lambda rule, value: f"String length must be less than or equal to {rule}",
    "pattern": lambda rule, value: f"Does not match pattern '{rule}'",
    "format": lambda rule, value: f"Does not match format '{rule}'",
    "minItems": lambda rule, value: f"Array must have at least {rule} items",
    "maxItems": lambda rule, value: f"Array must have at most {rule} items",
    "contains": lambda rule, value: "At least one of the items must match",
    "minProperties": lambda rule, value: f"Must have at least {rule} properties",
    "maxProperties": lambda rule, value: f"Must have at most {rule} properties",
    "anyOf": lambda rule, value: "Must validate at least one schema (anyOf)",
    "oneOf": lambda rule, value: "Must validate one and only one schema (oneOf)",
    "allOf": lambda rule, value: "Must validate all the schemas (allOf)",
    "not": lambda rule, value: "Must not validate the schema (not)",
}
