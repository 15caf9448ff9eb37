"""Sprig's encodings and checksums. What few charts need is loaded by those: `base64` takes `re` along."""

import binascii
import zlib

from corral.base.digests import hexdigest
from corral.charts.render.functions import Table
from corral.charts.render.gotypes import decoded, encoded

FUNCTIONS = Table()


@FUNCTIONS.add("b64enc", "string")
def _b64enc(text: str) -> str:
    return binascii.b2a_base64(encoded(text), newline=False).decode()


@FUNCTIONS.add("b64dec", "string")
def _b64dec(text: str) -> str:
    data = encoded(text).translate(None, b"\r\n")
    if len(data) % 4:
        return _illegal("base64", text)
    try:
        return decoded(binascii.a2b_base64(data, strict_mode=True))
    except binascii.Error:
        return _illegal("base64", text)


def _illegal(what: str, text: str) -> str:
    alphabet = (
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        if what == "base64"
        else b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    )
    data = encoded(text)
    group = 4 if what == "base64" else 8
    seen = 0
    for at, byte in enumerate(data):
        if byte in b"\r\n":
            continue
        if byte not in alphabet:
            padding = byte == 0x3D and seen % group >= 2
            return f"illegal {what} data at input byte {at + 1 if padding and what == 'base64' else at}"
        seen += 1
    return f"illegal {what} data at input byte {len(data) - seen % group}"


@FUNCTIONS.add("b32enc", "string")
def _b32enc(text: str) -> str:
    import base64

    return base64.b32encode(encoded(text)).decode()


@FUNCTIONS.add("b32dec", "string")
def _b32dec(text: str) -> str:
    import base64

    try:
        return decoded(base64.b32decode(encoded(text).translate(None, b"\r\n")))
    except binascii.Error:
        return _illegal("base32", text)


@FUNCTIONS.add("sha1sum", "string")
def _sha1sum(text: str) -> str:
    return hexdigest("sha1", encoded(text))


@FUNCTIONS.add("sha256sum", "string")
def _sha256sum(text: str) -> str:
    return hexdigest("sha256", encoded(text))


@FUNCTIONS.add("sha512sum", "string")
def _sha512sum(text: str) -> str:
    return hexdigest("sha512", encoded(text))


@FUNCTIONS.add("adler32sum", "string")
def _adler32sum(text: str) -> str:
    return str(zlib.adler32(encoded(text)))
