"""The spec of a PersistentVolumeClaim, alone or in a template."""

from collections.abc import Iterable

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.computeresources import check_amount, check_positive
from corral.api.kinds.selector import check_selector
from corral.api.objects import Object
from corral.api.quantity import ZERO, parse

ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")


def default_claim_spec(spec: Object) -> None:
    """Fill in what the spec of a claim leaves open."""
    spec.setdefault("resources", {})
    if spec.get("volumeMode") is None:
        spec["volumeMode"] = "Filesystem"


def check_access_modes(errs: Errors, modes: Iterable[str], path: Path) -> None:
    """The access modes of a claim or volume."""
    known = set()
    for mode in modes:
        if mode in ACCESS_MODES:
            known.add(mode)
        else:
            errs.unsupported(path, mode, ACCESS_MODES)
    if "ReadWriteOncePod" in known and len(known) > 1:
        errs.forbidden(path, "may not use ReadWriteOncePod with other access modes")


def check_claim_spec(errs: Errors, spec: Object, path: Path) -> None:
    """What a claim asks for."""
    modes = spec.get("accessModes") or ()
    if not modes:
        errs.required(path.child("accessModes"), "at least 1 access mode is required")
    check_selector(errs, spec.get("selector"), path.child("selector"))
    check_access_modes(errs, modes, path.child("accessModes"))
    _check_storage(errs, spec, path.child("resources").key("storage"))
    _check_class(errs, spec.get("storageClassName"), path.child("storageClassName"))
    mode = spec.get("volumeMode")
    if mode is not None and mode not in VOLUME_MODES:
        errs.unsupported(path.child("volumeMode"), mode, VOLUME_MODES)
    _check_data_sources(errs, spec, path)
    _check_class(errs, spec.get("volumeAttributesClassName"), path.child("volumeAttributesClassName"))


def _check_storage(errs: Errors, spec: Object, path: Path) -> None:
    amount = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if amount is None:
        errs.required(path)
    elif parse(amount) <= ZERO:
        check_positive(errs, amount, path)
    else:
        check_amount(errs, "storage", amount, path)


def _check_class(errs: Errors, name: str | None, path: Path) -> None:
    if name:
        errs.each(path, name, names.dns_subdomain(name))


def _check_data_sources(errs: Errors, spec: Object, path: Path) -> None:
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None:
        _check_data_source(errs, source, path.child("dataSource"))
    if reference is None:
        return
    _check_data_source(errs, reference, path.child("dataSourceRef"))
    namespace = reference.get("namespace")
    if namespace:
        errs.each(path.child("dataSourceRef", "namespace"), namespace, names.dns_label(namespace))
        if source is not None:
            why = "may not be specified when dataSourceRef.namespace is specified"
            errs.invalid(path, path.child("dataSource"), why)
    elif source is not None and any(source.get(k) != reference.get(k) for k in ("apiGroup", "kind", "name")):
        errs.invalid(path, path.child("dataSource"), "must match dataSourceRef")


def _check_data_source(errs: Errors, source: Object, path: Path) -> None:
    for field in ("name", "kind"):
        if not source.get(field):
            errs.required(path.child(field))
    group, kind = source.get("apiGroup") or "", source.get("kind", "")
    if group:
        errs.each(path.child("apiGroup"), group, names.dns_subdomain(group))
    elif kind != "PersistentVolumeClaim":
        errs.invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
