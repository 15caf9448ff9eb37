"""The ciphers: each seals a value and opens it again, and knows by a mark which values are its own.

A mark is the reference's, `k8s:enc:CIPHER:v1:KEY:`; what follows is a nonce and the ciphertext. AES-GCM authenticates the key
in the store with the value, so that one object's value cannot stand for another's; the reference's other ciphers do not.
"""

import os
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from corral.base.errors import CorralError

GCM_NONCE_BYTES = 12
BLOCK_BYTES = 16
SECRETBOX_NONCE_BYTES = 24
AES_KEY_SIZES = (16, 24, 32)
SECRETBOX_KEY_BYTES = 32


class UnopenableError(Exception):
    """The value was changed, moved, or sealed with another key of the same name."""


class Cipher(Protocol):
    """One cipher with one key."""

    mark: bytes

    def seal(self, key: str, value: bytes) -> bytes:
        """What follows the mark, for `value` under `key` in the store."""

    def open(self, key: str, sealed: bytes) -> bytes:
        """The value. Raises UnopenableError."""


class AesGcm:
    """AES in Galois/Counter Mode. The nonce is random: after 2^32 writes a key should be changed."""

    def __init__(self, name: str, secret: bytes, mark: bytes = b"k8s:enc:aesgcm:v1:") -> None:
        self.mark = mark + name.encode() + b":"
        self._cipher = AESGCM(secret)

    def seal(self, key: str, value: bytes) -> bytes:
        """Nonce, ciphertext and tag."""
        nonce = os.urandom(GCM_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, key.encode())

    def open(self, key: str, sealed: bytes) -> bytes:
        """The value. Raises UnopenableError."""
        try:
            return self._cipher.decrypt(sealed[:GCM_NONCE_BYTES], sealed[GCM_NONCE_BYTES:], key.encode())
        except (InvalidTag, ValueError) as error:
            raise UnopenableError from error


class AesCbc:
    """AES in Cipher Block Chaining mode with PKCS#7 padding. Nothing authenticates the value: for what was sealed so before."""

    def __init__(self, name: str, secret: bytes) -> None:
        self.mark = b"k8s:enc:aescbc:v1:" + name.encode() + b":"
        self._algorithm = algorithms.AES(secret)

    def seal(self, key: str, value: bytes) -> bytes:
        """Initial block and ciphertext."""
        first = os.urandom(BLOCK_BYTES)
        padder = padding.PKCS7(BLOCK_BYTES * 8).padder()
        encryptor = BlockCipher(self._algorithm, modes.CBC(first)).encryptor()
        return first + encryptor.update(padder.update(value) + padder.finalize()) + encryptor.finalize()

    def open(self, key: str, sealed: bytes) -> bytes:
        """The value. Raises UnopenableError."""
        try:
            decryptor = BlockCipher(self._algorithm, modes.CBC(sealed[:BLOCK_BYTES])).decryptor()
            padded = decryptor.update(sealed[BLOCK_BYTES:]) + decryptor.finalize()
            unpadder = padding.PKCS7(BLOCK_BYTES * 8).unpadder()
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError as error:
            raise UnopenableError from error


class SecretBox:
    """XSalsa20 and Poly1305, by the library PyNaCl, which is needed for this cipher only."""

    def __init__(self, name: str, secret: bytes) -> None:
        try:
            from nacl.secret import SecretBox as Box
        except ImportError:
            raise CorralError("secretbox needs the package PyNaCl", "pip install 'corral[secretbox]'") from None
        self.mark = b"k8s:enc:secretbox:v1:" + name.encode() + b":"
        self._box = Box(secret)

    def seal(self, key: str, value: bytes) -> bytes:
        """Nonce and box."""
        return bytes(self._box.encrypt(value, os.urandom(SECRETBOX_NONCE_BYTES)))

    def open(self, key: str, sealed: bytes) -> bytes:
        """The value. Raises UnopenableError."""
        from nacl.exceptions import CryptoError

        try:
            return bytes(self._box.decrypt(sealed))
        except (CryptoError, ValueError) as error:
            raise UnopenableError from error


class Identity:
    """No cipher: values stay as they are."""

    mark = b""

    def seal(self, key: str, value: bytes) -> bytes:
        """The value itself."""
        return value

    def open(self, key: str, sealed: bytes) -> bytes:
        """The value itself."""
        return sealed
