"""Secrets are sealed in the store."""

import stat
from pathlib import Path

import pytest

from corral.base.errors import CorralError
from corral.server import encryption
from corral.server.encryption import Key, Sealer

OLD = Key("old", b"o" * 32)
NEW = Key("new", b"n" * 32)
VALUE = b'{"kind":"Secret","data":{"password":"c2VjcmV0"}}'


def test_a_secret_is_not_readable_and_comes_back() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal("secrets/default/s", VALUE)
    assert b"password" not in sealed
    assert sealer.open("secrets/default/s", sealed) == VALUE
    assert sealed != sealer.seal("secrets/default/s", VALUE)


def test_other_objects_stay_plain() -> None:
    assert Sealer([NEW]).seal("configmaps/default/c", VALUE) == VALUE


def test_what_was_written_before_is_still_read() -> None:
    assert Sealer([NEW]).open("secrets/default/s", VALUE) == VALUE


def test_keys_rotate() -> None:
    sealed = Sealer([OLD]).seal("secrets/default/s", VALUE)
    rotated = Sealer([NEW, OLD])
    assert rotated.open("secrets/default/s", sealed) == VALUE
    assert not rotated.is_current(sealed)
    assert rotated.is_current(rotated.seal("secrets/default/s", VALUE))
    with pytest.raises(CorralError, match="unknown key old"):
        Sealer([NEW]).open("secrets/default/s", sealed)


def test_a_value_moved_or_changed_does_not_open() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal("secrets/default/s", VALUE)
    with pytest.raises(CorralError, match="cannot be decrypted"):
        sealer.open("secrets/default/other", sealed)
    with pytest.raises(CorralError, match="cannot be decrypted"):
        sealer.open("secrets/default/s", sealed[:-1] + bytes([sealed[-1] ^ 1]))


def test_the_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "encryption.key"
    sealed = encryption.load(path).seal("secrets/default/s", VALUE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert encryption.load(path).open("secrets/default/s", sealed) == VALUE


@pytest.mark.parametrize("text", ["", "key1 short", "no-key-here", "key1 !!!!"])
def test_a_damaged_key_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "encryption.key"
    path.write_text(text)
    with pytest.raises(CorralError, match=r"encryption\.key"):
        encryption.load(path)
