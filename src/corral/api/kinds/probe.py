"""Probes and lifecycle hooks: their defaults."""

from corral.api.objects import Object

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
