"""Which proxy the environment names for a server: $HTTPS_PROXY, $HTTP_PROXY and $NO_PROXY, as Go's clients read them.

https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def proxy_of(url: str, environ: Mapping[str, str]) -> str:
    """The proxy's URL; "" where the server is asked without one."""
    parts = urlsplit(url)
    name = f"{parts.scheme}_proxy"
    proxy = environ.get(name.upper()) or environ.get(name) or ""
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if not proxy or _is_excepted(host, port, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_excepted(host: str, port: int, exceptions: str) -> bool:
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_matches(host, port, address, text.strip().lower()) for text in exceptions.split(",") if text.strip())


def _matches(host: str, port: int, address: "ipaddress.IPv4Address | ipaddress.IPv6Address | None", text: str) -> bool:
    """Whether one entry is meant: `*`, an address, a network, a domain (with those below it), each with a port or without."""
    if text == "*":
        return True
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        pass
    else:
        return address is not None and address in network
    name, colon, its_port = text.rpartition(":")
    if colon and its_port.isdigit() and not name.endswith(":"):
        if int(its_port) != port:
            return False
        text = name.strip("[]")
    if address is not None:
        return address == _address(text)
    # `example.com` means itself and what is below it, `.example.com` only what is below.
    below = text.removeprefix("*")
    return host == below or host.endswith(below if below.startswith(".") else f".{below}")


def _address(text: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | None":
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
