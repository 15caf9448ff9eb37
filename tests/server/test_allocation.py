"""Addresses and node ports of Services."""

from pathlib import Path

from msgspec.structs import replace

from corral.api.facts import catalog
from corral.api.fields import Errors
from corral.server.allocation import Allocation
from corral.server.cache import Collection
from corral.server.config import ServerConfig

SERVICES = catalog().named("services")
CONFIG = ServerConfig(Path("/nowhere"), service_cidr="10.0.0.0/29", node_port_min=30000, node_port_max=30002)


def service(**spec: object) -> dict:
    return {"metadata": {"name": "s"}, "spec": {"type": "ClusterIP", "ports": [{"port": 80, "protocol": "TCP"}], **spec}}


def make(**changes: object) -> Allocation:
    return Allocation(replace(CONFIG, **changes), *(Collection(name, 0) for name in ("services", "ranges", "addresses")))


def give(allocation: Allocation, obj: dict) -> str:
    errors = Errors()
    allocation.for_create(SERVICES, obj, errors)
    return "; ".join(map(str, errors.items))


def test_every_service_gets_an_address_of_its_own_until_none_is_left():
    allocation = make()
    made = [service() for _ in range(7)]
    faults = [give(allocation, obj) for obj in made]
    assert len({obj["spec"]["clusterIP"] for obj in made[:6]}) == 6
    assert faults[:6] == [""] * 6
    assert "range is full" in faults[6]


def test_addresses_that_cannot_be_had():
    allocation = make()
    assert give(allocation, service(clusterIP="10.0.0.2", clusterIPs=["10.0.0.2"])) == ""
    assert "provided IP is already allocated" in give(allocation, service(clusterIP="10.0.0.2", clusterIPs=["10.0.0.2"]))
    assert "does not match the current range" in give(allocation, service(clusterIP="10.9.0.2", clusterIPs=["10.9.0.2"]))


def test_a_failed_write_gives_back_what_it_was_promised():
    allocation = make()
    claim = allocation.for_create(SERVICES, service(clusterIP="10.0.0.2", clusterIPs=["10.0.0.2"]), Errors())
    claim.release()
    assert give(allocation, service(clusterIP="10.0.0.2", clusterIPs=["10.0.0.2"])) == ""


def test_headless_services_need_no_address():
    obj = service(clusterIP="None", clusterIPs=["None"], selector={"a": "b"})
    assert give(make(), obj) == ""
    assert obj["spec"]["clusterIP"] == "None"


def test_node_ports_are_in_range_and_not_shared():
    allocation = make()
    first = service(type="NodePort")
    assert give(allocation, first) == ""
    port = first["spec"]["ports"][0]["nodePort"]
    assert 30000 <= port <= 30002
    taken = service(type="NodePort", ports=[{"port": 80, "protocol": "TCP", "nodePort": port}])
    assert "provided port is already allocated" in give(allocation, taken)
    outside = service(type="NodePort", ports=[{"port": 80, "protocol": "TCP", "nodePort": 80}])
    assert "The range of valid ports is 30000-30002" in give(allocation, outside)


def test_one_service_uses_one_port_number_for_several_protocols():
    ports = [{"name": "t", "port": 53, "protocol": "TCP"}, {"name": "u", "port": 53, "protocol": "UDP"}]
    obj = service(type="NodePort", ports=ports)
    assert give(make(), obj) == ""
    assert obj["spec"]["ports"][0]["nodePort"] == obj["spec"]["ports"][1]["nodePort"]


def test_an_update_keeps_what_it_has_and_asks_only_for_more():
    allocation = make()
    old = service()
    give(allocation, old)
    new = service(type="NodePort", clusterIP=old["spec"]["clusterIP"], clusterIPs=old["spec"]["clusterIPs"])
    errors = Errors()
    allocation.for_update(SERVICES, new, old, errors)
    assert not errors
    assert new["spec"]["clusterIP"] == old["spec"]["clusterIP"]
    assert new["spec"]["ports"][0]["nodePort"]
