"""How large the values of a schema can get, for estimates of what expressions cost at most.

The figures are the reference's: they decide which rules a definition may have.
https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#resource-use-by-validation-functions
"""

from dataclasses import dataclass, field

from corral.api.cel.schemas import escaped, properties_of
from corral.api.objects import Object

#: The largest request.
REQUEST_BYTES = 3 * 1024 * 1024
#: By format: characters at most, bytes of JSON at least.
_TEXTS = {"duration": (32, 3), "date": (12, 12), "date-time": (32, 21)}


@dataclass(slots=True, eq=False)
class Sizes:
    """A value's greatest size (characters, items) and its smallest JSON in bytes, and the same of what is in it."""

    most: int = 0
    min_bytes: int = 1
    fields: dict[str, "Sizes"] = field(default_factory=dict)
    items: "Sizes | None" = None
    keys: "Sizes | None" = None


def of_schema(schema: Object, *, is_root: bool = False) -> Sizes | None:
    """The sizes of a schema's values; None where rules can not speak of them."""
    if schema.get("x-kubernetes-int-or-string"):
        longest = schema.get("maxLength")
        return Sizes(REQUEST_BYTES - 2 if longest is None else max(longest, 0) * 4)
    match schema.get("type", ""):
        case "array":
            return _list(schema)
        case "object":
            return _object(schema, is_root=is_root)
        case "string":
            return _text(schema)
        case "boolean":
            return Sizes(0, 4)
        case "integer" | "number":
            return Sizes()
    return None


def _list(schema: Object) -> Sizes | None:
    items = schema.get("items")
    inner = of_schema(items) if isinstance(items, dict) else None
    if inner is None:
        return None
    given = schema.get("maxItems")
    most = (REQUEST_BYTES - 2) // (inner.min_bytes + 1) if given is None else max(given, 0)
    return Sizes(most, 2, items=inner)


def _object(schema: Object, *, is_root: bool) -> Sizes | None:
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        inner = of_schema(others)
        if inner is None:
            return None
        given = schema.get("maxProperties")
        most = (REQUEST_BYTES - 2) // (inner.min_bytes + 6) if given is None else max(given, 0)
        return Sizes(most, 2, items=inner, keys=Sizes(REQUEST_BYTES, 2))
    made, required = Sizes(0, 2), set(schema.get("required") or ())
    for name, inner_schema in properties_of(schema, is_root=is_root).items():
        found, written = of_schema(inner_schema), escaped(name)
        if found is None:
            continue
        if written:
            made.fields[written] = found
        if name in required and inner_schema.get("default") is None:
            made.min_bytes += len(name) + found.min_bytes + 4
    return made


def _text(schema: Object) -> Sizes:
    kind, longest = schema.get("format", ""), schema.get("maxLength")
    if kind in _TEXTS:
        return Sizes(*_TEXTS[kind])
    if longest is not None:
        return Sizes(max(longest, 0) * (1 if kind == "byte" else 4), 2)
    choices = [len(one.encode()) for one in schema.get("enum") or () if isinstance(one, str)]
    return Sizes(max(choices) if choices else REQUEST_BYTES - 2, 2)
