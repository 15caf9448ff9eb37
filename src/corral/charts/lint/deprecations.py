"""Which versions of built-in kinds are deprecated or gone, and what takes their place.

https://kubernetes.io/docs/reference/using-api/deprecation-guide/
"""

from corral.charts import versions

#: (apiVersion, kinds) → deprecated in, unavailable in, what to use: an apiVersion, with a kind where it has another one.
_GONE = (
    ("v1", "ComponentStatus", "1.19", "", ""),
    ("extensions/v1beta1", "DaemonSet Deployment ReplicaSet", "1.8", "1.16", "apps/v1"),
    ("extensions/v1beta1", "DeploymentRollback", "1.8", "1.16", ""),
    ("extensions/v1beta1", "Scale", "1.2", "1.16", ""),
    ("extensions/v1beta1", "NetworkPolicy", "1.9", "1.16", "networking.k8s.io/v1"),
    ("extensions/v1beta1", "PodSecurityPolicy", "1.11", "1.16", "policy/v1beta1"),
    ("extensions/v1beta1", "Ingress", "1.14", "1.22", "networking.k8s.io/v1"),
    ("apps/v1beta1", "Deployment StatefulSet ControllerRevision DeploymentRollback", "1.8", "1.16", "apps/v1"),
    ("apps/v1beta1", "Scale", "1.8", "1.16", "autoscaling/v1"),
    ("apps/v1beta2", "DaemonSet Deployment ReplicaSet StatefulSet ControllerRevision", "1.9", "1.16", "apps/v1"),
    ("apps/v1beta2", "Scale", "1.9", "1.16", "autoscaling/v1"),
    ("networking.k8s.io/v1beta1", "Ingress", "1.19", "1.22", "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "IngressClass", "1.19", "1.22", "networking.k8s.io/v1 IngressClassList"),
    ("batch/v1beta1", "CronJob", "1.21", "1.25", "batch/v1"),
    ("batch/v1beta1", "JobTemplate", "1.22", "1.25", ""),
    ("policy/v1beta1", "PodDisruptionBudget", "1.21", "1.25", "policy/v1"),
    ("policy/v1beta1", "PodSecurityPolicy", "1.21", "1.25", ""),
    ("policy/v1beta1", "Eviction", "1.22", "1.25", ""),
    ("discovery.k8s.io/v1beta1", "EndpointSlice", "1.21", "1.25", "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", "Event", "1.22", "1.25", ""),
    ("node.k8s.io/v1beta1", "RuntimeClass", "1.22", "1.25", ""),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler", "1.22", "1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.23", "1.26", "autoscaling/v2"),
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
    ("storage.k8s.io/v1beta1", "CSIDriver StorageClass VolumeAttachment", "1.19", "1.22", "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSINode", "1.17", "1.22", "storage.k8s.io/v1"),
    ("storage.k8s.io/v1beta1", "CSIStorageCapacity", "1.24", "1.27", "storage.k8s.io/v1"),
    ("storage.k8s.io/v1alpha1", "VolumeAttachment", "1.21", "1.24", "storage.k8s.io/v1"),
    ("storage.k8s.io/v1alpha1", "CSIStorageCapacity", "1.21", "1.24", "storage.k8s.io/v1beta1"),
    ("coordination.k8s.io/v1beta1", "Lease", "1.19", "1.22", "coordination.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", "CertificateSigningRequest", "1.19", "1.22", "certificates.k8s.io/v1"),
    ("authentication.k8s.io/v1beta1", "TokenReview", "1.19", "1.22", "authentication.k8s.io/v1"),
    (
        "authorization.k8s.io/v1beta1",
        "SubjectAccessReview LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview",
        "1.19",
        "1.22",
        "authorization.k8s.io/v1",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        "FlowSchema PriorityLevelConfiguration",
        "1.23",
        "1.26",
        "flowcontrol.apiserver.k8s.io/v1beta2",
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1alpha1",
        "FlowSchema PriorityLevelConfiguration",
        "1.20",
        "1.21",
        "flowcontrol.apiserver.k8s.io/v1beta2",
    ),
)
#: (apiVersion, kind) → the rest.
BY_KIND = {(api, kind): rest for api, kinds, *rest in _GONE for kind in kinds.split()}


def deprecation(api_version: str, kind: str, version: str) -> str:
    """What to say of a manifest of this kind in a cluster of this version; "" where there is nothing."""
    found = BY_KIND.get((api_version, kind))
    if found is None or not versions.satisfies(version, f">={found[0]}"):
        return ""
    since, gone, instead = found
    text = f"{api_version} {kind} is deprecated in v{since}+" + (f", unavailable in v{gone}+" if gone else "")
    if not instead:
        return text
    return f"{text}; use {instead if ' ' in instead else f'{instead} {kind}'}"
