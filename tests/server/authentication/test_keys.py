"""Several keys verify service-account tokens; the published documents name all of them."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from corral.base.errors import CorralError
from corral.server.authentication import TokenAuthority
from corral.server.authentication.keys import PrivateKey
from corral.server.authentication.verdicts import InvalidTokenError
from corral.server.lookup import MemoryLookup

ISSUER = "https://kubernetes.default.svc"
NOW = 1_800_000_000.0
ACCOUNT = {"metadata": {"namespace": "x", "name": "robot", "uid": "sa-uid"}}


def private(path: Path, key: PrivateKey) -> None:
    kind = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))


def public(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def lookup() -> MemoryLookup:
    lookup = MemoryLookup()
    lookup.put("serviceaccounts", ACCOUNT)
    return lookup


def test_tokens_of_a_retired_key_stay_good(tmp_path: Path, lookup: MemoryLookup) -> None:
    path = tmp_path / "sa.key"
    old, older, new = (
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP384R1()),
    )
    private(path, old)
    token = TokenAuthority.load(path, ISSUER).issue(ACCOUNT, [ISSUER], 3600, {}, NOW)
    private(path, new)
    with pytest.raises(InvalidTokenError):
        TokenAuthority.load(path, ISSUER).verify(token, lookup, (), NOW)
    (tmp_path / "sa-retired.pub").write_bytes(public(old) + public(older))
    authority = TokenAuthority.load(path, ISSUER)
    assert authority.verify(token, lookup, (), NOW).user.uid == "sa-uid"
    issued = authority.issue(ACCOUNT, [ISSUER], 3600, {}, NOW)
    assert jwt.get_unverified_header(issued)["alg"] == "ES384"
    assert [key["alg"] for key in authority.jwks()["keys"]] == ["ES384", "ES256", "RS256"]
    assert list(authority.jwks()["keys"][0]) == ["use", "kty", "kid", "crv", "alg", "x", "y"]
    assert authority.discovery("https://x/openid/v1/jwks")["id_token_signing_alg_values_supported"] == [
        "ES256",
        "ES384",
        "RS256",
    ]


def test_an_algorithm_is_that_of_its_key(tmp_path: Path, lookup: MemoryLookup) -> None:
    """A token signed with a public key's text as a shared secret is refused (CVE-2016-10555's kind)."""
    key = rsa.generate_private_key(65537, 2048)
    authority = TokenAuthority(key, ISSUER)
    forged = jwt.encode({"iss": ISSUER, "sub": "x", "exp": 1 << 40, "nbf": 0, "aud": [ISSUER]}, "s" * 32, algorithm="HS256")
    with pytest.raises(InvalidTokenError):
        authority.verify(forged, lookup, (), NOW)


@pytest.mark.parametrize("text", [b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_key_that_is_none_is_named(tmp_path: Path, text: bytes) -> None:
    private(tmp_path / "sa.key", ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "sa-retired.pub").write_bytes(text)
    with pytest.raises(CorralError, match=r"sa-retired\.pub: key 1"):
        TokenAuthority.load(tmp_path / "sa.key", ISSUER)
