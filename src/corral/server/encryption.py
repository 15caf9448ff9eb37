"""Secrets at rest: sealed between the server and the store with AES-256-GCM.

A sealed value is `corral:aesgcm:v1:KEY-ID:` followed by a nonce and the ciphertext; its key in the store is authenticated with
it, so that one Secret's value cannot stand for another's. Values without the mark are read as they are: they were written
before sealing. The key file holds a key a line, `ID BASE64`; the first one seals, all of them open. To rotate, put a new line
first, restart, write every Secret once (`kubectl get secrets -A -o json | kubectl replace -f -`), and remove the old line.
See https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from corral.base.errors import CorralError
from corral.base.files import replace

MARK = b"corral:aesgcm:v1:"
#: In the directory of the cluster's keys.
KEY_FILE = "encryption.key"
NONCE_BYTES = 12
KEY_BYTES = 32
#: The resources whose values are sealed.
SEALED = ("secrets/",)


class Key(NamedTuple):
    """A key and the name by which sealed values say that it is theirs."""

    id: str
    secret: bytes


class Sealer:
    """Seals and opens values of the store by their keys there."""

    def __init__(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise ValueError("no key to seal with")
        self._current = keys[0].id.encode()
        self._ciphers = {key.id.encode(): AESGCM(key.secret) for key in keys}

    def seal(self, key: str, value: bytes) -> bytes:
        """What the store gets for `value` under `key`."""
        if not key.startswith(SEALED):
            return value
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, value, key.encode())
        return b"%b%b:%b%b" % (MARK, self._current, nonce, sealed)

    def open(self, key: str, value: bytes) -> bytes:
        """What `value`, read from the store under `key`, was. Raises CorralError where no key opens it."""
        if not value.startswith(MARK):
            return value
        key_id, _, sealed = value[len(MARK) :].partition(b":")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise CorralError(
                f"{key} is encrypted with the unknown key {key_id.decode(errors='replace')}", "restore the key file"
            )
        try:
            return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], key.encode())
        except (InvalidTag, ValueError):
            raise CorralError(f"{key} cannot be decrypted", "restore the key file or the store from a backup") from None

    def is_current(self, value: bytes) -> bool:
        """Whether a stored value is sealed with the first key."""
        return value.startswith(MARK + self._current + b":")


def load(path: Path) -> Sealer:
    """The sealer of a key file, which is made (0600) if it is not there. Raises CorralError for one that cannot be read."""
    if not path.exists():
        secret = base64.b64encode(AESGCM.generate_key(KEY_BYTES * 8)).decode()
        replace(path, f"key{secrets.token_hex(4)} {secret}\n".encode(), durable=True)
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CorralError(f"cannot read the encryption keys {path}: {error}", "restore the file from a backup") from error
    keys = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        key_id, _, encoded = line.strip().partition(" ")
        try:
            secret_bytes = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            secret_bytes = b""
        if len(secret_bytes) != KEY_BYTES or not key_id.isalnum():
            raise CorralError(f"{path}:{number}: a key is `ID BASE64` with {KEY_BYTES} bytes", "restore the file from a backup")
        keys.append(Key(key_id, secret_bytes))
    if not keys:
        raise CorralError(f"{path} holds no key", "restore the file from a backup")
    return Sealer(keys)
