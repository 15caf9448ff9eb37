"""Removes folders that pods have filled: however deep they are, in the same memory and with the same few open files."""

import os
from pathlib import Path

from corral.node.descent import FOLDER


def remove(top: Path) -> None:
    """Remove a folder and all that is in it; no error where there is none. No link is followed.

    Folders within folders are moved to the top before they are emptied, as their depth is without bound. What cannot be removed
    stays, and all else goes; raises the first OSError then.
    """
    try:
        root = os.open(top, FOLDER)
    except FileNotFoundError:
        return
    failures: list[OSError] = []
    try:
        waiting = _emptied(root, root, failures)
        while waiting:
            name = waiting.pop()
            try:
                folder = os.open(name, FOLDER, dir_fd=root)
                try:
                    waiting += _emptied(folder, root, failures)
                finally:
                    os.close(folder)
                os.rmdir(name, dir_fd=root)
            except OSError as error:
                failures.append(error)
    finally:
        os.close(root)
    if failures:
        raise failures[0]
    top.rmdir()


def _emptied(folder: int, root: int, failures: list[OSError]) -> list[str]:
    """Remove what is in an open folder but its folders, which go to `root`: their names there."""
    moved = []
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        try:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=folder)
            elif folder == root:
                moved.append(entry.name)
            else:
                name = os.urandom(16).hex()
                os.rename(entry.name, name, src_dir_fd=folder, dst_dir_fd=root)
                moved.append(name)
        except OSError as error:
            failures.append(error)
    return moved
