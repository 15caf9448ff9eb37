"""What is sealed, with which key, and what opens."""

import pytest

from corral.base.errors import CorralError
from corral.server.encryption.ciphers import AesCbc, AesGcm, Cipher, Identity, SecretBox
from corral.server.encryption.sealer import Rule, Sealer

OLD, NEW = AesGcm("old", b"o" * 32), AesGcm("new", b"n" * 32)
VALUE = b'{"kind":"Secret","data":{"password":"c2VjcmV0"}}'
KEY = "secrets/default/s"


def sealer(*ciphers: Cipher, resources: tuple[str, ...] = ("secrets",)) -> Sealer:
    return Sealer([Rule(resources, ciphers)])


@pytest.mark.parametrize("cipher", [NEW, AesCbc("k", b"c" * 32), AesGcm("k", b"k" * 16), SecretBox("k", b"s" * 32)])
def test_a_secret_is_not_readable_and_comes_back(cipher: Cipher) -> None:
    found = sealer(cipher)
    sealed = found.seal(KEY, VALUE)
    assert b"password" not in sealed
    assert sealed.startswith(b"k8s:enc:")
    assert found.open(KEY, sealed) == VALUE
    assert sealed != found.seal(KEY, VALUE)
    assert found.is_current(KEY, sealed)
    assert not found.stale


def test_other_objects_stay_plain() -> None:
    assert sealer(NEW).seal("configmaps/default/c", VALUE) == VALUE


@pytest.mark.parametrize(
    ("resource", "pattern", "sealed"),
    [
        ("secrets", "*.", True),
        ("secrets", "*.*", True),
        ("secrets", "secret", False),
        ("deployments.apps", "*.apps", True),
        ("deployments.apps", "*.", False),
        ("pandas.zoo.example", "*.zoo.example", True),
        ("pandas.zoo.example", "*.example", False),
    ],
)
def test_which_resources_a_rule_is_about(resource: str, pattern: str, sealed: bool) -> None:
    found = sealer(NEW, resources=(pattern,)).seal(f"{resource}/x/y", VALUE)
    assert (found != VALUE) is sealed


def test_the_first_key_seals_and_all_of_them_open() -> None:
    first, rotated = sealer(OLD), sealer(NEW, OLD)
    sealed = first.seal(KEY, VALUE)
    assert rotated.open(KEY, sealed) == VALUE
    assert rotated.stale == {KEY}
    assert not rotated.is_current(KEY, sealed)
    with pytest.raises(CorralError, match="unknown key"):
        sealer(NEW).open(KEY, sealed)


def test_what_was_plain_before_is_read_and_is_to_be_sealed() -> None:
    found = sealer(NEW)
    assert found.open(KEY, VALUE) == VALUE
    assert found.stale == {KEY}


def test_what_is_to_be_plain_again_is_opened_and_is_to_be_written_anew() -> None:
    found = sealer(Identity(), OLD)
    sealed = sealer(OLD).seal(KEY, VALUE)
    assert found.open(KEY, sealed) == VALUE
    assert found.stale == {KEY}
    assert found.is_current(KEY, VALUE)
    assert found.seal(KEY, VALUE) == VALUE


@pytest.mark.parametrize("cipher", [NEW, SecretBox("k", b"s" * 32)])
def test_a_changed_value_does_not_open(cipher: Cipher) -> None:
    found = sealer(cipher)
    sealed = found.seal(KEY, VALUE)
    for bad in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:30], cipher.mark):
        with pytest.raises(CorralError, match="cannot be decrypted"):
            found.open(KEY, bad)


def test_a_moved_value_does_not_open() -> None:
    found = sealer(NEW)
    with pytest.raises(CorralError, match="cannot be decrypted"):
        found.open("secrets/default/other", found.seal(KEY, VALUE))
