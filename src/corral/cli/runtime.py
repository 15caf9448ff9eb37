"""The container runtime of a cluster, for those who start the node and those who look after its images."""

from corral.cli.layout import Home
from corral.node.containerd import Containerd


def containerd_of(home: Home) -> Containerd:
    """The containerd that belongs to the cluster in `home`."""
    return Containerd(home.root / "containerd", home.containerd, home.log("containerd"), home.root / "node/cni")
