"""Which versions of built-in kinds are deprecated or gone, and what takes their place.

https://kubernetes.io/docs/reference/using-api/deprecation-guide/
"""

from corral.charts import versions

#: (apiVersion, kinds) → deprecated in, unavailable in, what to use.
_GONE = (
    ("extensions/v1beta1", "DaemonSet Deployment ReplicaSet", "1.8", "1.16", "apps/v1"),
    ("extensions/v1beta1", "NetworkPolicy", "1.9", "1.16", "networking.k8s.io/v1"),
    ("extensions/v1beta1", "PodSecurityPolicy", "1.10", "1.16", "policy/v1beta1"),
    ("extensions/v1beta1", "Ingress", "1.14", "1.22", "networking.k8s.io/v1"),
    ("apps/v1beta1", "Deployment StatefulSet", "1.8", "1.16", "apps/v1"),
    ("apps/v1beta2", "DaemonSet Deployment ReplicaSet StatefulSet", "1.9", "1.16", "apps/v1"),
    ("networking.k8s.io/v1beta1", "Ingress IngressClass", "1.19", "1.22", "networking.k8s.io/v1"),
    ("batch/v1beta1", "CronJob", "1.21", "1.25", "batch/v1"),
    ("policy/v1beta1", "PodDisruptionBudget", "1.21", "1.25", "policy/v1"),
    ("policy/v1beta1", "PodSecurityPolicy", "1.21", "1.25", ""),
    ("discovery.k8s.io/v1beta1", "EndpointSlice", "1.21", "1.25", "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", "Event", "1.19", "1.25", "events.k8s.io/v1"),
    ("node.k8s.io/v1beta1", "RuntimeClass", "1.22", "1.25", "node.k8s.io/v1"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", "1.22", "1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.23", "1.26", "autoscaling/v2"),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "1.16", "1.22", "apiextensions.k8s.io/v1"),
    (
        "rbac.authorization.k8s.io/v1beta1",
        "ClusterRole ClusterRoleBinding Role RoleBinding",
        "1.17",
        "1.22",
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
        "1.16",
        "1.22",
        "admissionregistration.k8s.io/v1",
    ),
    ("scheduling.k8s.io/v1beta1", "PriorityClass", "1.14", "1.22", "scheduling.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSIDriver CSINode StorageClass VolumeAttachment", "1.19", "1.22", "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity", "1.24", "1.27", "storage.k8s.io/v1"),
    ("coordination.k8s.io/v1beta1", "Lease", "1.19", "1.22", "coordination.k8s.io/v1"),
    ("apiregistration.k8s.io/v1beta1", "APIService", "1.19", "1.22", "apiregistration.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest", "1.19", "1.22", "certificates.k8s.io/v1"),
)
_BY_KIND = {(api, kind): rest for api, kinds, *rest in _GONE for kind in kinds.split()}


def deprecation(api_version: str, kind: str, version: str) -> str:
    """What to say of a manifest of this kind in a cluster of this version; "" where there is nothing."""
    found = _BY_KIND.get((api_version, kind))
    if found is None or not versions.satisfies(version, f">={found[0]}"):
        return ""
    since, gone, instead = found
    text = f"{api_version} {kind} is deprecated in v{since}+, unavailable in v{gone}+"
    return f"{text}; use {instead} {kind}" if instead else text
