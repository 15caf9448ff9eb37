"""The cgroups of this host: which version, and making and removing the ones that Corral owns."""

import contextlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)

MOUNT = Path("/sys/fs/cgroup")
CGROUP2_CONTROLLERS = MOUNT / "cgroup.controllers"
V1_CONTROLLERS = ("cpu", "memory")
V2_WANTED = ("cpu", "cpuset", "io", "memory", "pids", "hugetlb")


class Cgroups:
    """The hierarchies below `mount`. On hybrid hosts the controllers are in v1, and that is what counts."""

    def __init__(self, mount: Path = MOUNT) -> None:
        self.mount = mount
        self.v2 = (mount / "cgroup.controllers").exists()

    def make(self, path: str, values: Mapping[str, Mapping[str, str]]) -> None:
        """Make the cgroup `path` in every controller that `values` names, and write the values."""
        for controller, files in values.items():
            folder = self._folder(controller, path)
            if not folder.is_dir():
                self._make_folder(folder)
            for name, value in files.items():
                try:
                    (folder / name).write_text(value)
                except OSError as error:
                    log.warning("cgroup %s: %s = %s: %s", path, name, value, error.strerror)

    def remove(self, path: str) -> None:
        """Remove the cgroup and those below it from every hierarchy; what still runs in it keeps it."""
        for top in self._hierarchies():
            folder = top / path.lstrip("/")
            if not folder.is_dir():
                continue
            for below, _, _ in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    Path(below).rmdir()

    def _folder(self, controller: str, path: str) -> Path:
        return self.mount / controller / path.lstrip("/")

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if not self.v2:
            return
        for parent in reversed([p for p in folder.parents if p.is_relative_to(self.mount)]):
            for controller in V2_WANTED:
                with contextlib.suppress(OSError):
                    (parent / "cgroup.subtree_control").write_text(f"+{controller}")

    def _hierarchies(self) -> list[Path]:
        if self.v2:
            return [self.mount]
        return [entry for entry in self.mount.iterdir() if entry.is_dir() and not entry.is_symlink()]
