"""TLS of our own servers: their certificate, and the authorities whose client certificates they take."""

import ssl
from pathlib import Path


def server_tls(certificate: Path, key: Path, *client_cas: Path) -> ssl.SSLContext:
    """TLS that shows this certificate and takes a client's, if it shows one of the authorities `client_cas`. HTTP/1.1 only."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    tls.load_cert_chain(certificate, key)
    for authority in client_cas:
        tls.load_verify_locations(authority)
    tls.verify_mode = ssl.CERT_OPTIONAL
    tls.set_alpn_protocols(["http/1.1"])
    return tls
