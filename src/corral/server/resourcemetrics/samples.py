"""What a node agent says that pods and the node have used, and the rates between two of its answers."""

from collections.abc import Mapping
from typing import NamedTuple

import orjson
from msgspec import Struct, field

from corral.base.clock import parse_rfc3339

NANO = 1_000_000_000


class Reading(NamedTuple):
    """CPU time used since the start (nanoseconds of a core), memory in use (bytes), and when that was so."""

    at_s: float
    cpu_ns: int
    memory_bytes: int


class Usage(NamedTuple):
    """CPU in nanocores, on average over the window that ends at `at_s`; memory in bytes at its end."""

    at_s: float
    window_s: float
    cpu_nanocores: int
    memory_bytes: int


#: (namespace, pod, container)
ContainerKey = tuple[str, str, str]


class Sample(Struct, frozen=True):
    """One answer of one agent."""

    node: Reading
    containers: Mapping[ContainerKey, Reading] = field(default_factory=dict)

    @property
    def at_s(self) -> float:
        """When it was taken, by the node's clock."""
        return self.node.at_s


def read(summary: bytes) -> Sample:
    """The sample in a stats/v1alpha1 Summary. Raises ValueError where it is none."""
    try:
        document = orjson.loads(summary)
        containers = {
            (pod["podRef"]["namespace"], pod["podRef"]["name"], container["name"]): _reading(container)
            for pod in document.get("pods") or ()
            for container in pod.get("containers") or ()
        }
        return Sample(_reading(document["node"]), containers)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a summary: {error!r}") from error


def between(before: Reading | None, after: Reading | None) -> Usage | None:
    """The rate from one reading to the next; None where they tell none: a container that is new, or has begun anew."""
    if before is None or after is None or after.at_s <= before.at_s or after.cpu_ns < before.cpu_ns:
        return None
    window_s = after.at_s - before.at_s
    return Usage(after.at_s, window_s, round((after.cpu_ns - before.cpu_ns) / window_s), after.memory_bytes)


def _reading(item: Mapping[str, Mapping[str, object]]) -> Reading:
    cpu, memory = item["cpu"], item["memory"]
    at_s = parse_rfc3339(str(cpu["time"]))
    return Reading(at_s, int(str(cpu["usageCoreNanoSeconds"])), int(str(memory["workingSetBytes"])))
