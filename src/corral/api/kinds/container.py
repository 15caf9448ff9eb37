"""Containers of all three sorts (init, ordinary, ephemeral): their defaults."""

from corral.api.kinds.imagename import default_pull_policy
from corral.api.kinds.probe import default_handler, default_probe
from corral.api.objects import Object

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def default_container(container: Object) -> None:
    """Fill in what a container leaves open."""
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = default_pull_policy(container.get("image", ""))
    if not container.get("terminationMessagePath"):
        container["terminationMessagePath"] = "/dev/termination-log"
    if not container.get("terminationMessagePolicy"):
        container["terminationMessagePolicy"] = "File"
    container.setdefault("resources", {})
    for port in container.get("ports") or ():
        if not port.get("protocol"):
            port["protocol"] = "TCP"
    for env in container.get("env") or ():
        source = env.get("valueFrom") or {}
        if "fieldRef" in source and not source["fieldRef"].get("apiVersion"):
            source["fieldRef"]["apiVersion"] = "v1"
        if "resourceFieldRef" in source:
            source["resourceFieldRef"].setdefault("divisor", "0")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            default_probe(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict):
            default_handler(hook)
