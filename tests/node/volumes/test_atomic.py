import os

import pytest

from corral.node.volumes.atomic import File, write


def read(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith("..")}


def test_files_appear_change_and_go(tmp_path):
    assert write(tmp_path / "v", {"a": File(b"1", 0o644), "b": File(b"2", 0o600)}, 0)
    assert read(tmp_path / "v") == {"a": b"1", "b": b"2"}
    assert (tmp_path / "v" / "b").stat().st_mode & 0o777 == 0o600
    assert write(tmp_path / "v", {"a": File(b"3", 0o644), "c": File(b"", 0o644)}, 1)
    assert read(tmp_path / "v") == {"a": b"3", "c": b""}


def test_the_same_files_change_nothing(tmp_path):
    files = {"a": File(b"1", 0o644), "d/e": File(b"2", 0o644)}
    write(tmp_path, files, 0)
    before = (tmp_path / "..data").readlink()
    assert not write(tmp_path, files, 1)
    assert (tmp_path / "..data").readlink() == before


def test_a_reader_of_the_folder_sees_one_set_only(tmp_path):
    write(tmp_path, {"a": File(b"1", 0o644), "b": File(b"1", 0o644)}, 0)
    folder = os.open(tmp_path / "..data", os.O_PATH)
    write(tmp_path, {"a": File(b"2", 0o644), "b": File(b"2", 0o644)}, 0)
    with pytest.raises(FileNotFoundError):
        os.open("a", os.O_RDONLY, dir_fd=folder)
    os.close(folder)
    assert len([p for p in tmp_path.iterdir() if p.name.startswith("..20") or p.name.startswith("..19")]) == 1


def test_paths_below_folders(tmp_path):
    write(tmp_path, {"x/y/z": File(b"1", 0o644)}, 0)
    assert (tmp_path / "x/y/z").read_bytes() == b"1"


@pytest.mark.parametrize("elsewhere", ["/{outside}", "../outside", "..", "..link"])
def test_a_link_that_a_container_bent_leads_to_no_loss(tmp_path, elsewhere):
    folder, outside = tmp_path / "v", tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    write(folder, {"a": File(b"1", 0o644)}, 0)
    (folder / "..link").symlink_to(outside)
    (folder / "..data").unlink()
    (folder / "..data").symlink_to(elsewhere.format(outside=str(outside).lstrip("/")))
    assert write(folder, {"a": File(b"2", 0o644)}, 1)
    assert (outside / "kept").exists()
    assert read(folder) == {"a": b"2"}
