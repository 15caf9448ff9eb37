"""What the runtime reports, as plain values. Times are seconds since the epoch; 0 where there is none yet."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

ContainerState = Literal["created", "running", "exited", "unknown"]


class Sandbox(Struct, frozen=True):
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
    #: Which of the runtime's handlers runs it; '' is its default.
    handler: str = ""


class ListedContainer(Struct, frozen=True):
    """A container as a listing shows it. `images` are the names under which it knows its image: ids or references."""

    id: str
    sandbox_id: str
    pod_uid: str
    name: str
    attempt: int
    state: ContainerState
    images: tuple[str, ...] = ()


class ContainerUser(Struct, frozen=True):
    """Whom the first process runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...]


class Resources(Struct, frozen=True):
    """What the runtime enforces: cgroup values; 0 where unset."""

    cpu_shares: int = 0
    cpu_quota: int = 0
    cpu_period: int = 0
    memory_limit_bytes: int = 0


class Container(Struct, frozen=True):
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


class Image(Struct, frozen=True):
    """An image that is present. `user` is what its configuration says the first process runs as: a number or a name."""

    id: str
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    size_bytes: int
    uid: int | None
    username: str
    pinned: bool


class ExecResult(Struct, frozen=True):
    """The end of a command in a container."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class ContainerStats(Struct, frozen=True):
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


class Features(Struct, frozen=True):
    """What a runtime can do beside the ordinary; some of it only by some of its `handlers` ('' is the default one)."""

    #: only the groups that a pod names, not those that its image adds.
    strict_groups: bool = False
    #: read-only mounts of everything that is mounted below.
    read_only_below: frozenset[str] = frozenset()
    user_namespaces: frozenset[str] = frozenset()
    handlers: tuple[str, ...] = ()


class RuntimeInfo(Struct, frozen=True):
    """Which runtime this is, and whether it can run pods."""

    name: str
    version: str
    ready: bool
    network_ready: bool
    message: str
    features: Features = Features()
