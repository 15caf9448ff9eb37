"""TLS: that of our own servers, and what is wrong with a certificate of others."""

import ssl
from pathlib import Path

#: OpenSSL's codes of certificates that no trusted authority signed.
_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})
_OUT_OF_TIME = frozenset({9, 10})


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


def unverified(error: ssl.SSLCertVerificationError) -> str:
    """Why a server's certificate is not taken, as Go words it."""
    if error.verify_code in _UNKNOWN_AUTHORITY:
        fault = "certificate signed by unknown authority"
    elif error.verify_code in _OUT_OF_TIME:
        fault = "certificate has expired or is not yet valid"
    else:
        fault = error.verify_message
    return f"tls: failed to verify certificate: x509: {fault}"
