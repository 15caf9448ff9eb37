"""The rules of custom resources: what their definition says of one version. Pure.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from corral.api import definitions, schemacheck
from corral.api.customschema import check_embedded, check_lists, has_rules, pruned, set_defaults, type_of
from corral.api.durations import elapsed
from corral.api.errors import ApiError
from corral.api.fields import NO_PATH, Errors, Path
from corral.api.jsonpath import JsonPathError, find, names
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.api.rules import Context, Rules
from corral.api.tables import definitions as column_definitions

if TYPE_CHECKING:
    from corral.api.cel import Budget
    from corral.api.validationrules import Validations

#: Faults that leave nothing for validation rules to look at.
_BLOCKING = frozenset(
    {"FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"}
)
_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
)
_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}
_NO_VALUE: Any = object()


class CustomRules(Rules):
    """The rules of one version of a definition."""

    has_generation = True
    allow_unconditional_update = False

    def __init__(self, definition: Object, resource: Resource) -> None:
        version = definitions.version_of(definition, resource.version)
        parts = version.get("subresources") or {}
        self.resource = resource
        self.schema: Object = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        if definition["spec"].get("preserveUnknownFields"):
            self.schema = {**self.schema, "x-kubernetes-preserve-unknown-fields": True}
        self.type = type_of(self.schema)
        self._defaulting = _without_metadata(self.schema)
        self.has_status = parts.get("status") is not None
        self.scale: Object = parts.get("scale") or {}
        self._is_ending = definitions.is_true(definition, "Terminating")
        self._validations = _validations(self.schema)
        self._columns: list[Object] = version.get("additionalPrinterColumns") or [_AGE]
        self._selectable = [field["jsonPath"] for field in version.get("selectableFields") or ()]
        if version.get("deprecated"):
            shown = f"{resource.api_version} {resource.kind} is deprecated"
            self.deprecation = version.get("deprecationWarning") or shown

    def default(self, obj: Object) -> None:
        """The schema's defaults."""
        set_defaults(obj, self._defaulting)

    def seen(self, obj: Object) -> Object:
        """A stored object (the caller's own) in this version: as the schema of today makes it."""
        made: Object = pruned({**obj, "apiVersion": self.resource.api_version}, self.schema, [], is_object=True)
        self.default(made)
        return made

    def prepare_create(self, obj: Object, context: Context) -> None:
        """No status yet, where it has an endpoint of its own; nothing new while the definition is being deleted."""
        if self._is_ending:
            message = "create not allowed while custom resource definition is terminating"
            details = {"group": self.resource.group, "kind": self.resource.plural}
            raise ApiError(405, "MethodNotAllowed", message, details)
        super().prepare_create(obj, context)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """The status endpoint changes nothing else, metadata included."""
        if subresource != "status":
            super().prepare_update(new, old, subresource, context)
            return
        status, managed = new.get("status", _NO_VALUE), new["metadata"].get("managedFields")
        new.clear()
        new.update({name: value for name, value in old.items() if name != "status"})
        new["metadata"] = dict(old["metadata"])
        if managed is not None:
            new["metadata"]["managedFields"] = managed
        if status is not _NO_VALUE:
            new["status"] = status

    def validate_create(self, obj: Object) -> Errors:
        """The object against the schema."""
        return self._faults(obj)

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; faults that were there before are left alone (KEP-4008)."""
        errs = self._faults(new)
        if errs:
            known = {(error.field, error.body) for error in self._faults(old).items}
            errs = Errors([error for error in errs.items if (error.field, error.body) not in known])
        return errs

    @property
    def has_expressions(self) -> bool:
        """Whether the schema has validation rules."""
        return self._validations is not None

    def evaluate(
        self, faults: Errors, obj: Object, old: Object | None, make_budget: "Callable[[float], Budget]"
    ) -> tuple[Errors, list[str]]:
        """The validation rules, unless `faults` leave nothing for them to look at; warnings of what was broken before."""
        if any(error.reason in _BLOCKING for error in faults.items):
            unchecked = Errors()
            unchecked.invalid(NO_PATH, None, _UNCHECKED)
            return unchecked, []
        assert self._validations is not None
        errors, warnings = self._validations.check(obj, old, make_budget)
        return errors, [str(error) for error in warnings.items]

    def _faults(self, obj: Object) -> Errors:
        errs, path = Errors(), Path()
        for name, wanted in (("apiVersion", self.resource.api_version), ("kind", self.resource.kind)):
            if obj.get(name) != wanted:
                errs.invalid(name, obj.get(name), f"must be {wanted}")
        schemacheck.check(errs, obj, self.schema, path)
        check_embedded(errs, obj, self._defaulting, path)
        check_lists(errs, obj, self.schema, path)
        return errs

    def columns(self, resource: Resource) -> list[Object]:
        """The name, and the columns that the definition asks for (or the age)."""
        made = column_definitions(["Name"])
        for column in self._columns:
            about = f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
            if column is _AGE:
                about = column_definitions(["Age"])[0]["description"]
            made.append(
                {
                    "name": column["name"],
                    "type": column["type"],
                    "format": column.get("format", ""),
                    "description": column.get("description") or about,
                    "priority": column.get("priority", 0),
                }
            )
        return made

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [obj["metadata"].get("name", ""), *(_cell(obj, column, now_s) for column in self._columns)]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """The name, the namespace, and the fields that the definition names."""
        meta = obj["metadata"]
        found = {"metadata.name": meta.get("name", ""), "metadata.namespace": meta.get("namespace", "")}
        for path in self._selectable:
            values = _values(obj, path)
            found[path.removeprefix(".")] = _text(values[0]) if values else ""
        return found

    def scale_of(self, obj: Object) -> tuple[int | None, int, str]:
        """Replicas wanted (None: not said) and there are, and the selector as text."""
        wanted, present = (_first(obj, self.scale[path]) for path in ("specReplicasPath", "statusReplicasPath"))
        selector = _first(obj, self.scale["labelSelectorPath"]) if self.scale.get("labelSelectorPath") else None
        return wanted, present or 0, selector or ""

    def set_scale(self, obj: Object, replicas: int) -> None:
        """Want so many replicas, in place."""
        *parents, last = names(self.scale["specReplicasPath"])
        for name in parents:
            if not isinstance(obj.get(name), dict):
                obj[name] = {}
            obj = obj[name]
        obj[last] = replicas


def _validations(schema: Object) -> "Validations | None":
    if not has_rules(schema):
        return None
    # Only where there are rules is CEL loaded: it takes some megabytes.
    from corral.api.validationrules import validations_of

    return validations_of(schema, is_root=True)


def _without_metadata(schema: Object) -> Object:
    properties = {name: one for name, one in (schema.get("properties") or {}).items() if name != "metadata"}
    return {**schema, "properties": properties}


def _first(obj: Object, path: str) -> Any:
    found = _values(obj, path)
    return found[0] if found else None


def _values(obj: Object, path: str) -> list[Any]:
    """What is at a path of a definition; nothing where the path is none."""
    try:
        return find(obj, path)
    except JsonPathError:
        return []


def _cell(obj: Object, column: Object, now_s: float) -> object:
    found = _values(obj, column["jsonPath"])
    if not found:
        return None
    value, kind = found[0], column["type"]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "string":
            return _text(value)
        case "integer" if is_number:
            return int(value)
        case "number" if is_number:
            return float(value)
        case "boolean" if isinstance(value, bool):
            return value
        case "date" if isinstance(value, str):
            try:
                return elapsed(value, now_s)
            except ValueError:
                return "<invalid>"
    return None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
