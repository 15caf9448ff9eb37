"""The spec of a pod, alone or in a template: its defaults."""

from corral.api.kinds.container import CONTAINER_LISTS, default_container
from corral.api.kinds.volume import default_volume
from corral.api.objects import Object

GRACE_PERIOD_S = 30


def default_pod_spec(spec: Object) -> None:
    """Fill in what a pod's spec leaves open, in a pod and in a template alike."""
    if not spec.get("dnsPolicy"):
        spec["dnsPolicy"] = "ClusterFirst"
    if not spec.get("restartPolicy"):
        spec["restartPolicy"] = "Always"
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    if spec.get("terminationGracePeriodSeconds") is None:
        spec["terminationGracePeriodSeconds"] = GRACE_PERIOD_S
    if not spec.get("schedulerName"):
        spec["schedulerName"] = "default-scheduler"
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for name in CONTAINER_LISTS:
        for container in spec.get(name) or ():
            default_container(container)
    for volume in spec.get("volumes") or ():
        default_volume(volume)


def default_template(template: Object) -> None:
    """Fill in what a PodTemplateSpec leaves open."""
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))
