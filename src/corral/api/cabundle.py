"""Bundles of certificate authorities, as `caBundle` fields hold them: base64 of PEM. Pure."""

import base64
import binascii
import re

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s*(?:([A-Za-z-]+: .*\n)*)([A-Za-z0-9+/=\s]*)-----END \1-----")


def fault(bundle: str) -> str:
    """Why nobody could be trusted by a bundle, in Go's words; "" where it holds a certificate or is empty."""
    if not bundle:
        return ""
    try:
        pem = base64.b64decode(bundle)
    except (ValueError, binascii.Error) as error:
        return str(error)
    blocks = list(_BLOCK.finditer(pem))
    if not blocks:
        return "unable to load root certificates: unable to parse bytes as PEM block"
    why = "no valid certificate authority data seen"
    for block in blocks:
        if block[1] != b"CERTIFICATE" or block[2]:
            continue
        try:
            _parse(base64.b64decode(block[3]))
        except ValueError as error:
            why = f"failed to parse certificate: {error}"
            continue
        return ""
    return f"unable to load root certificates: {why}"


def _parse(der: bytes) -> None:
    from cryptography.x509 import load_der_x509_certificate

    load_der_x509_certificate(der)
