"""Corral's own containerd: its configuration, its life, and its complete removal.

It has its own root, state and socket, so that it never meets another containerd on the host, and it outlives the agent: pods
run on while the agent is restarted. containerd 1.6, 1.7 and 2.x read this configuration.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from corral.base.errors import CorralError
from corral.base.processes import Process, start
from corral.node import mounts
from corral.node.config import PAUSE_IMAGE

log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
RESTART_PAUSE_S = 1.0
STOP_GRACE_S = 10.0
CNI_BIN_DIRS = ("/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni")
CAP_SYS_RESOURCE = 24
OVERLAYFS_MAGIC = 0x794C7630
NAMESPACE = "k8s.io"


class Containerd(Struct, frozen=True):
    """Where it lives: `root` for what is kept (images), `run` for sockets and what a reboot may take (a short path)."""

    root: Path
    run: Path
    log: Path
    cni_conf_dir: Path
    cni_bin_dir: Path | None = None

    @property
    def socket(self) -> Path:
        """Its gRPC socket."""
        return self.run / "containerd.sock"

    @property
    def certs_dir(self) -> Path:
        """A folder for each registry with a `hosts.toml`: https://github.com/containerd/containerd/blob/main/docs/hosts.md."""
        return self.root / "certs.d"

    @property
    def pid_file(self) -> Path:
        """Where the running process is remembered."""
        return self.run / "containerd.pid"

    @property
    def config(self) -> Path:
        """Its config.toml, which names it among the host's processes; it is there from before the start until `clear`."""
        return self.run / "containerd.toml"

    def process(self) -> Process | None:
        """The running one, if it runs; also one whose starter was killed before it could remember it."""
        if (found := Process.load(self.pid_file)) is None and self.config.exists():
            found = Process.find(["--config", str(self.config)])
        return found

    async def ensure(self) -> bool:
        """Have it running and the sandbox image present; whether it had to be started.

        Raises CorralError where it cannot start.
        """
        if self.process() is not None and _answers(self.socket):
            return False
        await asyncio.to_thread(self._start)
        return True

    def _start(self) -> None:
        binary = shutil.which("containerd")
        if binary is None:
            raise CorralError("containerd is not installed", "apt-get install containerd runc")
        if (stale := self.process()) is not None:
            stale.stop(STOP_GRACE_S)
        for folder in (self.root, self.run, self.certs_dir, self.cni_conf_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(self.config_text())
        self.config.chmod(0o600)
        self.socket.unlink(missing_ok=True)
        with _notifications(self.run / "notify.sock") as ready:
            starting = start(
                [binary, "--config", str(self.config)],
                self.log,
                {"NOTIFY_SOCKET": str(self.run / "notify.sock"), "CONTAINERD_LOG_LEVEL": "warn"},
            )
            starting.wait_ready(0)
            starting.process.save(self.pid_file)
            if not _said_ready(ready, starting.process):
                starting.process.stop(STOP_GRACE_S)
                raise CorralError(f"containerd did not start: {_last_line(self.log)}", f"see {self.log}")
        self._import_pause_image()

    def config_text(self) -> str:
        """Its config.toml."""
        restricted = not _has_capability(CAP_SYS_RESOURCE)
        bin_dir = self.cni_bin_dir or find_cni_bin_dir()
        snapshotter = "native" if mounts.filesystem_magic(self.root) == OVERLAYFS_MAGIC else "overlayfs"
        return _CONFIG.format(
            root=_quote(self.root / "root"),
            state=_quote(self.run / "state"),
            socket=_quote(self.socket),
            opt=_quote(self.root / "opt"),
            oom_score=0 if restricted else -999,
            restrict=str(restricted).lower(),
            pause=_quote(PAUSE_IMAGE),
            bin_dir=_quote(bin_dir),
            conf_dir=_quote(self.cni_conf_dir),
            certs=_quote(self.certs_dir),
            snapshotter=_quote(snapshotter),
        )

    def _import_pause_image(self) -> None:
        listed = self.ctr("images", "ls", "-q", f"name=={PAUSE_IMAGE}")
        if PAUSE_IMAGE in listed.split():
            return
        from corral.node.pause import pause_image  # Needed once in a node's life.

        archive = self.run / "pause.tar"
        archive.write_bytes(pause_image(PAUSE_IMAGE, os.uname().machine))
        try:
            self.ctr("images", "import", str(archive))
            self.ctr("images", "label", PAUSE_IMAGE, "io.cri-containerd.pinned=pinned")
        finally:
            archive.unlink()

    def ctr(self, *arguments: str) -> str:
        """What `ctr` prints for this containerd. Raises CorralError with its error."""
        argv = ["ctr", "--address", str(self.socket), "--namespace", NAMESPACE, *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CorralError(f"ctr {arguments[0]}: {done.stderr.strip().removeprefix('ctr: ')}")
        return done.stdout

    def stop(self) -> None:
        """End the process; its pods run on."""
        process = self.process()
        if process is not None:
            process.stop(STOP_GRACE_S)
        self.pid_file.unlink(missing_ok=True)

    def has_traces(self) -> bool:
        """Whether pods of an earlier run may still be there."""
        return self.process() is not None or bool(_shims_of(self.socket)) or (self.run / "state").exists()

    def clear(self) -> None:
        """Remove from the host what is left after `stop`: shims, mounts, sockets. Images stay."""
        for shim in _shims_of(self.socket):
            shim.stop(0)
        for top in (self.run, self.root):
            mounts.unmount_below(top)
        shutil.rmtree(self.run, ignore_errors=True)

    def purge(self) -> None:
        """`clear`, and forget the images too."""
        self.clear()
        shutil.rmtree(self.root, ignore_errors=True)

    async def supervise(self) -> None:
        """Start it again whenever it ends, until cancelled."""
        while True:
            process = self.process()
            if process is not None:
                await _end_of(process)
                log.warning("containerd has ended; starting it again")
            try:
                await self.ensure()
            except CorralError as error:
                log.error("%s", error.message)
                await asyncio.sleep(RESTART_PAUSE_S)


def find_cni_bin_dir() -> Path:
    """Where the standard CNI plugins lie on this host. Raises CorralError where there are none."""
    for candidate in CNI_BIN_DIRS:
        if Path(candidate, "ptp").exists():
            return Path(candidate)
    raise CorralError("the CNI plugins are not installed", "apt-get install containernetworking-plugins")


_CONFIG = """\
version = 2
root = {root}
state = {state}
oom_score = {oom_score}
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing", "io.containerd.nri.v1.nri",
]

[grpc]
  address = {socket}

[plugins."io.containerd.internal.v1.opt"]
  path = {opt}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = {pause}
  restrict_oom_score_adj = {restrict}
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  tolerate_missing_hugetlb_controller = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = {bin_dir}
    conf_dir = {conf_dir}
    max_conf_num = 1
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = {certs}
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = {snapshotter}
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def _quote(value: object) -> str:
    return json.dumps(str(value))


@contextlib.contextmanager
def _notifications(path: Path) -> Iterator[socket.socket]:
    """A socket for systemd's readiness protocol (sd_notify), which containerd speaks: no asking again and again."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        try:
            yield receiver
        finally:
            path.unlink(missing_ok=True)


def _said_ready(ready: socket.socket, process: Process) -> bool:
    step_s = 0.2
    ready.settimeout(step_s)
    for _ in range(int(START_TIMEOUT_S / step_s)):
        try:
            if b"READY=1" in ready.recv(256):
                return True
        except TimeoutError:
            if not process.alive():
                return False
    return False


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


async def _end_of(process: Process) -> None:
    """Return when the process has ended."""
    try:
        fd = os.pidfd_open(process.pid)
    except OSError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(fd, ended.set)
    try:
        if process.alive():
            await ended.wait()
    finally:
        loop.remove_reader(fd)
        os.close(fd)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)  # noqa: ASYNC222 (it does not block)


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return lines[-1] if lines else "it wrote nothing"


def _has_capability(bit: int) -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> bit & 1)
    return False


def _shims_of(address: Path) -> list[Process]:
    shims = []
    wanted = str(address).encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
            if arguments and b"containerd-shim" in arguments[0] and wanted in arguments:
                ticks = int((entry / "stat").read_text().rpartition(")")[2].split()[19])
                shims.append(Process(int(entry.name), ticks))
        except (OSError, ValueError, IndexError):
            continue
    return shims
