"""The keys of service-account tokens: one signs, several verify, so that the signing key can be changed without ending tokens.

`pki/sa.key` signs. `pki/sa-retired.pub` holds the public keys (PEM, one after the other) of those that signed before; tokens
that they signed stay good until they end. ECDSA and RSA keys are understood.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from corral.api.objects import Object
from corral.base.errors import CorralError

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_PEM = re.compile(rb"-----BEGIN (?P<what>[A-Z ]+)-----.+?-----END (?P=what)-----", re.DOTALL)
#: The members of a JSON Web Key in the reference's order.
_MEMBERS = ("use", "kty", "kid", "crv", "alg", "x", "y", "n", "e")


class VerifyingKey(NamedTuple):
    """A public key, the id by which tokens name it, and what it signs with."""

    key: PublicKey
    id: str
    algorithm: str

    @classmethod
    def of(cls, key: PublicKey) -> "VerifyingKey":
        """The key with its id: the SHA-256 of its DER form. Raises ValueError for a curve that is none of JWT's."""
        der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        id = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
        if isinstance(key, rsa.RSAPublicKey):
            return cls(key, id, "RS256")
        if key.curve.name not in _CURVES:
            raise ValueError(f"tokens cannot be signed on the curve {key.curve.name}")
        return cls(key, id, _CURVES[key.curve.name])

    def jwk(self) -> Object:
        """The key as a JSON Web Key."""
        algorithm = RSAAlgorithm if isinstance(self.key, rsa.RSAPublicKey) else ECAlgorithm
        found = json.loads(algorithm.to_jwk(self.key))  # type: ignore[arg-type]
        found |= {"use": "sig", "kid": self.id, "alg": self.algorithm}
        return {name: found[name] for name in _MEMBERS if name in found}


def load_signing_key(path: Path) -> PrivateKey:
    """The private key in a file. Raises CorralError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CorralError(f"cannot read the service-account key {path}: {error}", "restore it from a backup") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CorralError(f"{path} is neither an elliptic-curve nor an RSA key", "restore it from a backup")
    return key


def load_verifying_keys(path: Path) -> list[VerifyingKey]:
    """The public keys in a file; a file that is not there holds none. Raises CorralError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CorralError(f"cannot read {path}: {error.strerror}", "make it readable for the server") from error
    keys = []
    for number, block in enumerate(_PEM.finditer(data), 1):
        try:
            key = serialization.load_pem_public_key(block[0])
            if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
                raise ValueError("it is neither an elliptic-curve nor an RSA key")
            keys.append(VerifyingKey.of(key))
        except (ValueError, UnsupportedAlgorithm) as error:
            raise CorralError(f"{path}: key {number} cannot be used: {error}", "remove it, or restore the file") from error
    return keys


def jwks(keys: Iterable[VerifyingKey]) -> Object:
    """A JSON Web Key Set (RFC 7517)."""
    return {"keys": [key.jwk() for key in keys]}
