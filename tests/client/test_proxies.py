"""Which servers are asked through a proxy."""

import pytest

from corral.client.proxies import proxy_of

BOTH = {"HTTPS_PROXY": "http://secure:1", "http_proxy": "plain:2"}


@pytest.mark.parametrize(
    ("url", "exceptions", "wanted"),
    [
        ("https://api.example.com:6443", "", "http://secure:1"),
        ("http://api.example.com", "", "http://plain:2"),
        ("https://localhost:6443", "", ""),
        ("https://127.0.0.2:6443", "", ""),
        ("https://[::1]:6443", "", ""),
        ("https://api.example.com", "*", ""),
        ("https://api.example.com", "other, api.example.com", ""),
        ("https://api.example.com", "example.com", ""),
        ("https://api.example.com", ".example.com", ""),
        ("https://api.example.com", "*.example.com", ""),
        ("https://example.com", ".example.com", "http://secure:1"),
        ("https://notexample.com", "example.com", "http://secure:1"),
        ("https://api.example.com:6443", "example.com:443", "http://secure:1"),
        ("https://api.example.com", "example.com:443", ""),
        ("https://10.1.2.3:6443", "10.0.0.0/8", ""),
        ("https://10.1.2.3:6443", "10.1.2.3", ""),
        ("https://10.1.2.3:6443", "10.1.2.3:6443", ""),
        ("https://10.1.2.3:6443", "10.1.2.3:1", "http://secure:1"),
        ("https://[fd00::1]:6443", "fd00::/8", ""),
        ("https://[fd00::1]:6443", "[fd00::1]:6443", ""),
        ("https://11.1.2.3:6443", "10.0.0.0/8,nonsense/", "http://secure:1"),
    ],
)
def test_which_proxy(url: str, exceptions: str, wanted: str) -> None:
    assert proxy_of(url, {**BOTH, "NO_PROXY": exceptions}) == wanted


def test_no_proxy_is_named() -> None:
    assert proxy_of("https://api.example.com", {"http_proxy": "plain:2"}) == ""
