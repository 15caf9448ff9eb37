"""What pods use, from the host's files."""

from corral.node.stats import Network, networks_of
from corral.testing.objects import pod

#: A default route, a network, and the routes of two pods (10.128.0.2 and 10.128.0.3), as the kernel prints them.
ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
veth1\t0200800A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
veth2\t0300800A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
"""


def test_a_pod_received_what_the_hosts_end_sent(tmp_path):
    counters = tmp_path / "veth1" / "statistics"
    counters.mkdir(parents=True)
    for name, value in {"rx_bytes": 10, "tx_bytes": 2000, "rx_errors": 1, "tx_errors": 3}.items():
        (counters / name).write_text(f"{value}\n")
    known, gone, unrouted = pod("a", ip="10.128.0.2"), pod("b", ip="10.128.0.3"), pod("c", ip="10.128.0.4")
    on_host = pod("d", ip="10.128.0.2", spec={"hostNetwork": True})
    assert networks_of([known, gone, unrouted, on_host], ROUTES, tmp_path) == {
        known["metadata"]["uid"]: Network("eth0", rx_bytes=2000, tx_bytes=10, rx_errors=3, tx_errors=1)
    }
