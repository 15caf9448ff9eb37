import os

import pytest

from corral.node import mounts
from corral.node.volumes import subpath
from corral.node.volumes.content import VolumeError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="binding needs root")


@pytest.fixture
def volume(tmp_path):
    (tmp_path / "v").mkdir()
    (tmp_path / "secret").write_text("outside")
    yield tmp_path / "v"
    mounts.unmount_below(tmp_path)


def test_a_file_and_a_missing_folder(volume, tmp_path):
    (volume / "f").write_text("1")
    assert subpath.bind(volume, "f", tmp_path / "t/0").read_text() == "1"
    made = subpath.bind(volume, "a/b", tmp_path / "t/1")
    (made / "x").touch()
    assert (volume / "a/b/x").exists()


@pytest.mark.parametrize(
    ("below", "why"),
    [
        ("../secret", "unable to provision SubPath `../secret`: must not contain '..'"),
        ("a/../../secret", "unable to provision SubPath `a/../../secret`: must not contain '..'"),
        ("/etc", "error SubPath `/etc` must not be an absolute path"),
    ],
)
def test_ways_out_are_refused(volume, tmp_path, below, why):
    with pytest.raises(VolumeError) as refused:
        subpath.bind(volume, below, tmp_path / "t/0")
    assert str(refused.value) == why


@pytest.mark.parametrize("target", ["../secret", "/etc/passwd"])
def test_a_link_cannot_lead_out(volume, tmp_path, target):
    (volume / "link").symlink_to(target)
    try:
        bound = subpath.bind(volume, "link", tmp_path / "t/0")
    except VolumeError:
        return
    assert bound.is_dir() or "outside" not in bound.read_text()
    assert not (bound.is_file() and "root:" in bound.read_text())
