"""What a filter is: it says, for a shape and a node, why they do not fit."""

from collections.abc import Callable
from enum import Flag, auto
from typing import Any, NamedTuple

from msgspec import Struct

from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot


class Wake(Flag):
    """Changes of the cluster that can make room for a pod that found none."""

    NODE = auto()  # A node came, or its labels, taints, allocatable or cordon changed.
    FREED = auto()  # A placed pod has gone.
    PLACED = auto()  # A pod was placed, or a placed one got other labels.
    VOLUME = auto()  # A claim, a volume or a storage class came or changed.


class Misfit(NamedTuple):
    """Why a node will not do, in the reference's words. `resolvable`: whether fewer pods on it could change that.

    `everywhere`: the reason is not the node's; it is said once.
    """

    texts: tuple[str, ...]
    resolvable: bool
    everywhere: bool = False


class Filter(Struct, frozen=True):
    """One reason to rule nodes out.

    `applies` says whether a shape asks for anything here; `prepare` looks once at the whole cluster; `check` at one node. A
    filter is `local` if `check` depends on nothing but that node (and `prepare` gives nothing).
    """

    name: str
    wakes: Wake
    applies: Callable[[Shape, Snapshot], bool]
    check: Callable[[Shape, NodeInfo, Any], Misfit | None]
    prepare: Callable[[Shape, Snapshot], Any] = lambda shape, snapshot: None
    local: bool = True
