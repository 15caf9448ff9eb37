"""What a pod asks for in all: the sum over its containers, or the greediest moment of its start, plus overhead.

Sidecars (init containers with restartPolicy Always) run beside everything that starts after them (KEP-753). Resources of the
pod itself (`spec.resources`, KEP-2837) stand for the sum where they are set.
"""

from collections.abc import Mapping
from typing import Literal

from corral.api.objects import Object
from corral.api.quantity import ZERO, Quantity, parse

Amounts = dict[str, Quantity]

#: The resources that a pod may set for all its containers together.
POD_LEVEL = ("cpu", "memory")


def total(pod: Object, field: Literal["requests", "limits"]) -> Amounts:
    """The pod's requests or limits, by resource name."""
    spec = pod.get("spec") or {}
    result = of_containers(spec, field)
    for name, amount in _of(spec, field).items():
        if name in POD_LEVEL or name.startswith("hugepages-"):
            result[name] = amount
    overhead = amounts(spec.get("overhead"))
    if field == "requests":
        add(result, overhead)
    else:
        add(result, {name: amount for name, amount in overhead.items() if name in result})
    return result


def of_containers(spec: Object, field: Literal["requests", "limits"]) -> Amounts:
    """The requests or limits of all containers of a pod's spec, by resource name."""
    result: Amounts = {}
    for container in spec.get("containers") or ():
        add(result, _of(container, field))
    sidecars: Amounts = {}
    greediest: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = _of(container, field)
        if container.get("restartPolicy") == "Always":
            add(result, own)
            add(sidecars, own)
            raise_to(greediest, sidecars)
        else:
            moment = dict(sidecars)
            add(moment, own)
            raise_to(greediest, moment)
    raise_to(result, greediest)
    return result


def amounts(resources: Mapping[str, str] | None) -> Amounts:
    """The quantities of a resource list."""
    return {name: parse(text) for name, text in (resources or {}).items()}


def add(into: Amounts, more: Mapping[str, Quantity]) -> None:
    """Add `more` to `into`, resource by resource."""
    for name, amount in more.items():
        into[name] = into[name] + amount if name in into else amount


def raise_to(into: Amounts, least: Mapping[str, Quantity]) -> None:
    """Raise every resource of `into` to at least what `least` says."""
    for name, amount in least.items():
        if amount > into.get(name, ZERO) or name not in into:
            into[name] = amount


def _of(holder: Object, field: str) -> Amounts:
    return amounts((holder.get("resources") or {}).get(field))
