"""ResourceSlices (KEP-4381)."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.devices import (
    EFFECTS,
    SEMANTIC_VERSION,
    check_attribute_name,
    check_label,
    check_named,
)
from corral.api.kinds.scheduling import check_node_selector
from corral.api.kinds.volumesource import check_driver_name
from corral.api.kinds.workload import check_immutable
from corral.api.objects import Object
from corral.api.rules import Context, Rules
from corral.base.clock import rfc3339

MAX_DEVICES = 128
MAX_ATTRIBUTES = 32
POOL_NAME_MAX_BYTES = 253
VALUE_MAX_BYTES = 64
ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
SET_OR_TRUE = "must be either unset or set to true"


class ResourceSliceRules(Rules):
    """Rules of resource.k8s.io/v1 ResourceSlice."""

    has_generation = True

    def default(self, obj: Object) -> None:
        """There is a spec with a pool."""
        obj.setdefault("spec", {}).setdefault("pool", {})

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Taints are from now on."""
        super().prepare_create(obj, context)
        _stamp_taints(obj, context)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """Taints that have no time are from now on."""
        super().prepare_update(new, old, subresource, context)
        _stamp_taints(new, context)

    def validate_create(self, obj: Object) -> Errors:
        """The driver, the pool, where the devices are, the devices."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        check_driver_name(errs, spec.get("driver", ""), path.child("driver"))
        _check_pool(errs, spec["pool"], path.child("pool"))
        _check_place(errs, spec, path)
        check_named(errs, spec.get("devices") or [], path.child("devices"), _check_device, MAX_DEVICES)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; the driver, the pool and the node stay."""
        errs, path = self.validate_create(new), Path("spec")
        check_immutable(errs, new["spec"]["pool"], old["spec"]["pool"], "name", path.child("pool"))
        check_immutable(errs, new["spec"], old["spec"], "driver", path)
        check_immutable(errs, new["spec"], old["spec"], "nodeName", path)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec = obj["spec"]
        node, pool = spec.get("nodeName") or "", (spec.get("pool") or {}).get("name", "")
        return [rows.name(obj), node, spec.get("driver", ""), pool, rows.age(obj, now_s)]

    def unselectable(self, field: str, api_version: str) -> str:
        """The reference's words."""
        return f"field label not supported for {api_version}, Kind=ResourceSlice: {field}"

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """The node and the driver."""
        spec = obj["spec"]
        return {"spec.nodeName": spec.get("nodeName") or "", "spec.driver": spec.get("driver", "")}


def _stamp_taints(obj: Object, context: Context) -> None:
    for device in obj["spec"].get("devices") or ():
        for taint in device.get("taints") or ():
            if taint.get("timeAdded") is None:
                taint["timeAdded"] = rfc3339(context.now_s)


def _check_pool(errs: Errors, pool: Object, path: Path) -> None:
    name, count, generation = pool.get("name", ""), pool.get("resourceSliceCount", 0), pool.get("generation", 0)
    if not name:
        errs.required(path.child("name"))
    else:
        if len(name.encode()) > POOL_NAME_MAX_BYTES:
            errs.too_long(path.child("name"), POOL_NAME_MAX_BYTES)
        for part in name.split("/"):
            errs.each(path.child("name"), part, names.dns_subdomain(part))
    if count <= 0:
        errs.invalid(path.child("resourceSliceCount"), count, "must be greater than zero")
    if generation < 0:
        errs.invalid(path.child("generation"), generation, "must be greater than or equal to zero")


def _check_place(errs: Errors, spec: Object, path: Path) -> None:
    given = []
    node, selector = spec.get("nodeName"), spec.get("nodeSelector")
    if node:
        given.append("`nodeName`")
        errs.each(path.child("nodeName"), node, names.dns_subdomain(node))
    elif node is not None:
        errs.invalid(path.child("nodeName"), node, "must be either unset or set to a non-empty string")
    if selector is not None:
        given.append("`nodeSelector`")
        check_node_selector(errs, selector, path.child("nodeSelector"))
        terms = selector.get("nodeSelectorTerms") or []
        if len(terms) != 1:
            at = path.child("nodeSelector", "nodeSelectorTerms")
            errs.invalid(at, terms or None, "must have exactly one node selector term")
    for field in ("allNodes", "perDeviceNodeSelection"):
        if spec.get(field):
            given.append(f"`{field}`")
        elif spec.get(field) is not None:
            errs.invalid(path.child(field), False, SET_OR_TRUE)
    if not given:
        errs.required(path, ONE_PLACE)
    elif len(given) > 1:
        errs.invalid(path, f"{{{', '.join(given)}}}", f"{ONE_PLACE}, but multiple fields are set")


def _check_device(errs: Errors, device: Object, path: Path) -> None:
    check_label(errs, device.get("name", ""), path.child("name"))
    attributes, capacity = device.get("attributes") or {}, device.get("capacity") or {}
    count = len(attributes) + len(capacity)
    if count > MAX_ATTRIBUTES:
        why = f"the total number of attributes and capacities must not exceed {MAX_ATTRIBUTES}"
        errs.invalid(path, count, why)
    for name, attribute in sorted(attributes.items()):
        check_attribute_name(errs, name, path.child("attributes"))
        _check_attribute(errs, attribute, path.child("attributes").key(name))
    for name in sorted(capacity):
        check_attribute_name(errs, name, path.child("capacity"))
    for i, taint in enumerate(device.get("taints") or ()):
        at, effect = path.child("taints").at(i), taint.get("effect", "")
        errs.each(at.child("key"), taint.get("key", ""), names.qualified_name(taint.get("key", "")))
        if taint.get("value"):
            errs.each(at.child("value"), taint["value"], names.label_value(taint["value"]))
        if not effect:
            errs.required(at.child("effect"))
        elif effect not in EFFECTS:
            errs.unsupported(at.child("effect"), effect, EFFECTS)


def _check_attribute(errs: Errors, attribute: Object, path: Path) -> None:
    given = [field for field in ("bool", "int", "string", "version") if attribute.get(field) is not None]
    version = attribute.get("version")
    if len(attribute.get("string") or "") > VALUE_MAX_BYTES:
        errs.too_long(path.child("string"), VALUE_MAX_BYTES)
    if version is not None:
        if not SEMANTIC_VERSION.fullmatch(version):
            errs.invalid(path.child("version"), version, "must be a string compatible with semver.org spec 2.0.0")
        if len(version) > VALUE_MAX_BYTES:
            errs.too_long(path.child("version"), VALUE_MAX_BYTES)
    if not given:
        errs.invalid(path, "", "exactly one value must be specified")
    elif len(given) > 1:
        errs.invalid(path, attribute, "exactly one value must be specified")


RULES = {"ResourceSlice": ResourceSliceRules()}
