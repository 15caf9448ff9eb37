"""Below which amounts a node is under pressure. Pure.

https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#eviction-thresholds
"""

from msgspec import Struct

from corral.api.quantity import parse

MEMORY, DISK = "MemoryPressure", "DiskPressure"


class Threshold(Struct, frozen=True):
    """`signal` must not fall below `least`: an amount, or a share of all there is (`10%`).

    Where it does, the node has `condition`, and pods are ended for what they use of `resource`.
    """

    signal: str
    least: str
    condition: str
    resource: str

    def amount(self, capacity: int) -> int:
        """The least amount, on a node that has `capacity`."""
        if self.least.endswith("%"):
            return int(capacity * float(self.least[:-1]) / 100)
        return parse(self.least).value()


#: The reference's defaults.
HARD = (
    Threshold("memory.available", "100Mi", MEMORY, "memory"),
    Threshold("nodefs.available", "10%", DISK, "ephemeral-storage"),
    Threshold("nodefs.inodesFree", "5%", DISK, "inodes"),
    Threshold("imagefs.available", "15%", DISK, "ephemeral-storage"),
    Threshold("imagefs.inodesFree", "5%", DISK, "inodes"),
)
