import os
from pathlib import Path

import pytest
from tests.node.nesting import TOO_DEEP, nested

from corral.node.removal import remove
from corral.node.volumes.ownership import give_to_group

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changing owners needs root")


def test_all_of_it_belongs_to_the_group(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").touch(mode=0o600)
    (tmp_path / "l").symlink_to("/etc/passwd")
    give_to_group(tmp_path, 4242)
    assert (tmp_path / "d/f").stat().st_gid == 4242
    assert (tmp_path / "d/f").stat().st_mode & 0o777 == 0o660
    assert (tmp_path / "d").stat().st_mode & 0o2070 == 0o2070
    assert Path("/etc/passwd").stat().st_gid == 0


def test_on_root_mismatch_looks_at_the_top_only(tmp_path):
    give_to_group(tmp_path, 4242)
    (tmp_path / "f").touch()
    os.chown(tmp_path / "f", 0, 0)
    give_to_group(tmp_path, 4242, on_root_mismatch=True)
    assert (tmp_path / "f").stat().st_gid == 0


def test_a_link_among_the_files_is_not_followed(tmp_path):
    (tmp_path / "outside").touch(mode=0o600)
    (tmp_path / "v").mkdir()
    (tmp_path / "v/link").symlink_to(tmp_path / "outside")
    give_to_group(tmp_path / "v", 4242)
    assert (tmp_path / "outside").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "outside").stat().st_gid == 0


def test_folders_that_nest_deep_belong_to_it_to_the_last(tmp_path):
    """A pod that had it before can have made them."""
    deepest = nested(tmp_path / "v", TOO_DEEP)
    try:
        give_to_group(tmp_path / "v", 4242)
        assert os.fstat(deepest).st_gid == os.stat("file", dir_fd=deepest).st_gid == 4242
    finally:
        os.close(deepest)
        remove(tmp_path / "v")
