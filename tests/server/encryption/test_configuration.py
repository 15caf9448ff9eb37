"""The file that says what is sealed; and a store whose keys change under it."""

import asyncio
import base64
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from corral.base.errors import CorralError
from corral.server.encryption.configuration import load_configuration
from corral.server.encryption.keyfile import rotate
from corral.testing.server import RunningServer, running_server

SECRET = base64.b64encode(b"s" * 32).decode()


def written(folder: Path, *entries: Any) -> Path:
    (folder / "config").mkdir(exist_ok=True)
    path = folder / "config" / "encryption.yaml"
    head = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    path.write_text(yaml.safe_dump({**head, "resources": list(entries)}))
    return path


def entry(resources: list[str], *providers: Any) -> dict[str, Any]:
    return {"resources": resources, "providers": list(providers)}


def keys(kind: str, *names: str) -> dict[str, Any]:
    return {kind: {"keys": [{"name": name, "secret": SECRET} for name in names]}}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (entry([], keys("aesgcm", "a")), "resources[0]"),
        (entry(["*"], keys("aesgcm", "a")), "resources[0].resources[0]"),
        (entry(["Secrets"], keys("aesgcm", "a")), "resources[0].resources[0]"),
        (entry(["secrets"], {"kms": {}}), "resources[0].providers[0]"),
        (entry(["secrets"], {"aesgcm": {"keys": []}}), "resources[0].providers[0].aesgcm.keys"),
        (entry(["secrets"], keys("aesgcm", "a:b")), "keys[0].name"),
        (entry(["secrets"], {"secretbox": {"keys": [{"name": "a", "secret": "c2hvcnQ="}]}}), "keys[0].secret"),
        (entry(["secrets"], {"identity": {}, **keys("aesgcm", "a")}), "providers[0]"),
    ],
)
def test_a_fault_names_the_field_and_shows_no_key(tmp_path: Path, bad: dict[str, Any], said: str) -> None:
    with pytest.raises(CorralError) as fault:
        load_configuration(written(tmp_path, bad))
    assert said in str(fault.value)
    assert SECRET not in str(fault.value) and "c2hvcnQ=" not in str(fault.value)


def stored(folder: Path) -> dict[str, bytes]:
    """The newest values of our objects in the store."""
    with sqlite3.connect(folder / "server" / "store.db") as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: dict[str, bytes] = {}
        for table in tables:
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            if {"key", "value"} <= set(columns):
                order = "revision" if "revision" in columns else "rowid"
                for key, value in db.execute(f"SELECT key, value FROM {table} ORDER BY {order}"):
                    if key in ("secrets/default/s", "configmaps/default/c") and value:
                        found[key] = bytes(value)
    return found


async def restarted(folder: Path, write: bool = False) -> dict[str, bytes]:
    """Start a server, have it settle, and stop it; what is in the store then."""
    async with asyncio.timeout(30), running_server(folder) as server:
        if write:
            client = server.client()
            await client.create("secrets", {"metadata": {"name": "s", "namespace": "default"}, "stringData": {"k": "tweet"}})
            await client.create("configmaps", {"metadata": {"name": "c", "namespace": "default"}, "data": {"k": "tweet"}})
        await readable(server)
        await server.api.house.encrypted.wait()
        await readable(server)
    return stored(folder)


async def readable(server: RunningServer) -> None:
    secret = await server.client().get("secrets", "s", "default")
    assert base64.b64decode(secret["data"]["k"]) == b"tweet"
    assert (await server.client().get("configmaps", "c", "default"))["data"] == {"k": "tweet"}


def test_a_store_follows_its_keys(tmp_path: Path) -> None:
    async def story() -> None:
        first = await restarted(tmp_path, write=True)
        assert first["secrets/default/s"].startswith(b"k8s:enc:aesgcm:v1:key")
        assert first["configmaps/default/c"].startswith(b"{")

        rotate(tmp_path / "pki" / "encryption.key")
        second = await restarted(tmp_path)
        assert second["secrets/default/s"][:40] != first["secrets/default/s"][:40]

        written(tmp_path, entry(["secrets", "configmaps"], keys("secretbox", "box")))
        third = await restarted(tmp_path)
        assert all(value.startswith(b"k8s:enc:secretbox:v1:box:") for value in third.values())

        written(tmp_path, entry(["*."], keys("aesgcm", "a"), keys("secretbox", "box"), {"identity": {}}))
        fourth = await restarted(tmp_path)
        assert all(value.startswith(b"k8s:enc:aesgcm:v1:a:") for value in fourth.values())

        written(tmp_path, entry(["secrets"], {"identity": {}}, keys("aesgcm", "a")), entry(["*.*"], keys("aesgcm", "a")))
        fifth = await restarted(tmp_path)
        assert fifth["secrets/default/s"].startswith(b"{")
        assert fifth["configmaps/default/c"].startswith(b"k8s:enc:aesgcm:v1:a:")

        written(tmp_path, entry(["pods"], keys("aesgcm", "b")))
        with pytest.raises(CorralError, match="unknown key"):
            await restarted(tmp_path)

    asyncio.run(story())
