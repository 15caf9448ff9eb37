"""Folders of PersistentVolumes on the node's disk."""

import os

import pytest

from corral.node.volumes.persistent import make, remove


def test_a_folder_is_everybodys_in_a_place_that_is_nobodys(tmp_path):
    folder = make(tmp_path / "persistent", "pvc-1")
    assert folder.stat().st_mode & 0o777 == 0o777
    assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_in_it_stays_when_it_is_asked_for_again(tmp_path):
    (make(tmp_path, "pvc-1") / "file").write_text("kept")
    assert (make(tmp_path, "pvc-1") / "file").read_text() == "kept"


def test_removing_takes_all_that_is_in_it_and_nothing_else(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("stays")
    root = tmp_path / "persistent"
    (make(root, "pvc-1") / "link").symlink_to(outside)
    make(root, "pvc-2")
    remove(root, "pvc-1")
    remove(root, "pvc-1")
    assert [f.name for f in root.iterdir()] == ["pvc-2"]
    assert (outside / "file").exists()


def test_a_volume_goes_however_deep_its_folders_are(tmp_path):
    folder = make(tmp_path, "pvc-1")
    fd = os.open(folder, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deeper", dir_fd=fd)
        deeper = os.open("deeper", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = deeper
    os.close(fd)
    remove(tmp_path, "pvc-1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", ".", "../x", "a/b", "/etc", "a..b", "Ä"])
def test_names_lead_nowhere_else(tmp_path, name):
    for act in (make, remove):
        with pytest.raises(ValueError, match="no name of a volume"):
            act(tmp_path, name)
