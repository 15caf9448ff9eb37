"""However deep folders are, each is gone through once, with few open files."""

import os
from pathlib import Path

import pytest
from tests.node.nesting import TOO_DEEP, nested

from corral.node.descent import OPEN_AT_ONCE, descend
from corral.node.removal import remove


@pytest.fixture
def deep(tmp_path):
    yield (top := tmp_path / "top")
    remove(top)


def open_files():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def folders(fd):
    with os.scandir(fd) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]


def test_every_folder_once_on_the_way_down_and_back(deep):
    os.close(nested(deep, TOO_DEEP))
    for path in (deep / "a/b", deep / "deeper/c"):
        path.mkdir(parents=True)
    # Beside folders whose own have been closed on the way down.
    far = os.open(deep / "/".join(["deeper"] * 20), os.O_RDONLY)
    os.mkdir("z", dir_fd=far)
    os.mkdir("a", dir_fd=far)
    os.close(far)
    before, most, found = open_files(), 0, []
    for folder in descend(deep):
        found.append(os.fstat(folder.fd).st_ino)
        folder.below += folders(folder.fd)
        most = max(most, open_files())
    assert len(found) == len(set(found)) == 1 + TOO_DEEP + 5
    assert most - before <= OPEN_AT_ONCE + 2
    assert open_files() == before


def test_what_is_not_wanted_is_left_out(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    seen = []
    for folder in descend(tmp_path):
        seen.append(folder.name)
        folder.below += [name for name in folders(folder.fd) if name != "a"]
    assert seen == ["", "c"]


def test_neither_links_nor_what_went_are_gone_through(tmp_path):
    (tmp_path / "top").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "top/link").symlink_to(tmp_path / "outside")
    seen = []
    for folder in descend(tmp_path / "top"):
        seen.append(folder.name)
        folder.below += ["link", "gone"] if not folder.name else []
    assert seen == [""]
    with pytest.raises(FileNotFoundError):
        next(descend(tmp_path / "none"))
    with pytest.raises(OSError, match="link"):
        next(descend(tmp_path / "top/link"))


def test_who_moves_folders_meanwhile_does_not_lead_it_out(tmp_path, deep):
    """Back at the top of a long way, its beginning is elsewhere: what is beside it is gone through all the same."""
    os.close(nested(deep, OPEN_AT_ONCE + 20))
    (deep / "beside").mkdir()
    (tmp_path / "outside/secret").mkdir(parents=True)
    seen = []
    for folder in descend(deep):
        seen.append(folder.name)
        folder.below += sorted(folders(folder.fd), reverse=True)
        if len(seen) == OPEN_AT_ONCE + 10:
            cut = deep / "/".join(["deeper"] * 5)
            cut.rename(tmp_path / "outside/moved")
    assert seen.count("deeper") == OPEN_AT_ONCE + 20
    assert "beside" in seen and "secret" not in seen
    remove(tmp_path / "outside")
