"""`/configz`: how this agent is set, in the words of a kubelet. Pure.

Only what holds here is said: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/.
"""

from corral.api.objects import Object
from corral.node.config import NodeConfig
from corral.node.podstate.containers import go_duration


def configuration(config: NodeConfig) -> Object:
    """The KubeletConfiguration."""
    files = {"tlsCertFile": config.tls_cert, "tlsPrivateKeyFile": config.tls_key}
    return {
        "enableServer": True,
        "address": config.kubelet_address or config.node_ip,
        "port": config.kubelet_port,
        **{name: str(file) for name, file in files.items() if file is not None},
        "authentication": {
            "x509": {"clientCAFile": str(config.client_ca)} if config.client_ca is not None else {},
            "webhook": {"enabled": False},
            "anonymous": {"enabled": False},
        },
        "registerNode": True,
        "clusterDomain": config.cluster_domain,
        "clusterDNS": [config.cluster_dns_ip] if config.cluster_dns_ip else [],
        "nodeStatusReportFrequency": go_duration(config.status_period_s),
        "nodeLeaseDurationSeconds": config.lease_duration_s,
        "imageMinimumGCAge": go_duration(config.image_gc_min_age_s),
        "imageGCHighThresholdPercent": config.image_gc_high_percent,
        "imageGCLowThresholdPercent": config.image_gc_low_percent,
        "evictionHard": {threshold.signal: threshold.least for threshold in config.eviction},
        "evictionPressureTransitionPeriod": go_duration(config.pressure_transition_s),
        "localStorageCapacityIsolation": True,
        "cgroupRoot": config.cgroup_root,
        "cgroupsPerQOS": True,
        "cgroupDriver": "cgroupfs",
        "cpuManagerPolicy": "none",
        "memoryManagerPolicy": "None",
        "topologyManagerPolicy": "none",
        "maxPods": config.max_pods,
        "podCIDR": config.pod_cidr,
        "resolvConf": str(config.resolv_conf),
        "cpuCFSQuota": True,
        "cpuCFSQuotaPeriod": "100ms",
        "serializeImagePulls": False,
        "containerLogMaxSize": f"{config.log_max_bytes >> 20}Mi",
        "containerLogMaxFiles": config.log_max_files,
        "configMapAndSecretChangeDetectionStrategy": "Watch",
        "enforceNodeAllocatable": ["none"],
        "enableSystemLogHandler": True,
        "enableSystemLogQuery": False,
        "seccompDefault": False,
        "containerRuntimeEndpoint": config.cri_socket if "://" in config.cri_socket else f"unix://{config.cri_socket}",
    }
