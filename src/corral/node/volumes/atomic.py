"""Files that change all at once: each name is a symbolic link through `..data` to a folder with a time in its name.

Readers see either the old set or the new one. The layout is the one that applications know from ConfigMap volumes.
"""

import contextlib
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

DATA_LINK = "..data"
_NEW_LINK = "..data_tmp"


class File(Struct, frozen=True):
    """What a file holds, its permission bits, and whose it is (None: root's)."""

    content: bytes
    mode: int
    uid: int | None = None
    gid: int | None = None


def write(folder: Path, files: Mapping[str, File], now_s: float) -> bool:
    """Have `folder` hold exactly `files` (path → file); whether anything changed. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / DATA_LINK
    old = _current(folder)
    if old is not None and _same(folder / old, files):
        return False
    stamp = datetime.fromtimestamp(now_s, UTC).strftime("..%Y_%m_%d_%H_%M_%S.")
    new = folder / f"{stamp}{os.urandom(4).hex()}"
    new.mkdir(mode=0o755)
    for path, file in files.items():
        target = new / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(file.mode)
        if file.uid is not None or file.gid is not None:
            os.chown(target, -1 if file.uid is None else file.uid, -1 if file.gid is None else file.gid)
    fresh = folder / _NEW_LINK
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(new.name)
    fresh.rename(link)
    _link_names(folder, {path.split("/")[0] for path in files})
    if old is not None:
        shutil.rmtree(folder / old, ignore_errors=True)
    return True


def _current(folder: Path) -> str | None:
    """The name of the set that is shown; None where there is none, or where the link leads anywhere but to one of ours."""
    try:
        name = str((folder / DATA_LINK).readlink())
    except OSError:
        return None
    is_ours = name.startswith("..") and "/" not in name and name != ".." and not (folder / name).is_symlink()
    return name if is_ours else None


def _same(folder: Path, files: Mapping[str, File]) -> bool:
    present = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    if present != set(files):
        return False
    for path, file in files.items():
        target = folder / path
        if target.stat().st_mode & 0o7777 != file.mode or target.read_bytes() != file.content:
            return False
    return True


def _link_names(folder: Path, names: set[str]) -> None:
    for name in names:
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(f"{DATA_LINK}/{name}")
    for entry in folder.iterdir():
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in names:
            with contextlib.suppress(FileNotFoundError):
                entry.unlink()
