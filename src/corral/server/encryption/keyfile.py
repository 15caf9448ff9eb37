"""The cluster's own keys: a key a line, `ID BASE64`, in a file made with the cluster. The first seals, all of them open."""

import base64
import binascii
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from corral.base.errors import CorralError
from corral.base.files import replace
from corral.server.encryption.ciphers import AesGcm, Cipher

KEY_BYTES = 32
#: How values were marked before the reference's marks were taken.
OLD_MARK = b"corral:aesgcm:v1:"


def load_keys(path: Path) -> list[Cipher]:
    """The ciphers of a key file, which is made (0600) if it is not there. Raises CorralError for one that cannot be read."""
    if not path.exists():
        rotate(path)
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorralError(f"cannot read the encryption keys {path}: {error}", "restore the file from a backup") from error
    ciphers: list[Cipher] = []
    old: list[Cipher] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        key_id, _, encoded = line.strip().partition(" ")
        try:
            secret = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            secret = b""
        if len(secret) != KEY_BYTES or not key_id.isalnum():
            raise CorralError(f"{path}:{number}: a key is `ID BASE64` with {KEY_BYTES} bytes", "restore the file from a backup")
        ciphers.append(AesGcm(key_id, secret))
        old.append(AesGcm(key_id, secret, OLD_MARK))
    if not ciphers:
        raise CorralError(f"{path} holds no key", "restore the file from a backup")
    return [*ciphers, *old]


def rotate(path: Path) -> None:
    """Put a new key first, which seals from the next start on. What is sealed with the others is written anew then."""
    known = path.read_bytes() if path.exists() else b""
    secret = base64.b64encode(AESGCM.generate_key(KEY_BYTES * 8)).decode()
    replace(path, f"key{secrets.token_hex(4)} {secret}\n".encode() + known, durable=True)
