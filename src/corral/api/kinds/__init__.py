"""One module a kind (or a close family of kinds): defaults, validation, what a write may change, the row in a table.

`rules("apps", "Deployment")` finds them; a kind that is not listed has the default rules of `api.rules.Rules`.
Modules are imported when first asked for. Each holds `RULES: dict[kind, Rules]`.
"""

from functools import cache
from importlib import import_module

from corral.api.rules import Rules

#: (group, kind) → the module of this package whose RULES holds it.
MODULES: dict[tuple[str, str], str] = {
    ("", "Binding"): "binding",
    ("", "ComponentStatus"): "componentstatus",
    ("", "ConfigMap"): "configmap",
    ("", "Endpoints"): "endpoints",
    ("", "Event"): "event",
    ("", "LimitRange"): "limitrange",
    ("", "Namespace"): "namespace",
    ("", "Node"): "node",
    ("", "PersistentVolume"): "persistentvolume",
    ("", "PersistentVolumeClaim"): "persistentvolumeclaim",
    ("", "Pod"): "pod",
    ("", "PodTemplate"): "podtemplate",
    ("", "ReplicationController"): "replicationcontroller",
    ("", "ResourceQuota"): "resourcequota",
    ("", "Secret"): "secret",
    ("", "Service"): "service",
    ("", "ServiceAccount"): "serviceaccount",
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"): "admissionpolicy",
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"): "admissionpolicy",
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): "webhookconfiguration",
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): "admissionpolicy",
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): "admissionpolicy",
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): "webhookconfiguration",
    ("apiextensions.k8s.io", "CustomResourceDefinition"): "customresourcedefinition",
    ("apiregistration.k8s.io", "APIService"): "apiservice",
    ("apps", "ControllerRevision"): "controllerrevision",
    ("apps", "DaemonSet"): "daemonset",
    ("apps", "Deployment"): "deployment",
    ("apps", "ReplicaSet"): "replicaset",
    ("apps", "StatefulSet"): "statefulset",
    ("autoscaling", "HorizontalPodAutoscaler"): "horizontalpodautoscaler",
    ("batch", "CronJob"): "cronjob",
    ("batch", "Job"): "job",
    ("certificates.k8s.io", "CertificateSigningRequest"): "certificatesigningrequest",
    ("certificates.k8s.io", "ClusterTrustBundle"): "clustertrustbundle",
    ("certificates.k8s.io", "PodCertificateRequest"): "podcertificaterequest",
    ("coordination.k8s.io", "Lease"): "lease",
    ("discovery.k8s.io", "EndpointSlice"): "endpointslice",
    ("events.k8s.io", "Event"): "newevent",
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"): "flowschema",
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"): "prioritylevel",
    ("networking.k8s.io", "IPAddress"): "ipaddress",
    ("networking.k8s.io", "Ingress"): "ingress",
    ("networking.k8s.io", "IngressClass"): "ingressclass",
    ("networking.k8s.io", "NetworkPolicy"): "networkpolicy",
    ("networking.k8s.io", "ServiceCIDR"): "servicecidr",
    ("node.k8s.io", "RuntimeClass"): "runtimeclass",
    ("policy", "PodDisruptionBudget"): "poddisruptionbudget",
    ("rbac.authorization.k8s.io", "ClusterRole"): "rbac",
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): "rbac",
    ("rbac.authorization.k8s.io", "Role"): "rbac",
    ("rbac.authorization.k8s.io", "RoleBinding"): "rbac",
    ("resource.k8s.io", "DeviceClass"): "deviceclass",
    ("resource.k8s.io", "ResourceClaim"): "resourceclaim",
    ("resource.k8s.io", "ResourceClaimTemplate"): "resourceclaim",
    ("resource.k8s.io", "ResourceSlice"): "resourceslice",
    ("scheduling.k8s.io", "PriorityClass"): "priorityclass",
    ("storage.k8s.io", "CSIDriver"): "csidriver",
    ("storage.k8s.io", "CSINode"): "csinode",
    ("storage.k8s.io", "CSIStorageCapacity"): "csistoragecapacity",
    ("storage.k8s.io", "StorageClass"): "storageclass",
    ("storage.k8s.io", "VolumeAttachment"): "volumeattachment",
    ("storage.k8s.io", "VolumeAttributesClass"): "volumeattributesclass",
    ("storagemigration.k8s.io", "StorageVersionMigration"): "storageversionmigration",
}

_DEFAULT = Rules()


@cache
def rules(group: str, kind: str) -> Rules:
    """The rules of a kind."""
    module = MODULES.get((group, kind))
    if module is None:
        return _DEFAULT
    found: Rules = import_module(f"{__name__}.{module}").RULES[kind]
    return found
