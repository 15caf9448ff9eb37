"""What a cluster is on disk and on the host: its folders, ports and address ranges.

`cluster.json` in the data directory is written once, when the cluster is made; everything else follows from it. It is read here
only: what a process needs of it, it is given.
"""

import contextlib
import fcntl
import ipaddress
import json
import os
import re
import zlib
from pathlib import Path

from corral.base.annotations import Any, Callable, Iterable, Iterator, NamedTuple
from corral.base.errors import CorralError
from corral.base.files import replace
from corral.base.processes import Process

DEFAULT_NAME = "corral"
DEFAULT_PORT = 6443
DEFAULT_NODE_PORT = 10250
PORTS_TRIED = 50
RANGES = 28
NODE_PREFIX = 24
#: containerd takes no longer paths (Linux itself would take 107).
SOCKET_PATH_LIMIT = 104
NAME = re.compile(r"[a-z]([-a-z0-9]{0,22}[a-z0-9])?")


class Cluster(NamedTuple):
    """The facts of one cluster. Ranges are CIDRs; `node`: does this host run pods, `controllers`: does anything act?"""

    name: str
    port: int
    node_port: int
    host: str
    advertise_address: str
    pod_cidr: str
    service_cidr: str
    node: bool
    cri: str = ""
    controllers: bool = True
    #: More names and addresses in the API server's certificate.
    extra_sans: tuple[str, ...] = ()
    node_port_min: int = 30000
    node_port_max: int = 32767
    #: The issuer of service account tokens; "" means the server's own default.
    issuer: str = ""
    #: Versions of the API that are on or off beside the default: `api/beta=true`.
    runtime_config: str = ""

    @property
    def api_ip(self) -> str:
        """The address of the Service `kubernetes`: the first of the service range."""
        return str(ipaddress.ip_network(self.service_cidr)[1])

    @property
    def dns_ip(self) -> str:
        """The tenth address of the service range, as everywhere."""
        return str(ipaddress.ip_network(self.service_cidr)[10])

    @property
    def node_pod_cidr(self) -> str:
        """The part of the pod range that is the first node's."""
        return str(next(ipaddress.ip_network(self.pod_cidr).subnets(new_prefix=NODE_PREFIX)))

    @property
    def server(self) -> str:
        """The API's URL from this host."""
        return f"https://127.0.0.1:{self.port}"


class Home(NamedTuple):
    """A data directory and what lies where in it."""

    root: Path

    @property
    def config(self) -> Path:
        """`cluster.json`."""
        return self.root / "cluster.json"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.root / "kubeconfig"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "pki"

    @property
    def run(self) -> Path:
        """Sockets and process files: nothing that is worth keeping."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log a component."""
        return self.root / "logs"

    def pid_file(self, component: str) -> Path:
        """Where a running component is remembered; containerd does it in its own folder."""
        return (self.containerd if component == "containerd" else self.run) / f"{component}.pid"

    def ready_file(self, component: str) -> Path:
        """There as long as a component that runs is ready."""
        return self.run / f"{component}.ready"

    @property
    def containerd(self) -> Path:
        """The runtime's sockets and state; its images are in `root/containerd`."""
        return self.run / "containerd"

    def log(self, component: str) -> Path:
        """A component's log."""
        return self.logs / f"{component}.log"

    def process(self, component: str) -> Process | None:
        """A component that runs; also one whose starter was killed before it could remember it."""
        if found := Process.load(self.pid_file(component)):
            return found
        if component == "containerd":
            return Process.find(["--config", str(self.containerd / "containerd.toml")])
        if found := Process.find(self.command(component)):
            found.save(self.pid_file(component))
        return found

    def command(self, component: str) -> list[str]:
        """How the component is started, the interpreter left out."""
        return ["-m", "corral.cli.start", component, str(self.root)]

    def check_sockets(self) -> None:
        """Raise CorralError where the sockets of a node would have paths that are too long."""
        if len(str(self.containerd / "containerd.sock.ttrpc")) > SOCKET_PATH_LIMIT:
            raise CorralError(f"the path {self.root} is too long for sockets in it", "choose a shorter --data-dir")

    def make(self) -> None:
        """Make the folders, closed to other users. Raises CorralError where they cannot be."""
        try:
            for folder in (self.root, self.pki, self.run, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CorralError(
                f"cannot make {error.filename}: {error.strerror}", "choose a folder of your own: --data-dir DIR"
            ) from None

    def unmake(self) -> None:
        """Take the folders away again where no cluster came to be in them; a folder that holds anything stays."""
        if not self.config.exists():
            (self.root / "lock").unlink(missing_ok=True)
            for folder in (self.pki, self.run, self.logs, self.root):
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def lock(self) -> int:
        """Hold the cluster against a second `up` or `down`; the lock goes with the process."""
        fd = os.open(self.root / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise CorralError("another corral command works on this cluster", "wait for it to end and try again") from None
        return fd

    def load(self) -> Cluster | None:
        """The cluster kept here; None where there is none. Raises CorralError where the file is damaged."""
        try:
            cluster = _cluster_of(json.loads(self.config.read_bytes()))
            for cidr in (cluster.pod_cidr, cluster.service_cidr):
                ipaddress.ip_network(cidr)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            raise CorralError(f"no permission to read {self.config}", "run the command as root (sudo)") from None
        except (OSError, ValueError, RecursionError) as error:
            raise CorralError(
                f"{self.config} is damaged ({error})",
                f"restore the file, or start over: corral down --purge --data-dir {self.root}",
            ) from None
        return cluster

    def require(self) -> Cluster:
        """The cluster kept here. Raises CorralError where there is none."""
        cluster = self.load()
        if cluster is None:
            raise CorralError(f"there is no cluster in {self.root}", "make one with corral up, or name its --data-dir")
        return cluster

    def save(self, cluster: Cluster) -> None:
        """Keep the cluster's facts."""
        replace(self.config, json.dumps(cluster._asdict(), indent=1).encode() + b"\n", durable=True)


#: The types of the fields.
_SAMPLE = Cluster("", 0, 0, "", "", "", "", node=False)


def _cluster_of(found: Any) -> Cluster:
    """The cluster that a JSON value describes; what it does not know is passed over. Raises ValueError."""
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    given: dict[str, Any] = {}
    for field, sample in _SAMPLE._asdict().items():
        if field not in found:
            continue
        value = tuple(found[field]) if isinstance(found[field], list) else found[field]
        if type(value) is not type(sample) or (isinstance(value, tuple) and not all(isinstance(one, str) for one in value)):
            raise ValueError(f"{field} is {json.dumps(found[field])[:100]}")
        given[field] = value
    try:
        return Cluster(**given)
    except TypeError:
        raise ValueError(f"there is no {', '.join(f for f in Cluster._fields[:8] if f not in given)}") from None


@contextlib.contextmanager
def choosing() -> Iterator[None]:
    """One new cluster at a time chooses its ports and ranges on this host, and holds them before the next one looks."""
    runtime_dir = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "/tmp")
    path = f"{runtime_dir}/corral-{os.geteuid()}.lock"
    fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def home_of(data_dir: Path | None, name: str) -> Home:
    """The data directory: the one given, else the user's usual place for a cluster of that name."""
    if data_dir is not None:
        return Home(data_dir.resolve())
    base = Path("/var/lib/corral") if os.geteuid() == 0 else Path.home() / ".local/share/corral"
    return Home(base / name)


def check_name(name: str) -> None:
    """Raise CorralError unless `name` can name a cluster (it names network devices and tables too)."""
    if not NAME.fullmatch(name):
        raise CorralError(f'"{name}" cannot name a cluster', "use up to 24 lower-case letters, digits and '-', a letter first")


def check_port(port: int) -> None:
    """Raise CorralError unless `port` is a port's number."""
    if not 0 < port < 65536:
        raise CorralError(f"{port} is no port", "choose one from 1 to 65535")


def choose_name(is_taken: Callable[[str], bool]) -> str:
    """A name for a cluster that was given none: `corral`, or `corral-2` and so on beside others of this host."""
    names = [DEFAULT_NAME, *(f"{DEFAULT_NAME}-{i}" for i in range(2, RANGES + 1))]
    return next((name for name in names if not is_taken(name)), DEFAULT_NAME)


def choose_port(wanted: int | None, default: int, address: str = "") -> int:
    """The wanted port, or the first free one from `default` on. Raises CorralError where the wanted one is taken."""
    if wanted is not None:
        check_port(wanted)
        if not port_is_free(wanted, address):
            raise CorralError(f"port {wanted} is already taken", "stop what listens there, or choose another: --port PORT")
        return wanted
    for port in range(default, default + PORTS_TRIED):
        if port_is_free(port, address):
            return port
    raise CorralError(f"no free port from {default} to {default + PORTS_TRIED - 1}", "choose one: --port PORT")


def port_is_free(port: int, address: str = "") -> bool:
    """Whether a server could listen on `port` now."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def choose_ranges(name: str, taken: Iterable[str]) -> tuple[str, str]:
    """Pod and Service ranges that overlap none of the host's routes (CIDRs): by name, so that they seldom change."""
    used = [ipaddress.ip_network(cidr) for cidr in taken]
    first = 0 if name == DEFAULT_NAME else 1 + zlib.crc32(name.encode()) % (RANGES - 1)
    for i in range(RANGES):
        slot = (first + i) % RANGES
        pods, services = f"10.{128 + slot}.0.0/16", f"10.{96 + slot}.0.0/16"
        if not any(ipaddress.ip_network(r).overlaps(u) for r in (pods, services) for u in used):
            return pods, services
    raise CorralError("every address range for pods and Services is in use on this host", "remove a cluster: corral down")


def node_name() -> str:
    """The name of this host's node."""
    return os.uname().nodename.lower()


def host_routes(table: str) -> list[str]:
    """The destinations in the text of /proc/net/route, the default route left out."""
    routes = []
    for line in table.splitlines()[1:]:
        columns = line.split()
        destination, mask = (int.from_bytes(bytes.fromhex(columns[i]), "little") for i in (1, 7))
        if mask:
            routes.append(f"{ipaddress.ip_address(destination)}/{mask.bit_count()}")
    return routes


def host_address() -> str:
    """This host's own address on its default route; loopback where it has none."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))  # A UDP connect sends nothing: it only picks the route.
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
