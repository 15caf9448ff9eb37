"""Objects that the API accepts, for the fuzzer to bend: one of each kind that most of what clients write is of."""

import base64
import json
from typing import Any

Object = dict[str, Any]

CONTAINER = {
    "name": "c",
    "image": "nginx:1",
    "command": ["sh", "-c", "sleep 1"],
    "ports": [{"name": "http", "containerPort": 80, "hostPort": 8080}],
    "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}},
    "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 3},
    "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True}],
    "securityContext": {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
}
POD = {
    "containers": [CONTAINER],
    "initContainers": [{"name": "i", "image": "busybox:1", "restartPolicy": "Always"}],
    "volumes": [{"name": "v", "configMap": {"name": "c", "items": [{"key": "a", "path": "b"}]}}],
    "nodeSelector": {"zone": "a"},
    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}],
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
    "securityContext": {"fsGroup": 2000, "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]},
}
LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD}
JOB_TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}
SELECTOR = {"matchLabels": LABELS}
RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]}

#: Group/version → kind → the object without its head.
SEEDS: dict[str, dict[str, Object]] = {
    "v1": {
        "Pod": {"spec": POD},
        "Service": {
            "spec": {"selector": LABELS, "type": "NodePort", "ports": [{"name": "a", "port": 80, "targetPort": "http"}]}
        },
        "ConfigMap": {"data": {"a": "1"}, "binaryData": {"b": "AAEC"}},
        "Secret": {"data": {"a": "YQ=="}, "stringData": {"b": "c"}, "type": "Opaque"},
        "ServiceAccount": {"secrets": [{"name": "s"}], "imagePullSecrets": [{"name": "p"}]},
        "PersistentVolumeClaim": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
        "ReplicationController": {"spec": {"replicas": 1, "selector": LABELS, "template": TEMPLATE}},
        "Endpoints": {"subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]},
        "Event": {"involvedObject": {"kind": "Pod", "name": "p"}, "reason": "R", "message": "m", "type": "Normal", "count": 1},
        "LimitRange": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "1"}}]}},
        "ResourceQuota": {"spec": {"hard": {"pods": "1000", "requests.cpu": "1000"}, "scopes": ["NotTerminating"]}},
        "PodTemplate": {"template": TEMPLATE},
        "Namespace": {},
        "Node": {"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}, "status": {"capacity": {"cpu": "4"}}},
        "PersistentVolume": {
            "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}},
        },
    },
    "apps/v1": {
        "Deployment": {"spec": {"replicas": 1, "selector": SELECTOR, "template": TEMPLATE, "strategy": {"type": "Recreate"}}},
        "ReplicaSet": {"spec": {"replicas": 1, "selector": SELECTOR, "template": TEMPLATE}},
        "StatefulSet": {"spec": {"serviceName": "s", "selector": SELECTOR, "template": TEMPLATE}},
        "DaemonSet": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
        "ControllerRevision": {"revision": 1, "data": {"a": [1, 2]}},
    },
    "batch/v1": {
        "Job": {"spec": {"template": JOB_TEMPLATE, "completions": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1}},
        "CronJob": {
            "spec": {"schedule": "*/5 * * * *", "timeZone": "Europe/Paris", "jobTemplate": {"spec": {"template": JOB_TEMPLATE}}}
        },
    },
    "autoscaling/v2": {
        "HorizontalPodAutoscaler": {
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "maxReplicas": 3,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}},
                    }
                ],
            },
        },
    },
    "autoscaling/v1": {
        "HorizontalPodAutoscaler": {"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3}},
    },
    "policy/v1": {"PodDisruptionBudget": {"spec": {"minAvailable": "50%", "selector": SELECTOR}}},
    "networking.k8s.io/v1": {
        "Ingress": {
            "spec": {
                "rules": [
                    {
                        "host": "a.b",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"service": {"name": "s", "port": {"number": 80}}},
                                }
                            ]
                        },
                    }
                ]
            },
        },
        "NetworkPolicy": {
            "spec": {
                "podSelector": {},
                "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 80, "endPort": 90}]}],
            }
        },
        "IngressClass": {"spec": {"controller": "example.com/c"}},
        "ServiceCIDR": {"spec": {"cidrs": ["10.7.0.0/24"]}},
    },
    "discovery.k8s.io/v1": {
        "EndpointSlice": {
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.1.2.3"]}],
            "ports": [{"name": "a", "port": 80}],
        },
    },
    "events.k8s.io/v1": {
        "Event": {
            "regarding": {"kind": "Pod"},
            "reason": "R",
            "action": "A",
            "type": "Normal",
            "reportingController": "a.b/c",
            "reportingInstance": "x",
            "eventTime": "2026-01-01T00:00:00.000001Z",
        },
    },
    "coordination.k8s.io/v1": {"Lease": {"spec": {"holderIdentity": "me", "renewTime": "2026-01-01T00:00:00.000001Z"}}},
    "rbac.authorization.k8s.io/v1": {
        "Role": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        "RoleBinding": {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
            "subjects": [{"kind": "Group", "name": "g"}],
        },
        "ClusterRole": {
            "rules": [{"nonResourceURLs": ["/x"], "verbs": ["get"]}],
            "aggregationRule": {"clusterRoleSelectors": [SELECTOR]},
        },
    },
    "storage.k8s.io/v1": {
        "StorageClass": {"provisioner": "example.com/p", "parameters": {"a": "b"}},
        "CSINode": {"spec": {"drivers": [{"name": "d", "nodeID": "n"}]}},
        "CSIDriver": {"spec": {"podInfoOnMount": True}},
        "VolumeAttachment": {"spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "p"}}},
    },
    "scheduling.k8s.io/v1": {"PriorityClass": {"value": 1000}},
    "node.k8s.io/v1": {"RuntimeClass": {"handler": "runc", "overhead": {"podFixed": {"cpu": "1m"}}}},
    "flowcontrol.apiserver.k8s.io/v1": {
        "FlowSchema": {
            "spec": {
                "priorityLevelConfiguration": {"name": "global-default"},
                "rules": [
                    {
                        "subjects": [{"kind": "User", "user": {"name": "u"}}],
                        "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/x"]}],
                    }
                ],
            }
        },
        "PriorityLevelConfiguration": {
            "spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Queue", "queuing": {"queues": 8}}}}
        },
    },
    "admissionregistration.k8s.io/v1": {
        "ValidatingAdmissionPolicy": {
            "spec": {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "object.spec.replicas < 5"}]}
        },
        "ValidatingAdmissionPolicyBinding": {"spec": {"policyName": "none", "validationActions": ["Audit"]}},
    },
    "apiextensions.k8s.io/v1": {
        "CustomResourceDefinition": {
            "metadata": {"name": "gizmos.fuzz.example.com"},
            "spec": {
                "group": "fuzz.example.com",
                "scope": "Namespaced",
                "names": {"plural": "gizmos", "kind": "Gizmo"},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "subresources": {
                            "status": {},
                            "scale": {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.n"},
                        },
                        "additionalPrinterColumns": [{"name": "N", "type": "integer", "jsonPath": ".spec.n"}],
                        "schema": {
                            "openAPIV3Schema": {
                                "type": "object",
                                "properties": {
                                    "spec": {
                                        "type": "object",
                                        "properties": {
                                            "n": {"type": "integer", "default": 1, "minimum": 0},
                                            "l": {
                                                "type": "array",
                                                "x-kubernetes-list-type": "map",
                                                "x-kubernetes-list-map-keys": ["k"],
                                                "items": {
                                                    "type": "object",
                                                    "required": ["k"],
                                                    "properties": {"k": {"type": "string"}},
                                                },
                                            },
                                            "x": {"x-kubernetes-int-or-string": True},
                                        },
                                    },
                                    "status": {"type": "object", "properties": {"n": {"type": "integer"}}},
                                },
                            }
                        },
                    }
                ],
            },
        },
    },
    "fuzz.example.com/v1": {"Gizmo": {"spec": {"n": 2, "l": [{"k": "a"}], "x": "50%"}}},
    "resource.k8s.io/v1": {
        "ResourceClaim": {"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "c", "count": 1}}]}}},
        "DeviceClass": {"spec": {"selectors": [{"cel": {"expression": "device.driver == 'x'"}}]}},
    },
    "authorization.k8s.io/v1": {
        "SubjectAccessReview": {"spec": {"user": "u", "resourceAttributes": {"verb": "get", "resource": "pods"}}},
        "SelfSubjectRulesReview": {"spec": {"namespace": "default"}},
    },
    "authentication.k8s.io/v1": {
        "TokenReview": {"spec": {"token": base64.b64encode(json.dumps({"alg": "none"}).encode()).decode() + ".e30."}}
    },
}
