"""EndpointSlices."""

from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Rules

SHOWN = 3


class EndpointSliceRules(Rules):
    """Rules of discovery.k8s.io/v1 EndpointSlice."""

    has_generation = True

    def default(self, obj: Object) -> None:
        """Ports have a name, if an empty one, and are TCP."""
        for port in obj.get("ports") or ():
            if port.get("name") is None:
                port["name"] = ""
            if port.get("protocol") is None:
                port["protocol"] = "TCP"

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        ports = [str(p["port"]) if p.get("port") is not None else "*" for p in obj.get("ports") or ()]
        addresses = [a for e in obj.get("endpoints") or () for a in e.get("addresses") or ()]
        return [
            rows.name(obj),
            obj.get("addressType", ""),
            rows.first_of(ports, SHOWN) or "<unset>",
            rows.first_of(addresses, SHOWN) or "<unset>",
            rows.age(obj, now_s),
        ]


RULES = {"EndpointSlice": EndpointSliceRules()}
