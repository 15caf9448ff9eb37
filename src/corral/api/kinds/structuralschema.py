"""The schemas in CustomResourceDefinitions: which keywords they may use, and where, so that they are structural.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
"""

from collections.abc import Iterator

from corral.api import regexes
from corral.api.fields import Errors, Path
from corral.api.kinds.schemarules import Around, check_expressions, check_rule, check_total
from corral.api.objects import Object
from corral.api.schemacheck import check

TYPES = ("array", "boolean", "integer", "number", "object", "string")
LIST_TYPES = ("atomic", "map", "set")
MAP_TYPES = ("atomic", "granular")
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
#: Keywords that shape a value; they have no place below anyOf, allOf, oneOf and not.
_SHAPES = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    "externalDocs": "must be undefined to be structural",
    "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
    "x-kubernetes-embedded-resource": "must be false to be structural",
    "x-kubernetes-int-or-string": "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
    "x-kubernetes-validations": "must be empty to be structural",
}
_ROOT, _ITEM, _FIELD = "at the root", "for specified array items", "for specified object fields"


def check_schema(errs: Errors, schema: Object, path: Path, *, with_status: bool = False) -> None:
    """A version's whole schema: the structure, the defaults, the keywords, and the rules where all else is well.

    `with_status`: the status is a subresource, so that its schema is taken out of the properties.
    """
    kind = schema.get("type", "")
    if with_status and kind and kind != "object":
        why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        errs.invalid(path.child("type"), kind, why)
    if schema.get("nullable"):
        errs.forbidden(path.child("nullable"), "nullable cannot be true at the root")
    structure, keywords, rules = Errors(), Errors(), Errors()
    _check_structure(structure, schema, path, _ROOT)
    structure.items.sort(key=str)
    if not structure:
        _check_defaults(structure, schema, path)
    around = Around()
    _check_keywords(keywords, rules, schema, path, around)
    check_total(rules, around, path)
    errs.extend(structure)
    errs.extend(keywords)
    if not structure:
        errs.extend(rules)


def _inner(schema: Object, path: Path) -> Iterator[tuple[Object, Path]]:
    """The schemas right below, in order."""
    others, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(others, dict):
        yield others, path.child("additionalProperties")
    for name, inner in sorted((schema.get("properties") or {}).items()):
        yield inner, path.child("properties").key(name)
    if isinstance(schema.get("not"), dict):
        yield schema["not"], path.child("not")
    for word in ("allOf", "oneOf", "anyOf"):
        for i, inner in enumerate(schema.get(word) or ()):
            yield inner, path.child(word).at(i)
    if isinstance(items, dict):
        yield items, path.child("items")


def _check_keywords(errs: Errors, rules: Errors, schema: Object, path: Path, around: Around) -> None:
    """Faults of keywords go to `errs`, those of CEL rules to `rules`: the latter are looked at where nothing else is wrong."""
    before = len(errs.items)
    for word in _UNSUPPORTED:
        if schema.get(word):
            errs.forbidden(path.child(word), f"{word} is not supported")
    kind = schema.get("type", "")
    if kind == "null":
        errs.forbidden(path.child("type"), "type cannot be set to null, use nullable as an alternative")
    elif kind and kind not in TYPES:
        errs.unsupported(path.child("type"), kind, TYPES)
    if isinstance(schema.get("items"), list):
        errs.forbidden(path.child("items"), "items must be a schema object and not an array")
    if schema.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        errs.forbidden(path.child("uniqueItems"), why)
    others = schema.get("additionalProperties")
    if others is not None and others is not True and schema.get("properties"):
        why = "additionalProperties and properties are mutual exclusive"
        errs.forbidden(path.child("additionalProperties"), why)
    for inner, at in _inner(schema, path):
        _check_keywords(errs, rules, inner, at, around.below(schema, inner, at))
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        errs.invalid(path.child("x-kubernetes-preserve-unknown-fields"), False, "must be true or undefined")
    _check_lists_and_maps(errs, schema, path)
    given = schema.get("x-kubernetes-validations") or []
    for i, rule in enumerate(given):
        check_rule(errs, rule, schema, path.child("x-kubernetes-validations").at(i))
    if given and len(errs.items) == before:
        check_expressions(rules, schema, path, around)


def _check_lists_and_maps(errs: Errors, schema: Object, path: Path) -> None:
    kinds = (("x-kubernetes-map-type", "object", MAP_TYPES), ("x-kubernetes-list-type", "array", LIST_TYPES))
    for word, wanted, choices in kinds:
        value, kind = schema.get(word), schema.get("type", "")
        if value is None:
            continue
        if kind != wanted:
            why = f"must be {wanted} if {word} is specified"
            if kind:
                errs.invalid(path.child("type"), kind, why)
            else:
                errs.required(path.child("type"), why)
        if value not in choices:
            errs.unsupported(path.child(word), value, choices)
    list_type, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or []
    if keys and list_type != "map":
        why, at = "must be map if x-kubernetes-list-map-keys is non-empty", path.child("x-kubernetes-list-type")
        if list_type is None:
            errs.required(at, why)
        else:
            errs.invalid(at, list_type, why)
    if list_type == "map":
        _check_map_keys(errs, schema, keys, path)


def _check_map_keys(errs: Errors, schema: Object, keys: list[str], path: Path) -> None:
    at, items = path.child("x-kubernetes-list-map-keys"), schema.get("items")
    if not keys:
        errs.required(at, "must not be empty if x-kubernetes-list-type is map")
    if not isinstance(items, dict):
        errs.required(path.child("items"), "must have a schema if x-kubernetes-list-type is map")
        return
    if items.get("type") != "object":
        why = "must be object if parent array's x-kubernetes-list-type is map"
        errs.invalid(path.child("items", "type"), items.get("type", ""), why)
    seen: set[str] = set()
    for i, key in enumerate(keys):
        field = (items.get("properties") or {}).get(key)
        if field is None:
            errs.invalid(at.at(i), key, "entries must all be names of item properties")
        elif field.get("type") in ("array", "object"):
            why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            errs.invalid(path.child("items", "properties").key(key).child("type"), field["type"], why)
        elif key not in (items.get("required") or ()) and field.get("default") is None:
            why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            errs.required(path.child("items", "properties").key(key).child("default"), why)
        if key in seen:
            errs.invalid(at.at(i), key, "must not contain duplicate entries")
        seen.add(key)


def _check_structure(errs: Errors, schema: Object, path: Path, level: str) -> None:
    kind, items, others = schema.get("type", ""), schema.get("items"), schema.get("additionalProperties")
    embedded, unknown = (bool(schema.get(f"x-kubernetes-{w}")) for w in ("embedded-resource", "preserve-unknown-fields"))
    int_or_string = bool(schema.get("x-kubernetes-int-or-string"))
    if kind == "array" and items is None:
        errs.required(path.child("items"), "must be specified")
    if isinstance(items, dict):
        _check_structure(errs, items, path.child("items"), _ITEM)
    for name, inner in (schema.get("properties") or {}).items():
        _check_structure(errs, inner, path.child("properties").key(name), _FIELD)
    at = path.child("additionalProperties")
    if others is not None:
        if level == _ROOT:
            errs.forbidden(at, "must not be used at the root")
        if isinstance(others, dict):
            _check_structure(errs, others, at, _FIELD)
    for word, given in (("preserve-unknown-fields", unknown), ("embedded-resource", embedded)):
        if int_or_string and given:
            why = "must be false if x-kubernetes-int-or-string is true"
            errs.invalid(path.child(f"x-kubernetes-{word}"), True, why)
    _check_junctors(errs, schema, path, schema)
    if embedded and kind != "object":
        why = "must be object if x-kubernetes-embedded-resource is true"
        if kind:
            errs.invalid(path.child("type"), kind, why)
        else:
            errs.required(path.child("type"), why)
    elif not kind and not int_or_string and not unknown:
        errs.required(path.child("type"), f"must not be empty {level}")
    if embedded and others is not None:
        errs.forbidden(at, "must not be used if x-kubernetes-embedded-resource is set")
    if level == _ROOT and kind and kind != "object":
        errs.invalid(path.child("type"), kind, "must be object at the root")
    if level == _ROOT or embedded:
        _check_object_fields(errs, schema, path, level)
    if embedded and not unknown and not schema.get("properties"):
        why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"
        errs.required(path.child("properties"), why)


def _check_object_fields(errs: Errors, schema: Object, path: Path, level: str) -> None:
    properties, at = schema.get("properties") or {}, path.child("properties")
    for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
        given = properties.get(name)
        if given is not None and given.get("type", "") != wanted:
            errs.invalid(at.key(name).child("type"), given.get("type", ""), f"must be {wanted}")
    meta = properties.get("metadata")
    if level == _ROOT and meta is not None:
        extra = set(meta) - {"type", "properties", "default", "description"}
        if extra or set(meta.get("properties") or {}) - {"name", "generateName"} or meta.get("description"):
            why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            errs.forbidden(at.key("metadata"), why)


def _check_junctors(errs: Errors, schema: Object, path: Path, whole: Object) -> None:
    """What stands below anyOf, allOf, oneOf and not; the usual pattern of int-or-string is spared."""
    pattern = schema.get("pattern")
    if pattern:
        try:
            regexes.compiled(pattern)
        except regexes.RegexError as error:
            errs.invalid(path.child("pattern"), pattern, f"must be a valid regular expression, but isn't: {error}")
    spared = schema.get("anyOf") == _INT_OR_STRING
    for word in ("anyOf", "allOf", "oneOf"):
        for i, inner in enumerate(schema.get(word) or ()):
            if not (word == "anyOf" and spared):
                _check_nested(errs, inner, path.child(word).at(i), whole)
    if isinstance(schema.get("not"), dict):
        _check_nested(errs, schema["not"], path.child("not"), whole)


def _check_nested(errs: Errors, schema: Object, path: Path, whole: Object | None) -> None:
    """`whole` is the schema beside the junctor: what is spoken of here must be specified there."""
    _check_junctors(errs, schema, path, whole or {})
    for word, why in _SHAPES.items():
        if schema.get(word):
            errs.forbidden(path.child(word), why)
    items = schema.get("items")
    if isinstance(items, dict):
        _check_nested(errs, items, path.child("items"), (whole or {}).get("items"))
    for name, inner in (schema.get("properties") or {}).items():
        at = path.child("properties").key(name)
        if name == "metadata":
            errs.forbidden(at, "must not be specified in a nested context")
        _check_nested(errs, inner, at, ((whole or {}).get("properties") or {}).get(name))


def _check_defaults(errs: Errors, schema: Object, path: Path) -> None:
    default = schema.get("default")
    if default is not None:
        check(errs, default, schema, path.child("default"))
    items, others = schema.get("items"), schema.get("additionalProperties")
    if isinstance(items, dict):
        _check_defaults(errs, items, path.child("items"))
    for name, inner in (schema.get("properties") or {}).items():
        _check_defaults(errs, inner, path.child("properties").key(name))
    if isinstance(others, dict):
        _check_defaults(errs, others, path.child("additionalProperties"))
