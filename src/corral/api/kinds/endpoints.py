"""Endpoints: the older, single-object form of EndpointSlices."""

from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Rules

SHOWN = 3
DEPRECATED = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"


class EndpointsRules(Rules):
    """Rules of v1 Endpoints."""

    allow_create_on_update = True

    def default(self, obj: Object) -> None:
        """Ports are TCP."""
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                if not port.get("protocol"):
                    port["protocol"] = "TCP"

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        return [rows.name(obj), _endpoints(obj) or "<none>", rows.age(obj, now_s)]


def _endpoints(obj: Object) -> str:
    found = []
    for subset in obj.get("subsets") or ():
        addresses = [a.get("ip", "") for a in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        if not ports:
            found += addresses
        for port in ports:
            found += [f"[{a}]:{port['port']}" if ":" in a else f"{a}:{port['port']}" for a in addresses]
    return rows.first_of(found, SHOWN)


RULES = {"Endpoints": EndpointsRules()}
