"""The CEL of device selectors: `device.driver`, `device.attributes["domain"].name`, `device.capacity["domain"].name`.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#device-filters (KEP-4381)
"""

from functools import cache

from corral.api import cel
from corral.api.cel.types import OPAQUE

_DEVICE = cel.ObjectType(
    "kubernetes.DRADevice",
    {
        "driver": cel.STRING,
        "attributes": cel.map_of(cel.STRING, cel.map_of(cel.STRING, cel.DYN)),
        "capacity": cel.map_of(cel.STRING, cel.map_of(cel.STRING, OPAQUE["Quantity"])),
        "allowMultipleAllocations": cel.BOOL,
    },
)


@cache
def environment() -> cel.Environment:
    """What selectors may speak of; they have `cel.bind`."""
    return cel.Environment({"device": _DEVICE}, bindings=True)


def fault(expression: str) -> str:
    """What is wrong with a selector, in the cause's words; "" if nothing is."""
    try:
        program = environment().compile(expression)
    except cel.CompileError as error:
        return f"compilation failed: {error}"
    if program.type not in (cel.BOOL, cel.DYN):
        return f"must evaluate to bool or the unknown type, not {program.type}"
    return ""
