"""What a pod may be told about itself: fieldRef and resourceFieldRef of variables and downward API volumes. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
"""

import re
from collections.abc import Mapping, Sequence

import orjson
from msgspec import Struct, field

from corral.api.objects import Object
from corral.node.podstate.observed import spec_of
from corral.node.resources import divided, milli, whole

_SUBSCRIPT = re.compile(r"(metadata\.(?:labels|annotations))\['(.*)'\]")


class ConfigError(Exception):
    """A container cannot be made as specified; people see the text beside CreateContainerConfigError."""


class NodeFacts(Struct, frozen=True):
    """The node as its pods see it. CPU in thousandths of a core; `host_ips` has at least one address."""

    name: str
    host_ips: Sequence[str]
    cpu_milli: int
    memory_bytes: int
    storage_bytes: int = 0
    extra: Mapping[str, str] = field(default_factory=dict)


def field_value(pod: Object, path: str, node: NodeFacts, pod_ips: Sequence[str] = ()) -> str:
    """The value of a fieldRef. Raises ConfigError for a path that there is not."""
    meta, spec = pod["metadata"], pod["spec"]
    if match := _SUBSCRIPT.fullmatch(path):
        return str((meta.get(match[1].removeprefix("metadata.")) or {}).get(match[2], ""))
    simple = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta.get("namespace", ""),
        "metadata.uid": meta.get("uid", ""),
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", ""),
        "status.hostIP": node.host_ips[0],
        "status.hostIPs": ",".join(node.host_ips),
        "status.podIP": pod_ips[0] if pod_ips else "",
        "status.podIPs": ",".join(pod_ips),
    }
    if path in simple:
        return str(simple[path])
    if path in ("metadata.labels", "metadata.annotations"):
        return format_map(meta.get(path.removeprefix("metadata.")) or {})
    raise ConfigError(f"unsupported fieldPath: {path}")


def format_map(pairs: Mapping[str, str]) -> str:
    """A map as the downward API writes it: sorted lines of key="escaped value"."""
    return "\n".join(f"{key}={orjson.dumps(value).decode()}" for key, value in sorted(pairs.items()))


def resource_value(pod: Object, reference: Object, default_container: str, node: NodeFacts) -> str:
    """The value of a resourceFieldRef; a missing limit is what the node has. Raises ConfigError."""
    container = spec_of(pod, reference.get("containerName") or default_container)
    if container is None:
        raise ConfigError(f"container {reference.get('containerName')} not found")
    kind, _, name = str(reference["resource"]).partition(".")
    resources = container.get("resources") or {}
    amounts = resources.get(kind) or {}
    divisor = str(reference.get("divisor") or "0")
    if name == "cpu":
        cpu = milli(amounts["cpu"]) if "cpu" in amounts else (node.cpu_milli if kind == "limits" else 0)
        return divided(cpu, divisor, cpu=True)
    whole_node = {"memory": node.memory_bytes, "ephemeral-storage": node.storage_bytes}.get(name, 0)
    amount = whole(amounts[name]) if name in amounts else (whole_node if kind == "limits" else 0)
    return divided(amount, divisor, cpu=False)
