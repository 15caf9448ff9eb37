"""What a node agent is told: where its files lie, who it is, and what the cluster looks like."""

from pathlib import Path

from msgspec import Struct

from corral.node.pressure.thresholds import HARD, Threshold

KUBELET_VERSION = "v1.36.2"
PAUSE_IMAGE = "corral.local/pause:1"
#: The plugin that makes emptyDirs, in the name of their folder.
EMPTY_DIR = "empty-dir"


class NodeConfig(Struct, frozen=True):
    """One node. `name` is the cluster's; paths are absolute; times are in seconds."""

    name: str
    node_name: str
    node_ip: str
    data_dir: Path
    cri_socket: str
    cluster_dns_ip: str = ""
    cluster_domain: str = "cluster.local"
    kubelet_port: int = 10250
    kubelet_address: str = ""
    pod_cidr: str = ""
    max_pods: int = 110
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    lease_duration_s: int = 40
    status_period_s: float = 300.0
    log_max_bytes: int = 10 * 1024 * 1024
    log_max_files: int = 5
    log_look_s: float = 10.0
    #: Below which the node is under pressure, how often it looks, and how long it stays so after the last time that it was.
    eviction: tuple[Threshold, ...] = HARD
    pressure_look_s: float = 10.0
    pressure_transition_s: float = 300.0
    #: Unused images go when this much of their disk is full, until this much is; none before it is that old.
    image_gc_high_percent: int = 85
    image_gc_low_percent: int = 80
    image_gc_min_age_s: float = 120.0
    #: The host's resolver configuration, copied to pods whose dnsPolicy is Default.
    resolv_conf: Path = Path("/etc/resolv.conf")
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def pods_dir(self) -> Path:
        """A folder for each pod's volumes and files."""
        return self.data_dir / "pods"

    @property
    def volumes_dir(self) -> Path:
        """A folder for each PersistentVolume that lies on this node's disk."""
        return self.data_dir / "persistent"

    @property
    def logs_dir(self) -> Path:
        """A folder for each pod's logs, as in /var/log/pods."""
        return self.data_dir / "logs"

    @property
    def cgroup_root(self) -> str:
        """The cgroup above all pods of this node, in every hierarchy."""
        return f"/corral-{self.name}"

    def pod_dir(self, uid: str) -> Path:
        """The folder of one pod."""
        return self.pods_dir / uid

    def pod_volume_dir(self, uid: str, plugin: str, volume: str) -> Path:
        """The folder of one of a pod's volumes, where a kubelet has it; `plugin` is what makes it."""
        return self.pod_dir(uid) / "volumes" / f"kubernetes.io~{plugin}" / volume

    def pod_log_dir(self, namespace: str, name: str, uid: str) -> Path:
        """The folder of one pod's logs."""
        return self.logs_dir / f"{namespace}_{name}_{uid}"
