"""`corral doctor`: what this host needs to run pods, what is missing, and the command that installs it."""

import os
from argparse import ArgumentParser
from pathlib import Path

from corral.base.annotations import Callable, NamedTuple
from corral.base.errors import CorralError
from corral.cli.arguments import add_output, show

CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
CNI_PLUGINS = ("ptp", "host-local", "loopback")
CGROUPS = Path("/sys/fs/cgroup")
NEEDED_CONTROLLERS = ("cpu", "memory", "pids")
MIN_FREE_BYTES = 1 << 30


class Finding(NamedTuple):
    """One check: `remedy` says what to do where it failed; `needed` is whether pods cannot run without it.

    `package` is what brings it, where one does.
    """

    check: str
    ok: bool
    detail: str
    remedy: str = ""
    needed: bool = True
    package: str = ""


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    del words
    add_output(parser)


def doctor(*, output: str = "text") -> None:
    """Check what this host needs, and say how to get it. Exits with 1 where something needed is missing."""
    findings = examine()
    if not show([f._asdict() for f in findings], output):
        for finding in findings:
            mark = "✓" if finding.ok else "✗" if finding.needed else "!"
            print(f"{mark} {finding.check:<22} {finding.detail}")
            if not finding.ok:
                print(f"    → {finding.remedy}")
    if any(f.needed and not f.ok for f in findings):
        raise SystemExit(1)


def require_node(cri: str = "") -> None:
    """Raise CorralError, naming all that is missing, unless this host can run pods."""
    if os.geteuid() != 0:
        raise CorralError(
            "running pods needs root", "run it with sudo, or start an API server without a node: corral up --no-node"
        )
    missing = [f for f in examine(cri) if f.needed and not f.ok]
    if missing:
        raise CorralError(
            "this host lacks " + ", ".join(f.check for f in missing),
            "; ".join(dict.fromkeys([*_installation(missing), *(f.remedy for f in missing if not f.package)])),
        )


def examine(cri: str = "") -> list[Finding]:
    """All checks, most basic first. With a runtime of the user's own, only its socket is checked in place of containerd."""
    runtime = [_socket(cri)] if cri else [_program("containerd", "containerd"), _program("runc", "runc")]
    return [
        _root(),
        *runtime,
        _cni(),
        _program("nft", "nftables"),
        _program("ip", "iproute2"),
        _program("conntrack", "conntrack", needed=False),
        _program("busybox", "busybox-static", needed=False),
        _cgroups(),
        _overlay(),
        _program("buildah", "buildah", needed=False),
        _program("kubectl", "kubernetes-client", needed=False),
        _disk(),
    ]


def _installation(missing: list[Finding]) -> list[str]:
    """The one command that installs all that is missing, if a package is."""
    packages = " ".join(dict.fromkeys(f.package for f in missing if f.package))
    return [install_command(packages)] if packages else []


def install_command(package: str) -> str:
    """How this host's package manager installs `package` (a Debian name, or several)."""
    known: list[tuple[str, Callable[[str], str]]] = [
        ("apt-get", lambda p: f"apt-get install -y --no-install-recommends {p}"),
        ("dnf", lambda p: f"dnf install -y {p}"),
        ("apk", lambda p: f"apk add {p}"),
    ]
    for program, command in known:
        if _found(program):
            return command(package)
    return f"install the package {package}"


def _root() -> Finding:
    return Finding("root", os.geteuid() == 0, f"uid {os.geteuid()}", "run it with sudo")


def _program(program: str, package: str, *, needed: bool = True) -> Finding:
    path = _found(program)
    return Finding(program, bool(path), path or "not found", install_command(package), needed, package)


def _found(program: str) -> str:
    """Where a program is, "" where it is not; without what else the library brings that knows it, too."""
    folders = [*os.environ.get("PATH", "").split(":"), "/usr/sbin", "/sbin", "/usr/local/sbin"]
    files = (Path(folder) / program for folder in folders if folder)
    return next((str(file) for file in files if file.is_file() and os.access(file, os.X_OK)), "")


def _socket(path: str) -> Finding:
    there = Path(path.removeprefix("unix://")).is_socket()
    return Finding("CRI socket", there, path if there else f"no socket at {path}", "name the runtime's socket: --cri SOCKET")


def _cni() -> Finding:
    for folder in CNI_FOLDERS:
        if all((folder / plugin).exists() for plugin in CNI_PLUGINS):
            return Finding("CNI plugins", True, str(folder))
    package = "containernetworking-plugins"
    return Finding("CNI plugins", False, "not found", install_command(package), package=package)


def _cgroups() -> Finding:
    unified = CGROUPS / "cgroup.controllers"
    if unified.exists():
        there = unified.read_text().split()
        version = "v2"
    else:
        there = [p.name for p in CGROUPS.iterdir()] if CGROUPS.exists() else []
        version = "v1"
    missing = [c for c in NEEDED_CONTROLLERS if c not in there]
    detail = f"{version}, without {', '.join(missing)}" if missing else version
    return Finding("cgroups", not missing, detail, "boot the host (or start the container it is in) with these controllers")


def _overlay() -> Finding:
    there = "overlay" in Path("/proc/filesystems").read_text() or Path("/sys/module/overlay").exists()
    return Finding("overlayfs", there, "there" if there else "not in this kernel", "modprobe overlay", needed=False)


def _disk() -> Finding:
    disk = os.statvfs("/var/lib" if Path("/var/lib").exists() else "/")
    free = disk.f_bavail * disk.f_frsize
    return Finding("disk", free > MIN_FREE_BYTES, f"{free / 2**30:.1f} GiB free", "free at least 1 GiB", needed=False)
