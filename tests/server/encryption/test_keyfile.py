"""The cluster's own keys."""

import stat
from pathlib import Path

import pytest

from corral.base.errors import CorralError
from corral.server.encryption.keyfile import OLD_MARK, load_keys, rotate
from corral.server.encryption.sealer import Rule, Sealer

VALUE = b'{"kind":"Secret"}'
KEY = "secrets/default/s"


def sealer(path: Path) -> Sealer:
    return Sealer([Rule(("secrets",), tuple(load_keys(path)))])


def test_the_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "encryption.key"
    sealed = sealer(path).seal(KEY, VALUE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sealer(path).open(KEY, sealed) == VALUE


def test_a_rotated_file_still_opens(tmp_path: Path) -> None:
    path = tmp_path / "encryption.key"
    sealed = sealer(path).seal(KEY, VALUE)
    rotate(path)
    found = sealer(path)
    assert found.open(KEY, sealed) == VALUE
    assert not found.is_current(KEY, sealed)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_values_under_the_mark_of_before_open(tmp_path: Path) -> None:
    path = tmp_path / "encryption.key"
    load_keys(path)
    old = next(cipher for cipher in load_keys(path) if cipher.mark.startswith(OLD_MARK))
    found = sealer(path)
    assert found.open(KEY, old.mark + old.seal(KEY, VALUE)) == VALUE
    assert found.stale == {KEY}


@pytest.mark.parametrize("text", ["", "key1 short", "no-key-here", "key1 !!!!"])
def test_a_damaged_key_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "encryption.key"
    path.write_text(text)
    with pytest.raises(CorralError, match=r"encryption\.key"):
        load_keys(path)
