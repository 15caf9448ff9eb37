"""The cgroups of this host: which version, and making and removing the ones that Corral owns."""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)

MOUNT = Path("/sys/fs/cgroup")
KILL_TIMEOUT_S, KILL_PAUSE_S = 10.0, 0.02
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

    def remove(self, path: str) -> bool:
        """Remove the cgroup and those below it from every hierarchy; whether it is gone (what still runs in it keeps it)."""
        folders = [top / path.lstrip("/") for top in self._hierarchies()]
        for folder in folders:
            for below, _, _ in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    Path(below).rmdir()
        return not any(folder.is_dir() for folder in folders)

    def clear(self, path: str) -> None:
        """Kill whatever runs in the cgroup or below it, then remove it: nothing outlives its node, whatever happened before."""
        deadline_s = time.monotonic() + KILL_TIMEOUT_S
        while not self.remove(path) and time.monotonic() < deadline_s:
            for pid in self._members(path):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(KILL_PAUSE_S)

    def _members(self, path: str) -> set[int]:
        pids: set[int] = set()
        for top in self._hierarchies():
            for below, _, _ in os.walk(top / path.lstrip("/")):
                with contextlib.suppress(OSError):
                    pids.update(int(pid) for pid in (Path(below) / "cgroup.procs").read_text().split())
        return pids - {0}

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
