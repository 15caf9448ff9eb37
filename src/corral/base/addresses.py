"""How hosts are written in front of ports: IPv6 addresses in brackets (RFC 3986, section 3.2.2)."""


def bracketed(host: str) -> str:
    """A host name or address as it is in a URL."""
    return f"[{host}]" if ":" in host else host
