"""What a pod's host ports add."""

import pytest

from corral.network.hostports import render_host_ports


def pod(*ports, ip="10.77.0.5", phase="Running", **spec):
    containers = [{"name": "c", "ports": list(ports)}]
    return {"spec": {"containers": containers, **spec}, "status": {"phase": phase, "podIP": ip}}


def test_host_ports_of_all_addresses_and_of_one():
    out = render_host_ports(
        pod(
            {"containerPort": 80, "hostPort": 8080, "protocol": "UDP"},
            {"containerPort": 81, "hostPort": 8081, "hostIP": "127.0.0.1"},
            {"containerPort": 82},
        )
    )
    assert out.elements == [
        ("host_ports", "udp . 8080", "10.77.0.5 . 80"),
        ("host_ip_ports", "127.0.0.1 . tcp . 8081", "10.77.0.5 . 81"),
        ("hairpins", "10.77.0.5 . 10.77.0.5", ""),
    ]


@pytest.mark.parametrize("change", [{"ip": ""}, {"phase": "Failed"}, {"hostNetwork": True}, {"ip": "fd00::1"}])
def test_pods_without_an_address_of_their_own_have_none(change):
    assert render_host_ports(pod({"containerPort": 80, "hostPort": 8080}, **change)).elements == []
