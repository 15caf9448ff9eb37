"""What all pods of a node share: the runtime, images, volumes, references, events, the clock."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec import Struct

from corral.api.hostports import HostPort
from corral.api.objects import Object
from corral.api.podresources import Amounts
from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.events import Recorder
from corral.node.cgroups import Cgroups
from corral.node.config import NodeConfig
from corral.node.cri.runtime import Runtime
from corral.node.cri.types import Features
from corral.node.facts import NodeFacts
from corral.node.gate import Gate
from corral.node.images import Puller
from corral.node.ownnode import OwnNode
from corral.node.references import References
from corral.node.volumes.manager import Volumes


class Machine(Struct, frozen=True):
    """The parts that a pod's worker works with. `services` gives the Services of the cluster for environments.

    `drained(addresses)` returns when a terminating pod with these addresses gets no new connections any more. `allocatable` is
    what the node has for pods, `granted_to_others(uid)` what of it other pods than this have, `ports_of_others(uid)` which of
    its ports, `pressures()` of what it is short, `features()` what its runtime can do; `own` is the node in the API.
    """

    config: NodeConfig
    client: Client
    clock: Clock
    recorder: Recorder
    runtime: Runtime
    puller: Puller
    references: References
    volumes: Volumes
    cgroups: Cgroups
    node: NodeFacts
    services: Callable[[], Iterable[Object]]
    gate: Gate
    drained: Callable[[Iterable[str]], Awaitable[None]]
    allocatable: Amounts
    granted_to_others: Callable[[str], Amounts]
    ports_of_others: Callable[[str], Sequence[HostPort]]
    pressures: Callable[[], frozenset[str]]
    features: Callable[[], Features]
    own: OwnNode
