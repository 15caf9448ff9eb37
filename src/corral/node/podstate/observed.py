"""What is known of one pod on this node: the runtime's state, probe results, failed starts; the input of pure functions."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from corral.api.hostports import HostPort
from corral.api.objects import Object
from corral.api.podresources import Amounts
from corral.node.cri.types import Container, Sandbox
from corral.node.podstate.resize import NOTHING_TO_RESIZE, ResizeState

BACKOFF_ANNOTATION = "corral.dev/backoff-s"
HASH_ANNOTATION = "io.kubernetes.container.hash"
RESTART_COUNT_ANNOTATION = "io.kubernetes.container.restartCount"
BACKOFF_FIRST_S = 10.0
BACKOFF_MAX_S = 300.0
BACKOFF_RESET_S = 600.0


class ProbeResults(Struct, frozen=True):
    """The latest verdicts on one container; None where there is no probe or no verdict yet."""

    startup: bool | None = None
    liveness: bool | None = None
    readiness: bool | None = None


class StartFailure(Struct, frozen=True):
    """Why a container could not be started, and when to try again (seconds since the epoch)."""

    reason: str
    message: str
    retry_at_s: float


class Halt(Struct, frozen=True):
    """The pod must stop for good although nobody deleted it: its deadline passed, or the node cannot keep it."""

    reason: str
    message: str
    #: of the event that tells of it.
    event_type: str = "Normal"
    #: the node never took the pod: nothing of it was ever made.
    refused: bool = False
    #: the seconds it has to end; None for its own grace.
    grace_s: float | None = None
    #: it did nothing wrong: others may count its end as a disruption (KEP-3329).
    disrupted: bool = False


def rejected(reason: str, why: str) -> Halt:
    """A pod that the node does not take, and what people are told."""
    return Halt(reason, f"Pod was rejected: {why}", "Warning", refused=True)


class Room(Struct, frozen=True):
    """What a node has for pods, and what the pods that it has taken hold of it; `pods` is their number."""

    allocatable: Amounts
    taken: Amounts
    #: Ports of the node that they have.
    ports: Sequence[HostPort] = ()
    #: Of what the node is short: MemoryPressure, DiskPressure.
    conditions: frozenset[str] = frozenset()
    #: Whether it can keep a pod to the groups that it names.
    strict_groups: bool = True
    #: The node as the API has it; None where that is not known.
    node: Object | None = None


class Observed(Struct, frozen=True):
    """The state of one pod. `containers` and `sandboxes` are newest first."""

    sandboxes: tuple[Sandbox, ...] = ()
    containers: tuple[Container, ...] = ()
    #: container id → the sandbox it lives in.
    sandbox_of: Mapping[str, str] = field(default_factory=dict)
    #: container id → verdicts.
    probes: Mapping[str, ProbeResults] = field(default_factory=dict)
    #: container id → its postStart hook has not ended yet.
    hooks_running: frozenset[str] = frozenset()
    #: container name → why it is not there.
    failures: Mapping[str, StartFailure] = field(default_factory=dict)
    #: container id → the requests and limits that are in force, where they are not what the pod asks for yet.
    resources: Mapping[str, Object] = field(default_factory=dict)
    resize: ResizeState = NOTHING_TO_RESIZE
    #: a start or a stop of the whole is under way: nothing more may be started now.
    busy: bool = False
    #: the end of the whole has begun: nothing is started again.
    ending: bool = False
    halt: Halt | None = None
    #: where the pod would have to find room; None once it has it.
    room: Room | None = None
    #: whether what is mounted below a read-only mount can be read-only too.
    read_only_below: bool = False
    #: when the node first saw the pod.
    seen_s: float = 0.0

    @property
    def sandbox(self) -> Sandbox | None:
        """The newest sandbox."""
        return self.sandboxes[0] if self.sandboxes else None

    def latest(self, name: str) -> Container | None:
        """The newest container of that name, in whichever sandbox."""
        return next((c for c in self.containers if c.name == name), None)

    def current(self, name: str) -> Container | None:
        """The newest container of that name, if it belongs to the newest sandbox."""
        container = self.latest(name)
        if container is None or self.sandbox is None:
            return None
        return container if self.sandbox_of.get(container.id, self.sandbox.id) == self.sandbox.id else None

    def previous(self, name: str) -> Container | None:
        """The one before the newest of that name."""
        return next((c for c in [c for c in self.containers if c.name == name][1:]), None)

    def running(self) -> list[Container]:
        """The containers that run now."""
        return [c for c in self.containers if c.state == "running"]


def is_sidecar(container: Object) -> bool:
    """An init container that keeps running (KEP-753)."""
    return container.get("restartPolicy") == "Always"


def init_containers(pod: Object) -> list[Object]:
    """The pod's init containers, sidecars among them, in order."""
    return list(pod["spec"].get("initContainers") or ())


def main_containers(pod: Object) -> list[Object]:
    """The pod's ordinary containers."""
    return list(pod["spec"]["containers"])


def ephemeral_containers(pod: Object) -> list[Object]:
    """The containers that were added to look into the running pod."""
    return list(pod["spec"].get("ephemeralContainers") or ())


def spec_of(pod: Object, name: str) -> Object | None:
    """The specification of the container called `name`."""
    for container in (*main_containers(pod), *init_containers(pod), *ephemeral_containers(pod)):
        if container["name"] == name:
            return container
    return None


def is_started(container: Object, found: Container, observed: Observed) -> bool:
    """Whether it runs, its startup probe has succeeded and its postStart hook has ended."""
    if found.state != "running" or found.id in observed.hooks_running:
        return False
    return not container.get("startupProbe") or observed.probes.get(found.id, ProbeResults()).startup is True


def is_ready(container: Object, found: Container, observed: Observed) -> bool:
    """Whether it is started and its readiness probe, if any, succeeds."""
    if not is_started(container, found, observed):
        return False
    return not container.get("readinessProbe") or observed.probes.get(found.id, ProbeResults()).readiness is True


def is_deleted(pod: Object) -> bool:
    """Whether somebody asked for the pod's end."""
    return "deletionTimestamp" in pod["metadata"]


def is_over(pod: Object) -> bool:
    """Whether its status says that it has ended for good."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
