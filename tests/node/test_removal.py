"""Removing what pods have left."""

import os

import pytest
from tests.node.nesting import TOO_DEEP

from corral.node.removal import remove


def deep(top, depth):
    """Folders within folders, a file and a link out of it in each, past what a path can name."""
    top.mkdir()
    (top.parent / "outside").mkdir()
    (top.parent / "outside/file").write_text("stays")
    fd = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.symlink(top.parent / "outside", "link", dir_fd=fd)
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=fd))
        for name in ("aside", "deeper" * 20):
            os.mkdir(name, dir_fd=fd)
        deeper = os.open("deeper" * 20, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = deeper
    os.close(fd)


def test_nothing_is_too_deep_and_no_link_is_followed(tmp_path):
    deep(tmp_path / "top", TOO_DEEP)
    remove(tmp_path / "top")
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (tmp_path / "outside/file").read_text() == "stays"
    remove(tmp_path / "top")


def test_a_link_in_its_place_is_not_followed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("stays")
    (tmp_path / "top").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="top"):
        remove(tmp_path / "top")
    assert (tmp_path / "outside/file").exists()


def test_what_cannot_go_keeps_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "top/a/b").mkdir(parents=True)
    for name in ("a/kept", "a/b/goes", "goes"):
        (tmp_path / "top" / name).write_text("")
    unlink = os.unlink

    def held(name, **how):
        if name == "kept":
            raise PermissionError(1, "Operation not permitted", name)
        unlink(name, **how)

    monkeypatch.setattr(os, "unlink", held)
    with pytest.raises(PermissionError, match="kept"):
        remove(tmp_path / "top")
    assert [path.name for path in (tmp_path / "top").rglob("*")] == ["a", "kept"]
