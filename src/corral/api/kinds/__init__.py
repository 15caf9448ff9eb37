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
    ("apps", "ControllerRevision"): "controllerrevision",
    ("apps", "DaemonSet"): "daemonset",
    ("apps", "Deployment"): "deployment",
    ("apps", "ReplicaSet"): "replicaset",
    ("apps", "StatefulSet"): "statefulset",
    ("batch", "CronJob"): "cronjob",
    ("batch", "Job"): "job",
    ("coordination.k8s.io", "Lease"): "lease",
    ("discovery.k8s.io", "EndpointSlice"): "endpointslice",
    ("events.k8s.io", "Event"): "event",
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
