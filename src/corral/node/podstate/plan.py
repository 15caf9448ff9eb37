"""What to do next about a pod: sandbox, init containers, sidecars, containers, restarts, the end. A pure function.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ says what a pod may expect.
"""

from msgspec import Struct
from msgspec.structs import replace

from corral.api.objects import Object
from corral.base.clock import parse_rfc3339
from corral.node.cri.types import Container
from corral.node.podstate.observed import (
    HASH_ANNOTATION,
    Halt,
    Observed,
    ProbeResults,
    ephemeral_containers,
    init_containers,
    is_deleted,
    is_over,
    is_sidecar,
    is_started,
    main_containers,
)
from corral.node.podstate.refusal import refusal
from corral.node.podstate.restarts import comes_again, delay_s, due_s, next_delay_s, policy_of
from corral.node.podstate.spechash import spec_hash


class Start(Struct, frozen=True):
    """Make and start a container; `backoff_s` is what it waits for should it end."""

    name: str
    attempt: int
    backoff_s: float


class Kill(Struct, frozen=True):
    """Stop a container. `message` goes into the event; `probe` names the probe that condemned it."""

    container_id: str
    name: str
    message: str
    probe: str = ""
    #: another takes its place, whatever the restart policy says.
    replaced: bool = False


class Waiting(Struct, frozen=True):
    """A container that ended and comes again at `due_s`; `delay_s` is its back-off."""

    name: str
    due_s: float
    delay_s: float


class Plan(Struct, frozen=True):
    """`terminate` means: stop all containers, then the sandbox, and start nothing again."""

    terminate: bool = False
    #: stop the old sandbox and make a new one with this attempt number.
    sandbox_attempt: int | None = None
    starts: tuple[Start, ...] = ()
    kills: tuple[Kill, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    halt: Halt | None = None
    #: when time alone would change the plan.
    look_again_s: float | None = None


def plan(pod: Object, observed: Observed, now_s: float) -> Plan:
    """What to do about `pod` at `now_s` (seconds since the epoch)."""
    if is_deleted(pod) or is_over(pod) or observed.halt is not None:
        return Plan(terminate=True, halt=observed.halt)
    halt, deadline_s = _deadline(pod, observed, now_s)
    if halt is None and observed.sandbox is None:
        halt = refusal(pod, observed.room)
    if halt is not None:
        return Plan(terminate=True, halt=halt)
    sandbox = observed.sandbox
    if sandbox is None or not sandbox.ready or not (sandbox.ips or sandbox.host_network):
        made = _new_sandbox(pod, observed)
    else:
        made = _in_sandbox(pod, observed, now_s)
    times = [t for t in (made.look_again_s, deadline_s) if t is not None]
    return replace(made, look_again_s=min(times) if times else None)


def _deadline(pod: Object, observed: Observed, now_s: float) -> tuple[Halt | None, float | None]:
    seconds = pod["spec"].get("activeDeadlineSeconds")
    if seconds is None:
        return None, None
    start = (pod.get("status") or {}).get("startTime")
    deadline_s = (parse_rfc3339(start) if start else observed.seen_s) + seconds
    if now_s >= deadline_s:
        return Halt("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"), None
    return None, deadline_s


def _new_sandbox(pod: Object, observed: Observed) -> Plan:
    """There is no usable sandbox. A pod that must not come again is over when its sandbox is."""
    sandbox = observed.sandbox
    if observed.busy:
        return Plan()
    attempt = 0 if sandbox is None else sandbox.attempt + 1
    if sandbox is not None and observed.containers and pod["spec"].get("restartPolicy") == "Never":
        return Plan(terminate=True)
    kills = tuple(Kill(c.id, c.name, f"Stopping container {c.name}") for c in observed.running())
    if sandbox is not None and _all_done(pod, observed):
        return Plan(terminate=True)
    return Plan(sandbox_attempt=attempt, kills=kills)


def _all_done(pod: Object, observed: Observed) -> bool:
    """Whether every main container has ended and none comes again."""
    for container in main_containers(pod):
        found = observed.latest(container["name"])
        if found is None or found.state == "running" or comes_again(policy_of(pod, container), container, found):
            return False
    return True


def _in_sandbox(pod: Object, observed: Observed, now_s: float) -> Plan:
    if _all_done(pod, observed):
        return Plan(terminate=True)
    work = _Work(pod, observed, now_s)
    for container in ephemeral_containers(pod):
        if observed.latest(container["name"]) is None:
            work.start(container, None)
    if not _init(pod, observed, work):
        return work.plan()
    for container in main_containers(pod):
        found = observed.current(container["name"])
        if found is None:
            known = observed.latest(container["name"])
            if known is None or known.state != "exited" or comes_again(policy_of(pod, container), container, known):
                work.start(container, known)
        elif found.state == "running":
            work.check(container, found)
        elif comes_again(policy_of(pod, container), container, found):
            work.start(container, found)
    return work.plan()


def _init(pod: Object, observed: Observed, work: "_Work") -> bool:
    """Plan the init containers in order; whether the main containers may run."""
    begun = any(observed.current(c["name"]) is not None for c in main_containers(pod))
    blocked = False
    for container in init_containers(pod):
        found = observed.current(container["name"])
        if begun and not is_sidecar(container):
            continue
        if found is None:
            if blocked:
                return False
            work.start(container, observed.latest(container["name"]))
            blocked = not begun
            if blocked:
                return False
        elif is_sidecar(container):
            if found.state == "running":
                condemned = work.check(container, found)
                blocked = blocked or condemned or not is_started(container, found, observed)
            else:
                work.start(container, found)
                blocked = True
        elif found.state == "running":
            blocked = True
        elif found.state != "exited" or found.exit_code != 0:
            if found.state == "exited" and not comes_again(_init_policy(pod, container), container, found):
                work.failed = True
                return False
            work.start(container, found)
            blocked = True
    return begun or not blocked


def _init_policy(pod: Object, container: Object) -> str:
    """Init containers run to their end: Always means OnFailure for them."""
    policy = policy_of(pod, container)
    return "OnFailure" if policy == "Always" else policy


class _Work:
    """Collects the steps of one plan."""

    def __init__(self, pod: Object, observed: Observed, now_s: float) -> None:
        self.pod = pod
        self.observed = observed
        self.now_s = now_s
        self.starts: list[Start] = []
        self.kills: list[Kill] = []
        self.waiting: list[Waiting] = []
        self.failed = False

    def start(self, container: Object, last: Container | None) -> None:
        """Start `container` (again) as soon as it may."""
        name = container["name"]
        failure = self.observed.failures.get(name)
        due = max(due_s(last) if last is not None and last.state == "exited" else 0.0, failure.retry_at_s if failure else 0.0)
        if due > self.now_s:
            self.waiting.append(Waiting(name, due, delay_s(last) if last is not None else 0.0))
        else:
            attempt = 0 if last is None else last.attempt + 1
            self.starts.append(Start(name, attempt, next_delay_s(last)))

    def check(self, container: Object, found: Container) -> bool:
        """Whether the running container must go: changed, not alive, or never started."""
        results = self.observed.probes.get(found.id, ProbeResults())
        name = container["name"]
        again = policy_of(self.pod, container) != "Never"
        suffix = ", will be restarted" if again else ""
        if found.annotations.get(HASH_ANNOTATION, "") not in ("", spec_hash(container)):
            message = f"Container {name} definition changed, will be restarted"
            self.kills.append(Kill(found.id, name, message, replaced=True))
        elif results.startup is False:
            self.kills.append(Kill(found.id, name, f"Container {name} failed startup probe{suffix}", "startup"))
        elif results.liveness is False:
            self.kills.append(Kill(found.id, name, f"Container {name} failed liveness probe{suffix}", "liveness"))
        else:
            return False
        return True

    def plan(self) -> Plan:
        """The plan of what was collected."""
        if self.failed:
            return Plan(terminate=True)
        return Plan(
            starts=() if self.observed.busy else tuple(self.starts),
            kills=tuple(self.kills),
            waiting=tuple(self.waiting),
            look_again_s=min((w.due_s for w in self.waiting), default=None),
        )
