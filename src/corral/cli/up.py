"""`corral up`: make the cluster if it is not there, start its processes, and wait until its node is Ready."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from corral.base.errors import CorralError
from corral.base.processes import Process, Starting, start
from corral.cli import kubeconfig as kubeconfigs
from corral.cli.doctor import require_node
from corral.cli.layout import (
    DEFAULT_NAME,
    DEFAULT_NODE_PORT,
    DEFAULT_PORT,
    Cluster,
    Home,
    check_name,
    choose_port,
    choose_ranges,
    home_of,
    host_address,
    host_routes,
)

SERVER_TIMEOUT_S = 30.0
LOG_LINES_SHOWN = 8
STOP_GRACE_S = 5.0


def up(
    *,
    data_dir: Path | None = None,
    name: str | None = None,
    port: int | None = None,
    no_node: Annotated[bool, Parameter(negative=())] = False,
    wait: float = 60.0,
    no_merge: Annotated[bool, Parameter(negative=())] = False,
    cri: str = "",
) -> None:
    """Start a cluster, and return when its node is Ready.

    Parameters
    ----------
    data_dir
        Where the cluster lives (default: /var/lib/corral/NAME as root, ~/.local/share/corral/NAME else).
    name
        The cluster's name, its context in the kubeconfig (default: corral).
    port
        The API server's port (default: the first free one from 6443 on).
    no_node
        Start the API server, controllers and scheduler only: needs no root and no container runtime.
    wait
        Seconds to wait for the node to be Ready.
    no_merge
        Leave ~/.kube/config alone.
    cri
        The socket of a container runtime to use, instead of a containerd of the cluster's own.
    """
    began_s = time.monotonic()
    check_name(name or DEFAULT_NAME)
    home = home_of(data_dir, name or DEFAULT_NAME)
    if not no_node:
        require_node(cri)
    home.make()
    lock = home.lock()
    try:
        cluster = _cluster(home, name, port, not no_node, cri)
        missing = [c for c in components(cluster) if Process.load(home.pid_file(c)) is None]
        if not missing:
            print(f"Cluster {cluster.name} is already up: {cluster.server}")
            print("  stop it with: " + _command(home, cluster, "down"))
            return
        starting = _start(home, cluster, missing, no_merge)
        if "server" in starting:
            _await_server(home, cluster, starting, began_s)
        if "node" in starting:
            _await(home, "node", starting["node"], wait, began_s, f"node {socket.gethostname().lower()} Ready")
        _tell(home, cluster, no_merge)
    finally:
        os.close(lock)


def _cluster(home: Home, name: str | None, port: int | None, node: bool, cri: str) -> Cluster:
    """The cluster kept in `home`, or a new one."""
    known = home.load()
    if known is not None:
        if name is not None and name != known.name:
            raise CorralError(f'{home.root} holds a cluster called "{known.name}"', "choose another --data-dir")
        if not Process.load(home.pid_file("server")):
            choose_port(known.port if port is None else port, DEFAULT_PORT)
        if (port is not None and port != known.port) or node != known.node or cri != known.cri:
            known = replace(known, port=port or known.port, node=node, cri=cri)
            home.save(known)
        return known
    pods, services = choose_ranges(name or DEFAULT_NAME, host_routes(Path("/proc/net/route").read_text()))
    cluster = Cluster(
        name=name or DEFAULT_NAME,
        port=choose_port(port, DEFAULT_PORT),
        node_port=choose_port(None, DEFAULT_NODE_PORT),
        host="0.0.0.0" if node else "127.0.0.1",
        advertise_address=host_address() if node else "127.0.0.1",
        pod_cidr=pods,
        service_cidr=services,
        node=node,
        cri=cri,
    )
    home.save(cluster)
    return cluster


def components(cluster: Cluster) -> tuple[str, ...]:
    """The processes that `up` starts; containerd is the node's."""
    return ("server", "node") if cluster.node else ("server",)


def _start(home: Home, cluster: Cluster, missing: Iterable[str], no_merge: bool) -> dict[str, Starting]:
    """Keys first, then all processes at once: the node agent waits for the API by itself."""
    from corral.cli.credentials import write_credentials

    admin = write_credentials(home, cluster)
    if not no_merge:
        kubeconfigs.merge(kubeconfigs.user_kubeconfig(), admin)
    starting = {}
    for component in missing:
        # Not through `corral.cli.main`: the processes need no command line, and start sooner without it.
        argv = [sys.executable, "-m", f"corral.cli.{component}", str(home.root)]
        starting[component] = start(argv, home.log(component))
        starting[component].process.save(home.pid_file(component))
    return starting


def _await_server(home: Home, cluster: Cluster, starting: dict[str, Starting], began_s: float) -> None:
    """Without a server nothing else is of use: where it fails, all that was started is stopped."""
    try:
        _await(home, "server", starting["server"], SERVER_TIMEOUT_S, began_s, f"API server ready at {cluster.server}")
    except CorralError:
        for component in starting.values():
            component.process.stop(STOP_GRACE_S)
        raise


def _await(home: Home, component: str, starting: Starting, timeout_s: float, began_s: float, done: str) -> None:
    if starting.wait_ready(timeout_s):
        print(f"✓ {done} ({time.monotonic() - began_s:.1f} s)", flush=True)
        return
    state = "is not ready yet" if starting.process.alive() else "has stopped"
    lines = home.log(component).read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    shown = "".join(f"\n  | {line[: shutil.get_terminal_size().columns - 5]}" for line in lines)
    raise CorralError(
        f"the {component} {state} after {time.monotonic() - began_s:.0f} s{shown}",
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
