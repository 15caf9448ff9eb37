"""Where the API server's proxy leads, and where never."""

import pytest

from corral.server.services import is_proxyable


@pytest.mark.parametrize("address", ["10.1.2.3", "192.168.0.1", "8.8.8.8", "fd00::1"])
def test_pods_and_hosts_can_be_reached(address: str) -> None:
    assert is_proxyable(address)


@pytest.mark.parametrize(
    "address",
    [
        *("", "localhost", "example.com", "127.0.0.1", "127.1.2.3", "0.0.0.0", "169.254.169.254", "224.0.0.1"),
        *("::", "::1", "fe80::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254"),
    ],
)
def test_what_only_the_server_itself_reaches_is_refused(address: str) -> None:
    assert not is_proxyable(address)
