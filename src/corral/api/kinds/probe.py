"""Probes and lifecycle hooks."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.objects import Object

_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOKS = ("exec", "httpGet", "tcpSocket", "sleep")

_PROBE_DEFAULTS = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}


def default_handler(handler: Object) -> None:
    """Fill in what a handler (the part a probe and a hook share) leaves open."""
    http = handler.get("httpGet")
    if http is not None:
        if not http.get("path"):
            http["path"] = "/"
        if not http.get("scheme"):
            http["scheme"] = "HTTP"
    grpc = handler.get("grpc")
    if grpc is not None:
        grpc.setdefault("service", "")


def default_probe(probe: Object) -> None:
    """Fill in what a probe leaves open."""
    default_handler(probe)
    for name, value in _PROBE_DEFAULTS.items():
        if not probe.get(name):
            probe[name] = value


def check_probes(errs: Errors, container: Object, grace_s: int | None, path: Path) -> None:
    """The lifecycle hooks and the three probes of a container that may have them."""
    for hook in ("postStart", "preStop"):
        handler = (container.get("lifecycle") or {}).get(hook)
        if handler is not None:
            _check_handler(errs, handler, _HOOKS, grace_s, path.child("lifecycle", hook))
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(kind)
        if probe is None:
            continue
        at = path.child(kind)
        _check_probe(errs, probe, grace_s, at)
        if kind == "readinessProbe":
            if probe.get("terminationGracePeriodSeconds") is not None:
                grace = probe["terminationGracePeriodSeconds"]
                errs.invalid(at.child("terminationGracePeriodSeconds"), grace, "must not be set for readinessProbes")
        elif probe.get("successThreshold") != 1:
            errs.invalid(at.child("successThreshold"), probe.get("successThreshold", 0), "must be 1")


def check_port(errs: Errors, port: int | str, path: Path) -> None:
    """A port by number or name."""
    errs.each(path, port, names.port_name(port) if isinstance(port, str) else names.port_number(port))


def _check_probe(errs: Errors, probe: Object, grace_s: int | None, path: Path) -> None:
    _check_handler(errs, probe, _PROBE_HANDLERS, grace_s, path)
    for field in ("initialDelaySeconds", *_PROBE_DEFAULTS):
        value = probe.get(field, 0)
        if value < 0:
            errs.invalid(path.child(field), value, "must be greater than or equal to 0")
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        errs.invalid(path.child("terminationGracePeriodSeconds"), grace, "must be greater than 0")


def _check_handler(errs: Errors, handler: Object, kinds: tuple[str, ...], grace_s: int | None, path: Path) -> None:
    count = 0
    for kind in kinds:
        action = handler.get(kind)
        if action is None:
            continue
        at = path.child(kind)
        if count:
            errs.forbidden(at, "may not specify more than 1 handler type")
            continue
        count += 1
        if kind == "exec":
            if not action.get("command"):
                errs.required(at.child("command"))
        elif kind == "httpGet":
            _check_http(errs, action, at)
        elif kind == "sleep":
            seconds = action.get("seconds", 0)
            if grace_s is not None and not 0 <= seconds <= grace_s:
                why = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_s})"
                errs.invalid(at, seconds, why)
        else:
            check_port(errs, action.get("port", 0), at.child("port"))
    if not count:
        errs.required(path, "must specify a handler type")


def _check_http(errs: Errors, action: Object, path: Path) -> None:
    if not action.get("path"):
        errs.required(path.child("path"))
    check_port(errs, action.get("port", 0), path.child("port"))
    scheme = action.get("scheme", "")
    if scheme not in ("HTTP", "HTTPS"):
        errs.unsupported(path.child("scheme"), scheme, ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders") or ():
        name = header.get("name", "")
        errs.each(path.child("httpHeaders"), name, names.http_header_name(name))
