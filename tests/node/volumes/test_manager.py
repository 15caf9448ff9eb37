"""Which volumes containers can never write to, and what the agent reads of those that they can."""

import os

import pytest

from corral.node.volumes.manager import Volumes, is_read_only


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"configMap": {"name": "c"}}, True),
        ({"secret": {"secretName": "s"}}, True),
        ({"downwardAPI": {}}, True),
        ({"projected": {"sources": []}}, True),
        ({"image": {"reference": "web:1"}}, True),
        ({"persistentVolumeClaim": {"claimName": "c", "readOnly": True}}, True),
        ({"persistentVolumeClaim": {"claimName": "c"}}, False),
        ({"emptyDir": {}}, False),
        ({"hostPath": {"path": "/tmp"}}, False),
    ],
)
def test_the_agents_own_files_are_read_only(volume, expected):
    assert is_read_only({"name": "v", **volume}) is expected


def test_a_small_file_of_a_volume_is_a_file_and_nothing_else(tmp_path):
    """A container can make pipes and devices in a volume; to open one can be to use it."""
    (tmp_path / "file").write_text("A='1'")
    (tmp_path / "outside").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "pipe")
    paths = {"v": tmp_path}
    assert Volumes.read_text(paths, "v", "file") == "A='1'"
    for name in ("pipe", "."):
        with pytest.raises(ValueError, match="not a regular file"):
            Volumes.read_text(paths, "v", name)
    with pytest.raises(FileNotFoundError):
        Volumes.read_text(paths, "v", "outside")
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    with pytest.raises(ValueError, match="larger than"):
        Volumes.read_text(paths, "v", "large")
