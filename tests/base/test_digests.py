"""Digests without OpenSSL are those that hashlib makes."""

import builtins
import hashlib

import pytest

from corral.base.digests import hexdigest


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("data", [b"", b"a chart", bytes(range(256)) * 100])
def test_a_digest_is_that_of_hashlib(name, data):
    assert hexdigest(name, data) == hashlib.new(name, data).hexdigest()


def test_a_python_without_implementations_of_its_own_takes_those_of_hashlib(monkeypatch):
    load = builtins.__import__

    def without(name, *args, **named):
        if name in ("_sha256", "_sha2"):
            raise ImportError(name)
        return load(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert hexdigest("sha256", b"x") == hashlib.sha256(b"x").hexdigest()
