"""What a pod's files take."""

import os

from tests.node.nesting import TOO_DEEP, nested

from corral.node.config import NodeConfig
from corral.node.cri.types import ContainerStats
from corral.node.pressure.usage import bytes_below, measure
from corral.node.removal import remove
from corral.testing.podstate import new_pod


def stats(name, memory, layer):
    return ContainerStats("id", "u", name, 0.0, 0, memory, memory, memory, 0, 0, layer, 0)


def test_what_goes_while_it_is_measured_hides_nothing_else(tmp_path, monkeypatch):
    for i in range(3):
        (tmp_path / f"file{i}").write_bytes(b"x" * 100_000)
    scandir = os.scandir

    class Gone:
        """An entry that another one has removed."""

        def stat(self, *, follow_symlinks):
            raise FileNotFoundError

    class Scan:
        """A folder whose first entry is gone."""

        def __init__(self, path) -> None:
            self._scan = scandir(path)

        def __enter__(self):
            return iter([Gone(), *self._scan])

        def __exit__(self, *_):
            self._scan.close()

    monkeypatch.setattr(os, "scandir", Scan)
    assert bytes_below(tmp_path) >= 300_000


def test_files_are_counted_by_what_they_take_and_once(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 10_000)
    os.link(tmp_path / "a", tmp_path / "b")
    (tmp_path / "link").symlink_to("/")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert 10_000 <= bytes_below(tmp_path) < 100_000
    assert bytes_below(tmp_path / "none") == 0


def test_files_too_deep_for_a_path_count(tmp_path):
    """Else a container could hide from its limits what it writes."""
    os.close(nested(tmp_path / "top", TOO_DEEP, 1 << 12))
    assert bytes_below(tmp_path / "top") >= TOO_DEEP << 12
    remove(tmp_path / "top")


def test_a_pod_is_its_containers_their_logs_and_its_empty_dirs(tmp_path):
    config = NodeConfig("x", "n1", "127.0.0.1", tmp_path, "/none")
    volumes = [{"name": "e", "emptyDir": {}}, {"name": "m", "emptyDir": {"medium": "Memory"}}, {"name": "c", "configMap": {}}]
    pod = new_pod(volumes=volumes)
    meta = pod["metadata"]
    logs = config.pod_log_dir(meta["namespace"], meta["name"], meta["uid"]) / "c"
    logs.mkdir(parents=True)
    (logs / "0.log").write_bytes(b"x" * 8192)
    for name in ("e", "m"):
        folder = config.pod_dir(meta["uid"]) / "volumes/kubernetes.io~empty-dir" / name
        folder.mkdir(parents=True)
        (folder / "f").write_bytes(b"x" * 20_000)
    found = measure(config, pod, [stats("c", 5, 1000)])
    assert found.total("memory") == 5
    assert found.disk["c"] >= 9192 and found.volumes.keys() == {"e"} and found.volumes["e"] >= 20_000
    assert found.total("ephemeral-storage") == found.disk["c"] + found.volumes["e"]
