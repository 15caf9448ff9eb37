"""What the runtime reports, as plain values. Times are seconds since the epoch; 0 where there is none yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

ContainerState = Literal["created", "running", "exited", "unknown"]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A pod's sandbox: the namespaces and the address that its containers share. `ips` is empty for the host's network."""

    id: str
    pod_uid: str
    pod_name: str
    pod_namespace: str
    attempt: int
    ready: bool
    created_s: float
    ips: tuple[str, ...] = ()
    host_network: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedContainer:
    """A container as a listing shows it."""

    id: str
    sandbox_id: str
    pod_uid: str
    name: str
    attempt: int
    state: ContainerState


@dataclass(frozen=True, slots=True)
class ContainerUser:
    """Whom the first process runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Resources:
    """What the runtime enforces: cgroup values; 0 where unset."""

    cpu_shares: int = 0
    cpu_quota: int = 0
    cpu_period: int = 0
    memory_limit_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Container:
    """A container in full. `image_ref` is the digest reference, `image_id` the id of the image's configuration."""

    id: str
    name: str
    attempt: int
    state: ContainerState
    created_s: float
    started_s: float
    finished_s: float
    exit_code: int
    reason: str
    message: str
    image: str
    image_ref: str
    image_id: str
    log_path: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    resources: Resources | None = None
    user: ContainerUser | None = None
    #: The agent ends it to put another in its place: not the runtime's word, but the observer's.
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is present. `user` is what its configuration says the first process runs as: a number or a name."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    size_bytes: int
    uid: int | None
    username: str
    pinned: bool


@dataclass(frozen=True, slots=True)
class ExecResult:
    """The end of a command in a container."""

    exit_code: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True, slots=True)
class ContainerStats:
    """Use of one container: CPU in nanoseconds of a core since its start, memory and disk in bytes."""

    id: str
    pod_uid: str
    name: str
    timestamp_s: float
    cpu_ns: int
    working_set_bytes: int
    usage_bytes: int
    rss_bytes: int
    page_faults: int
    major_page_faults: int
    layer_bytes: int
    layer_inodes: int


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """Which runtime this is, and whether it can run pods."""

    name: str
    version: str
    ready: bool
    network_ready: bool
    message: str
