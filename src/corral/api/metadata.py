"""What an object's metadata may hold, on create and on update (apimachinery's `api/validation`).

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

from typing import Any

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.api.rules import Rules

ANNOTATIONS_MAX_BYTES = 256 * 1024
MANAGER_MAX_CHARS = 128
SUBRESOURCE_MAX_CHARS = 256
ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_STANDARD_FINALIZERS = ("kubernetes", ORPHAN, FOREGROUND)
_IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_TIMES = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_OWNER_ORDER = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
_META = Path("metadata")


def validate_create(obj: Object, resource: Resource, rules: Rules) -> Errors:
    """What is wrong with a new object's metadata; its name is checked as `rules.name_format` says."""
    errors, meta = Errors(), obj["metadata"]
    name = meta.get("name", "")
    if not name:
        errors.required(_META.child("name"), "name or generateName is required")
    else:
        errors.each(_META.child("name"), name, getattr(names, rules.name_format)(name))
    _validate_namespace(errors, meta.get("namespace", ""), resource.namespaced)
    if meta.get("generation", 0) < 0:
        errors.invalid(_META.child("generation"), meta["generation"], "must be greater than or equal to 0")
    validate_labels(errors, _META.child("labels"), meta.get("labels"))
    validate_annotations(errors, _META.child("annotations"), meta.get("annotations"))
    _validate_owners(errors, meta.get("ownerReferences") or [])
    finalizers = meta.get("finalizers") or []
    _validate_finalizers(errors, finalizers)
    _validate_managed_fields(errors, meta.get("managedFields") or [])
    _validate_finalizer_domains(errors, finalizers)
    return errors


def validate_update(new: Object, old: Object) -> Errors:
    """What is wrong with a change of metadata. The server has filled in what a client need not send."""
    errors, meta, before = Errors(), new["metadata"], old["metadata"]
    finalizers = meta.get("finalizers") or []
    if before.get("deletionTimestamp") is not None:
        _validate_no_new_finalizers(errors, finalizers, before.get("finalizers") or [])
    if meta.get("generation", 0) < before.get("generation", 0):
        errors.invalid(_META.child("generation"), meta.get("generation", 0), "must not be decremented")
    for name in _IMMUTABLE:
        empty = None if name in _TIMES else ""
        if meta.get(name, empty) != before.get(name, empty):
            errors.invalid(_META.child(name), meta.get(name, empty), "field is immutable")
    validate_labels(errors, _META.child("labels"), meta.get("labels"))
    validate_annotations(errors, _META.child("annotations"), meta.get("annotations"))
    _validate_owners(errors, meta.get("ownerReferences") or [])
    _validate_managed_fields(errors, meta.get("managedFields") or [])
    _validate_finalizer_domains(errors, finalizers)
    return errors


def validate_labels(errors: Errors, path: Path, labels: dict[str, str] | None) -> None:
    """Labels: keys are qualified names, values label values. All faults are reported at `path` itself."""
    for key, value in (labels or {}).items():
        errors.each(path, key, names.qualified_name(key))
        errors.each(path, value, names.label_value(value))


def validate_annotations(errors: Errors, path: Path, annotations: dict[str, str] | None) -> None:
    """Annotations: keys are qualified names in any case, all together no more than 256 KiB."""
    given = annotations or {}
    for key in given:
        errors.each(path, key, names.qualified_name(key.lower()))
    if sum(len(key.encode()) + len(value.encode()) for key, value in given.items()) > ANNOTATIONS_MAX_BYTES:
        errors.too_long(path, ANNOTATIONS_MAX_BYTES)


def _validate_namespace(errors: Errors, namespace: str, namespaced: bool) -> None:
    path = _META.child("namespace")
    if not namespaced:
        if namespace:
            errors.forbidden(path, "not allowed on this type")
    elif not namespace:
        errors.required(path)
    else:
        errors.each(path, namespace, names.dns_label(namespace))


def _validate_owners(errors: Errors, owners: list[Object]) -> None:
    path, controller = _META.child("ownerReferences"), ""
    for owner in owners:
        group, _, version = owner.get("apiVersion", "").rpartition("/")
        if not version:
            errors.invalid(path.child("apiVersion"), owner.get("apiVersion", ""), "version must not be empty")
        for name in ("kind", "name", "uid"):
            if not owner.get(name):
                errors.invalid(path.child(name), "", "must not be empty")
        if (group, version, owner.get("kind")) == ("", "v1", "Event"):
            errors.invalid(path, _ordered(owner), "/v1, Kind=Event is disallowed from being an owner")
        if owner.get("controller"):
            this = f"{owner.get('kind', '')}/{owner.get('name', '')}"
            if controller:
                many = 'Only one reference can have Controller set to true. Found "true" in references for'
                errors.invalid(path, [_ordered(o) for o in owners], f"{many} {controller} and {this}")
            else:
                controller = this


def _ordered(owner: Object) -> dict[str, Any]:
    return {name: owner[name] for name in _OWNER_ORDER if name in owner}


def _validate_finalizers(errors: Errors, finalizers: list[str]) -> None:
    path = _META.child("finalizers")
    for finalizer in finalizers:
        errors.each(path, finalizer, names.qualified_name(finalizer))
    if ORPHAN in finalizers and FOREGROUND in finalizers:
        errors.invalid(path, finalizers, f"finalizer {ORPHAN} and {FOREGROUND} cannot be both set")


def _validate_finalizer_domains(errors: Errors, finalizers: list[str]) -> None:
    for i, finalizer in enumerate(finalizers):
        if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            errors.invalid(_META.child("finalizers").at(i), finalizer, text)


def _validate_no_new_finalizers(errors: Errors, finalizers: list[str], before: list[str]) -> None:
    extra = sorted(set(finalizers) - set(before))
    if extra:
        shown = ", ".join(f'"{name}"' for name in extra)
        text = "no new finalizers can be added if the object is being deleted, found new finalizers"
        errors.forbidden(_META.child("finalizers"), f"{text} []string{{{shown}}}")


def _validate_managed_fields(errors: Errors, entries: list[Object]) -> None:
    for i, entry in enumerate(entries):
        path = _META.child("managedFields").at(i)
        if entry.get("operation") not in ("Apply", "Update"):
            errors.invalid(path.child("operation"), entry.get("operation", ""), "must be `Apply` or `Update`")
        if entry.get("fieldsType", "FieldsV1") != "FieldsV1":
            errors.invalid(path.child("fieldsType"), entry["fieldsType"], "must be `FieldsV1`")
        validate_manager(errors, path.child("manager"), entry.get("manager", ""))
        if len(entry.get("subresource", "")) > SUBRESOURCE_MAX_CHARS:
            errors.too_long(path.child("subresource"), SUBRESOURCE_MAX_CHARS)


def validate_manager(errors: Errors, path: Path, manager: str) -> None:
    """The name of a field manager: at most 128 bytes, printable."""
    if len(manager.encode()) > MANAGER_MAX_CHARS:
        errors.too_long(path, MANAGER_MAX_CHARS)
    at = 0
    for char in manager:
        if not char.isprintable():
            errors.invalid(path, manager, f"invalid character U+{ord(char):04X} (at position {at})")
        at += len(char.encode())
