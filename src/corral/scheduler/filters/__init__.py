"""The filters, in the order in which they are asked; the first that objects to a node gives the reason."""

from corral.scheduler.filters.contract import Filter
from corral.scheduler.filters.nodeaffinity import FILTER as NODE_AFFINITY
from corral.scheduler.filters.podaffinity import FILTER as POD_AFFINITY
from corral.scheduler.filters.ports import FILTER as PORTS
from corral.scheduler.filters.resources import FILTER as RESOURCES
from corral.scheduler.filters.spread import FILTER as SPREAD
from corral.scheduler.filters.taints import FILTER as TAINTS
from corral.scheduler.filters.unschedulable import FILTER as UNSCHEDULABLE
from corral.scheduler.filters.volumebinding import FILTER as VOLUME_BINDING
from corral.scheduler.filters.volumerestrictions import FILTER as VOLUME_RESTRICTIONS
from corral.scheduler.filters.volumezone import FILTER as VOLUME_ZONE

FILTERS: tuple[Filter, ...] = (
    UNSCHEDULABLE,
    TAINTS,
    NODE_AFFINITY,
    PORTS,
    RESOURCES,
    VOLUME_RESTRICTIONS,
    VOLUME_BINDING,
    VOLUME_ZONE,
    SPREAD,
    POD_AFFINITY,
)
