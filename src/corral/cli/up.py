"""`corral up`: make the cluster if it is not there, start its processes, and wait until its node is Ready."""

import contextlib
import os
import socket
import sys
import time
from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path

from corral.base.annotations import Iterable, Mapping, NamedTuple, Sequence
from corral.base.errors import CorralError
from corral.base.listening import BACKLOG, bind
from corral.base.processes import Starting, start
from corral.cli import configuration
from corral.cli import kubeconfig as kubeconfigs
from corral.cli.arguments import add_home
from corral.cli.credentials import write_credentials
from corral.cli.doctor import require_node
from corral.cli.down import bring_down
from corral.cli.layout import (
    DEFAULT_NAME,
    DEFAULT_NODE_PORT,
    DEFAULT_PORT,
    Cluster,
    Home,
    check_name,
    check_port,
    choose_name,
    choose_port,
    choose_ranges,
    choosing,
    home_of,
    host_address,
    host_routes,
    node_name,
    port_is_free,
)
from corral.network.config import device_name

#: At least this long the API server may take, however short the wait for the node is to be.
SERVER_TIMEOUT_S = 30.0
#: glibc keeps an arena a thread and gives little back; the processes allocate from one thread, and are meant to stay small.
FRUGAL_MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}
LOG_LINES_SHOWN = 3
STOP_GRACE_S = 10.0
POLL_S = 0.05


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    del words
    add_home(parser, name=None)
    parser.add_argument("--port", type=int, help="the API server's port (default: the first free one from 6443 on)")
    node = parser.add_mutually_exclusive_group()
    without = "start the API server, controllers and scheduler only: needs no root and no container runtime"
    node.add_argument("--no-node", action="store_true", default=None, help=without)
    node.add_argument("--node", dest="no_node", action="store_false", default=None, help="with a node, where it had none")
    parser.add_argument(
        "--controllers",
        action=BooleanOptionalAction,
        help="without controllers and scheduler (and --no-node), what is stored stays as it is: for tests of your own ones",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for the API server, and then for the node to be Ready (default: 60)",
    )
    parser.add_argument("--no-merge", action="store_true", help="leave ~/.kube/config alone")
    parser.add_argument(
        "--cri", metavar="SOCKET", help="the socket of a container runtime to use, instead of a containerd of the cluster's own"
    )
    parser.add_argument(
        "--config",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a configuration file of the API server: an audit Policy, an AuthenticationConfiguration, an"
        " EncryptionConfiguration, or a kubeconfig called audit-webhook, token-webhook or authorization-webhook.kubeconfig;"
        " may be given several times, also for a cluster that is up",
    )
    parser.add_argument(
        "--oidc-issuer-url",
        default="",
        metavar="URL",
        help='take the tokens of this OpenID provider: users are URL#SUBJECT, groups are those of the claim "groups"',
    )
    parser.add_argument(
        "--oidc-client-id", default="", metavar="ID", help="the audience that the provider's tokens must be for"
    )


def up(
    *,
    data_dir: Path | None = None,
    name: str | None = None,
    port: int | None = None,
    no_node: bool | None = None,
    controllers: bool | None = None,
    wait: float = 60.0,
    no_merge: bool = False,
    cri: str | None = None,
    config: Sequence[Path] = (),
    oidc_issuer_url: str = "",
    oidc_client_id: str = "",
) -> None:
    """Start a cluster, and return when its node is Ready.

    A cluster that was made before keeps its settings, where no others are given.
    """
    began_s = time.monotonic()
    check_name(name or DEFAULT_NAME)
    home = home_of(data_dir, name or DEFAULT_NAME)
    known = home.load()
    wanted = Wanted(
        name,
        port,
        node=(known is None or known.node) if no_node is None else not no_node,
        cri=(known.cri if known else "") if cri is None else cri,
        controllers=(known is None or known.controllers) if controllers is None else controllers,
        config={**configuration.checked(config), **configuration.open_id(oidc_issuer_url, oidc_client_id)},
    )
    if port is not None:
        check_port(port)
    if wanted.node and not wanted.controllers:
        raise CorralError("a node without controllers runs nothing", "give --no-node too, or --controllers")
    if wanted.node:
        home.check_sockets()
        require_node(wanted.cri)
    if not no_merge:
        kubeconfigs.check(kubeconfigs.user_kubeconfig())
    home.make()
    lock = home.lock()
    try:
        with choosing() if known is None else contextlib.nullcontext():
            _start_missing(home, wanted, no_merge, wait, began_s)
    finally:
        home.unmake()
        os.close(lock)


class Wanted(NamedTuple):
    """What the command line, or the cluster as it was made, asks for; None where it does not matter."""

    name: str | None
    port: int | None
    node: bool
    cri: str
    controllers: bool
    #: Configuration files of the server by their names.
    config: Mapping[str, bytes]


def _start_missing(home: Home, wanted: Wanted, no_merge: bool, wait_s: float, began_s: float) -> None:
    """Start what does not run. Where a part of it ends at once, or the user interrupts, what was started is stopped again."""
    cluster, running = _cluster(home, wanted)
    server_s = max(SERVER_TIMEOUT_S, wait_s)
    if configuration.place(home, wanted.config) and "server" in running and (server := home.process("server")):
        server.stop(STOP_GRACE_S)  # It reads them when it starts; pods run on meanwhile.
        running.remove("server")
    missing = [c for c in components(cluster) if c not in running]
    if not missing:
        for component, timeout_s in (("server", server_s), ("node", wait_s)):
            if component in running:
                _await_running(home, component, timeout_s, began_s)
        if not no_merge:
            kubeconfigs.merge(kubeconfigs.user_kubeconfig(), kubeconfigs.admin(home))
        print(f"Cluster {cluster.name} is already up: {cluster.server}")
        print("  stop it with: " + _command(home, cluster, "down"))
        return
    try:
        starting = _start(home, cluster, missing)
        if "server" in starting:
            _await(home, "server", starting["server"], server_s, began_s, f"API server ready at {cluster.server}")
        if not no_merge:  # Not before: nobody's kubectl is led to a cluster that does not answer.
            kubeconfigs.merge(kubeconfigs.user_kubeconfig(), kubeconfigs.admin(home))
    except BaseException:
        _undo(home, cluster, running, missing)
        raise
    if "node" in starting:
        try:
            _await(home, "node", starting["node"], wait_s, began_s, f"node {node_name()} Ready")
        except (CorralError, KeyboardInterrupt) as failure:
            # One that is only late is left to come up.
            if isinstance(failure, KeyboardInterrupt) or home.process("node") is None:
                _undo(home, cluster, running, missing)
            raise
    _tell(home, cluster, no_merge)


def _undo(home: Home, cluster: Cluster, running: list[str], started: list[str]) -> None:
    """Stop what was started; where nothing ran before, take away all it made, too."""
    print("! stopping what was started", file=sys.stderr, flush=True)
    if not running:
        bring_down(home, cluster)
        return
    for component in started:
        if process := home.process(component):
            process.stop(STOP_GRACE_S)


def _cluster(home: Home, wanted: Wanted) -> tuple[Cluster, list[str]]:
    """The cluster kept in `home`, or a new one; and what of it runs already."""
    known = home.load()
    if known is not None:
        return _known(home, known, wanted)
    _, port, node, cri, controllers, _ = wanted
    name = wanted.name or choose_name(lambda taken: node and Path("/sys/class/net", device_name(taken)).exists())
    pods, services = choose_ranges(name, host_routes(Path("/proc/net/route").read_text()))
    cluster = Cluster(
        name=name,
        port=choose_port(port, DEFAULT_PORT),
        node_port=choose_port(None, DEFAULT_NODE_PORT),
        host="0.0.0.0" if node else "127.0.0.1",
        advertise_address=host_address() if node else "127.0.0.1",
        pod_cidr=pods,
        service_cidr=services,
        node=node,
        cri=cri,
        controllers=controllers,
    )
    home.save(cluster)
    return cluster, []


def _known(home: Home, known: Cluster, wanted: Wanted) -> tuple[Cluster, list[str]]:
    """The cluster with the settings that are wanted now: they are changed only where nothing of it runs."""
    if wanted.name is not None and wanted.name != known.name:
        raise CorralError(f'{home.root} holds a cluster called "{known.name}"', "choose another --data-dir")
    running = [c for c in ("server", "node", "containerd") if home.process(c) is not None]
    port = known.port if wanted.port is None else wanted.port
    changed = known._replace(port=port, node=wanted.node, cri=wanted.cri, controllers=wanted.controllers)
    if running and changed != known:
        raise CorralError(
            f"cluster {known.name} is up with other settings: {known.server}", f"first: {_command(home, known, 'down')}"
        )
    if "server" not in running:
        choose_port(port, DEFAULT_PORT)
    if not running:
        changed = changed._replace(
            node_port=known.node_port if port_is_free(known.node_port) else choose_port(None, DEFAULT_NODE_PORT),
            host="0.0.0.0" if wanted.node else "127.0.0.1",
            advertise_address=host_address() if wanted.node else "127.0.0.1",
        )
    if changed != known:
        home.save(changed)
    return changed, running


def components(cluster: Cluster) -> tuple[str, ...]:
    """The processes that `up` starts; containerd is the node's."""
    return ("server", "node") if cluster.node else ("server",)


def _start(home: Home, cluster: Cluster, missing: Iterable[str]) -> dict[str, Starting]:
    """Keys first, then all processes at once: the node agent waits for the API by itself."""
    write_credentials(home, cluster)
    starting = {}
    for component in missing:
        home.ready_file(component).unlink(missing_ok=True)
        argv, log = [sys.executable, *home.command(component)], home.log(component)
        with _listener(cluster) if component == "server" else contextlib.nullcontext() as listener:
            starting[component] = start(argv, log, FRUGAL_MALLOC, listener)
        starting[component].process.save(home.pid_file(component))
    return starting


def _listener(cluster: Cluster) -> socket.socket:
    """The server's port, taken for it: another `up` takes it for free no more, even if this one is killed now."""
    listener = bind(cluster.host, cluster.port)
    listener.listen(BACKLOG)
    return listener


def _await(home: Home, component: str, starting: Starting, timeout_s: float, began_s: float, done: str) -> None:
    waiting_s = time.monotonic()
    if starting.wait_ready(timeout_s):
        print(f"✓ {done} ({time.monotonic() - began_s:.1f} s)", flush=True)
        return
    if time.monotonic() - waiting_s < timeout_s:
        starting.process.stop(STOP_GRACE_S)  # It has closed the pipe, or said why it failed: it is about to end by itself.
    if starting.failure:
        raise CorralError(*starting.failure)
    raise _not_ready(home, component, began_s)


def _await_running(home: Home, component: str, timeout_s: float, began_s: float) -> None:
    """Return when a component is ready that another `up` started, which was killed or is impatient."""
    while not home.ready_file(component).exists():
        if time.monotonic() - began_s > timeout_s or home.process(component) is None:
            raise _not_ready(home, component, began_s)
        time.sleep(POLL_S)


def _not_ready(home: Home, component: str, began_s: float) -> CorralError:
    """What a person needs to know of a component that is not ready, or has stopped."""
    spent_s = time.monotonic() - began_s
    state = "has stopped" if home.process(component) is None else "is not ready yet"
    lines = home.log(component).read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    from shutil import get_terminal_size

    shown = "".join(f"\n  | {line[: get_terminal_size().columns - 5]}" for line in lines)
    return CorralError(
        f"the {component} {state} after {spent_s:.0f} s{shown}",
        f"see its whole log: corral logs {component} --data-dir {home.root}",
    )


def _tell(home: Home, cluster: Cluster, no_merge: bool) -> None:
    print(f"Cluster {cluster.name} is up. Its kubeconfig: {home.kubeconfig}")
    if no_merge:
        print(f"  look around:  kubectl --kubeconfig {home.kubeconfig} get nodes")
    else:
        print(f"  look around:  kubectl get nodes        (context {cluster.name} of {kubeconfigs.user_kubeconfig()})")
    print(f"  stop it:      {_command(home, cluster, 'down')}")


def _command(home: Home, cluster: Cluster, verb: str) -> str:
    if home == home_of(None, DEFAULT_NAME):
        return f"corral {verb}"
    if home == home_of(None, cluster.name):
        return f"corral {verb} --name {cluster.name}"
    return f"corral {verb} --data-dir {home.root}"
