"""Claims and slices of devices in the form of resource.k8s.io/v1beta1, and back in that of v1.

In v1beta1 a request's own fields stand beside its name (v1: in `exactly`), and a device's in `basic` (v1: beside its name).
Results share nested values with their argument, which is never changed.
"""

from collections.abc import Callable

from corral.api.objects import Object

_OF_REQUESTS = ("name", "firstAvailable")


def from_v1beta1(obj: Object) -> Object:
    """A v1beta1 object of resource.k8s.io as v1."""
    return _converted(obj, _exactly, _flat_device)


def to_v1beta1(obj: Object) -> Object:
    """A v1 object of resource.k8s.io as v1beta1."""
    return _converted(obj, _flat_request, _basic)


_Each = Callable[[Object], Object]


def _converted(obj: Object, request: _Each, device: _Each) -> Object:
    kind, spec = obj.get("kind"), obj.get("spec")
    if not isinstance(spec, dict):
        return dict(obj)
    if kind == "ResourceClaim":
        return {**obj, "spec": _claim(spec, request)}
    if kind == "ResourceClaimTemplate" and isinstance(spec.get("spec"), dict):
        return {**obj, "spec": {**spec, "spec": _claim(spec["spec"], request)}}
    if kind == "ResourceSlice" and spec.get("devices"):
        return {**obj, "spec": {**spec, "devices": [device(one) for one in spec["devices"]]}}
    return dict(obj)


def _claim(spec: Object, request: _Each) -> Object:
    devices = spec.get("devices")
    if not devices or not devices.get("requests"):
        return dict(spec)
    return {**spec, "devices": {**devices, "requests": [request(one) for one in devices["requests"]]}}


def _exactly(request: Object) -> Object:
    own = {name: value for name, value in request.items() if name not in _OF_REQUESTS and value not in ("", None)}
    rest = {name: value for name, value in request.items() if name in _OF_REQUESTS}
    return {**rest, "exactly": own} if own else rest


def _flat_request(request: Object) -> Object:
    rest = {name: value for name, value in request.items() if name != "exactly"}
    return {**rest, **(request.get("exactly") or {})}


def _flat_device(device: Object) -> Object:
    return {"name": device.get("name", ""), **(device.get("basic") or {})}


def _basic(device: Object) -> Object:
    return {"name": device.get("name", ""), "basic": {name: value for name, value in device.items() if name != "name"}}
