"""`corral server`: the control plane in one process. API server, controllers and scheduler share one loop and one cache."""

import asyncio
import contextlib
import resource
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from corral.base.clock import Clock, SystemClock
from corral.base.errors import CorralError
from corral.base.listening import inherited
from corral.base.tasks import Tasks
from corral.cli import daemon
from corral.cli.layout import Cluster, Home
from corral.server.api import ApiServer
from corral.server.config import ServerConfig
from corral.store.compaction import compact_regularly
from corral.store.sqlite import SqliteStore


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    del words
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR", help="where the cluster lives")


def server(*, data_dir: Path) -> None:
    """Run the API server, controllers and scheduler of the cluster in DATA_DIR until SIGTERM."""
    daemon.run(lambda stop: _serve(data_dir, stop))


async def _serve(data_dir: Path, stop: asyncio.Event) -> None:
    open_many_files()
    cluster = Home(data_dir).require()
    config = settings(cluster, data_dir)
    clock = SystemClock()
    folder = data_dir / "server"
    folder.mkdir(mode=0o700, exist_ok=True)
    store = await SqliteStore.open(folder / "store.db")
    api = ApiServer(config, store, clock)
    tasks = Tasks()
    try:
        try:
            await api.start(inherited())
        except OSError as error:
            raise CorralError(f"cannot listen on port {config.port}: {error.strerror}", "choose another: --port PORT") from None
        daemon.tell_ready(Home(data_dir), "server")
        tasks.keep("store compaction", lambda: compact_regularly(store, clock, compacted=api.core.cache.forget))
        if cluster.controllers:
            # In a thread: those who ask already are answered meanwhile.
            start_control = await asyncio.to_thread(_load_control)
            start_control(api, clock, tasks)
        await stop.wait()
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await tasks.close()
        await api.stop()
        await store.close()


def open_many_files() -> None:
    """Let this process have as many open files as it may: each connection is one, and shells give 1,024 of them."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def settings(cluster: Cluster, data_dir: Path) -> ServerConfig:
    """What the API server needs to know of the cluster."""
    config = ServerConfig(
        data_dir,
        name=cluster.name,
        host=cluster.host,
        port=cluster.port,
        advertise_address=cluster.advertise_address,
        service_cidr=cluster.service_cidr,
        pod_cidr=cluster.pod_cidr,
        extra_sans=cluster.extra_sans,
        node_port_min=cluster.node_port_min,
        node_port_max=cluster.node_port_max,
        runtime_config=cluster.runtime_config,
        node_disks=cluster.node,
    )
    return replace(config, issuer=cluster.issuer) if cluster.issuer else config


def _load_control() -> Callable[[ApiServer, Clock, Tasks], None]:
    from corral.cli.control import start

    return start
