"""What is seen through a mount is never removed with the folder that it is mounted in."""

import errno
import os

import pytest

from corral.node import mounts
from corral.node.volumes import persistent

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="binding needs root")


@pytest.fixture
def outside(tmp_path):
    """A folder with a file, bound into `tmp_path/tree/deep`."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("somebody else's")
    (tmp_path / "tree/deep").mkdir(parents=True)
    mounts.bind(tmp_path / "outside", tmp_path / "tree/deep")
    yield tmp_path / "outside/file"
    mounts.unmount_below(tmp_path)


def test_a_tree_goes_without_what_is_mounted_in_it(outside, tmp_path):
    assert mounts.points_below(tmp_path / "tree") == [str(tmp_path / "tree/deep")]
    mounts.remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
    assert outside.read_text() == "somebody else's"
    mounts.remove_tree(tmp_path / "tree")


def test_mount_points_have_any_name(tmp_path):
    strange = tmp_path / "a b\n\\é☃"
    strange.mkdir()
    mounts.mount_tmpfs(strange)
    (strange / "inside").write_text("")
    assert mounts.points_below(tmp_path) == [str(strange)]
    mounts.remove_tree(tmp_path)
    assert not tmp_path.exists()


def test_a_volume_in_which_something_is_mounted_stays(outside, tmp_path):
    with pytest.raises(OSError, match="something is mounted") as caught:
        persistent.remove(tmp_path, "tree")
    assert caught.value.errno == errno.EBUSY
    assert outside.exists() and (tmp_path / "tree/deep/file").exists()
