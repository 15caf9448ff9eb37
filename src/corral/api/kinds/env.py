"""Environment variables of containers."""

import re

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.paths import check_not_reserved
from corral.api.objects import Object
from corral.api.quantity import ZERO, parse

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_KNOWN_FIELDS = {*ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy"}
RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_SIZES = "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei"
_SUBSCRIPT = re.compile(r"([^\[]+)\['(.*)'\]")


def check_env(errs: Errors, variables: list[Object], path: Path) -> None:
    """The variables of a container."""
    for i, variable in enumerate(variables):
        at, name = path.at(i), variable.get("name", "")
        if not name:
            errs.required(at.child("name"))
        else:
            errs.each(at.child("name"), name, names.env_var_name(name))
        if variable.get("valueFrom") is not None:
            _check_source(errs, variable, at.child("valueFrom"))


def check_env_from(errs: Errors, sources: list[Object], path: Path) -> None:
    """ConfigMaps and Secrets that become variables as a whole."""
    for i, source in enumerate(sources):
        at, prefix = path.at(i), source.get("prefix", "")
        if prefix:
            errs.each(at.child("prefix"), prefix, names.env_var_name(prefix))
        count = 0
        for kind in ("configMapRef", "secretRef"):
            reference = source.get(kind)
            if reference is None:
                continue
            count += 1
            name = reference.get("name", "")
            if not name:
                errs.required(at.child(kind, "name"))
            else:
                masked = name[:-1] + "a" if name.endswith("-") else name
                errs.each(at.child(kind, "name"), name, names.dns_subdomain(masked))
        if count == 0:
            errs.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
        elif count > 1:
            errs.invalid(path, "", "may not have more than one field specified at a time")


def check_field(errs: Errors, field: Object, known: tuple[str, ...], path: Path) -> None:
    """An ObjectFieldSelector of the downward API."""
    if not field.get("apiVersion"):
        errs.required(path.child("apiVersion"))
        return
    name = field.get("fieldPath", "")
    if not name:
        errs.required(path.child("fieldPath"))
        return
    match = _SUBSCRIPT.fullmatch(name)
    base = match[1] if match else name
    if (base not in _KNOWN_FIELDS and not match) or field["apiVersion"] != "v1":
        why = f"error converting fieldPath: field label not supported: {name}"
        if field["apiVersion"] != "v1":
            why = f"error converting fieldPath: unsupported pod version: {field['apiVersion']}"
        errs.invalid(path.child("fieldPath"), name, why)
    elif match:
        _check_subscript(errs, base, match[2], name, path)
    elif name not in known:
        errs.unsupported(path.child("fieldPath"), name, known)


def check_resource_field(errs: Errors, field: Object, path: Path, *, in_volume: bool) -> None:
    """A ResourceFieldSelector of the downward API."""
    resource = field.get("resource", "")
    if in_volume and not field.get("containerName"):
        errs.required(path.child("containerName"))
    elif not resource:
        errs.required(path.child("resource"))
    elif resource not in RESOURCES and not resource.startswith(_HUGE_PAGES):
        errs.unsupported(path.child("resource"), resource, RESOURCES)
    _check_divisor(errs, resource, field.get("divisor", "0"), path.child("divisor"))


def _check_subscript(errs: Errors, base: str, key: str, name: str, path: Path) -> None:
    if base == "metadata.annotations":
        errs.each(path, key.lower(), names.qualified_name(key.lower()))
    elif base == "metadata.labels":
        errs.each(path, key, names.qualified_name(key))
    elif base in _KNOWN_FIELDS:
        errs.invalid(path, base, "does not support subscript")
    else:
        errs.invalid(
            path.child("fieldPath"), name, f"error converting fieldPath: field label does not support subscript: {name}"
        )


def _check_divisor(errs: Errors, resource: str, divisor: str, path: Path) -> None:
    quantity = parse(divisor)
    if quantity == ZERO:
        return
    kind = resource.partition(".")[2]
    if kind == "cpu":
        if str(quantity) not in ("1m", "1"):
            errs.invalid(path, resource, "only divisor's values 1m and 1 are supported with the cpu resource")
        return
    shown = {"memory": "memory", "ephemeral-storage": "local ephemeral storage"}.get(kind)
    if shown is None and resource.startswith(_HUGE_PAGES):
        shown = "hugepages"
    if shown and str(quantity) not in _SIZES.split(", "):
        errs.invalid(path, resource, f"only divisor's values {_SIZES} are supported with the {shown} resource")


def _check_source(errs: Errors, variable: Object, path: Path) -> None:
    source = variable["valueFrom"]
    count = 0
    if source.get("fieldRef") is not None:
        count += 1
        check_field(errs, source["fieldRef"], ENV_FIELDS, path.child("fieldRef"))
    if source.get("resourceFieldRef") is not None:
        count += 1
        check_resource_field(errs, source["resourceFieldRef"], path.child("resourceFieldRef"), in_volume=False)
    for kind in ("configMapKeyRef", "secretKeyRef"):
        reference = source.get(kind)
        if reference is not None:
            count += 1
            _check_key(errs, reference, path.child(kind))
    if source.get("fileKeyRef") is not None:
        count += 1
        _check_file_key(errs, source["fileKeyRef"], path.child("fileKeyRef"))
    if count == 0:
        why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        errs.invalid(path, "", why)
    elif variable.get("value"):
        errs.invalid(path, "", "may not be specified when `value` is not empty")
    elif count > 1:
        errs.invalid(path, "", "may not have more than one field specified at a time")


def _check_key(errs: Errors, reference: Object, path: Path) -> None:
    name, key = reference.get("name", ""), reference.get("key", "")
    errs.each(path.child("name"), name, names.dns_subdomain(name))
    if not key:
        errs.required(path.child("key"))
    else:
        errs.each(path.child("key"), key, names.config_key(key))


def _check_file_key(errs: Errors, reference: Object, path: Path) -> None:
    key, file, volume = reference.get("key", ""), reference.get("path", ""), reference.get("volumeName", "")
    if not key:
        errs.required(path.child("key"))
    else:
        errs.each(path.child("key"), key, names.env_var_name(key))
    if not volume:
        errs.required(path.child("volumeName"))
    else:
        errs.each(path.child("volumeName"), volume, names.dns_label(volume))
    if not file:
        errs.required(path.child("path"))
    else:
        check_not_reserved(errs, file, path.child("path"))
