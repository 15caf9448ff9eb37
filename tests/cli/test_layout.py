"""Where clusters live, and which ports and ranges they take."""

import socket
from pathlib import Path

import pytest

from corral.base.errors import CorralError
from corral.cli.layout import Cluster, Home, check_name, choose_name, choose_port, choose_ranges, host_routes

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
*\t0000600A\t00000000\t0200\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def test_the_default_cluster_takes_the_first_ranges() -> None:
    assert choose_ranges("corral", []) == ("10.128.0.0/16", "10.96.0.0/16")


def test_ranges_that_overlap_the_hosts_routes_are_passed_over() -> None:
    assert choose_ranges("corral", host_routes(ROUTES)) == ("10.129.0.0/16", "10.97.0.0/16")


def test_another_name_takes_other_ranges() -> None:
    assert choose_ranges("two", []) != choose_ranges("corral", [])


def test_no_range_left_is_an_error_with_a_remedy() -> None:
    with pytest.raises(CorralError, match="in use"):
        choose_ranges("corral", ["10.0.0.0/8"])


def test_a_cluster_without_a_name_is_called_corral_or_the_next_that_is_free() -> None:
    assert choose_name(lambda name: False) == "corral"
    assert choose_name({"corral", "corral-2"}.__contains__) == "corral-3"


def test_a_taken_port_is_an_error_when_it_was_asked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(CorralError, match="already taken") as caught:
            choose_port(server.getsockname()[1], 6443, "127.0.0.1")
        assert "--port" in caught.value.remedy


def test_a_taken_default_port_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert choose_port(None, taken, "127.0.0.1") != taken


@pytest.mark.parametrize("name", ["", "Upper", "1st", "a_b", "a" * 25, "end-"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(CorralError):
        check_name(name)


def test_a_cluster_is_kept_and_found_again(tmp_path: Path) -> None:
    home = Home(tmp_path)
    cluster = Cluster("a", 6443, 10250, "0.0.0.0", "192.0.2.2", "10.128.0.0/16", "10.96.0.0/16", True)
    assert home.load() is None
    home.save(cluster)
    assert home.load() == cluster
    assert cluster.dns_ip == "10.96.0.10"


def test_a_damaged_file_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    Home(tmp_path).config.write_text("{")
    with pytest.raises(CorralError, match="damaged") as caught:
        Home(tmp_path).load()
    assert "purge" in caught.value.remedy


def test_only_one_command_holds_a_cluster(tmp_path: Path) -> None:
    Home(tmp_path).lock()
    with pytest.raises(CorralError, match="another corral command"):
        Home(tmp_path).lock()
