"""`corral server`: the control plane in one process. API server, controllers and scheduler share one loop and one cache."""

import asyncio
import contextlib
from pathlib import Path
from random import Random

from msgspec.structs import replace

from corral.base.clock import SystemClock
from corral.base.errors import CorralError
from corral.base.tasks import Tasks
from corral.cli import daemon
from corral.cli.layout import Cluster, Home
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.manager import Config, build
from corral.scheduler.scheduler import Scheduler
from corral.server.api import ApiServer
from corral.server.config import ServerConfig
from corral.server.request import LOOPBACK, User
from corral.store.compaction import compact_regularly
from corral.store.sqlite import SqliteStore


def server(*, data_dir: Path) -> None:
    """Run the API server, controllers and scheduler of the cluster in DATA_DIR until SIGTERM."""
    daemon.run(lambda stop: _serve(data_dir, stop))


async def _serve(data_dir: Path, stop: asyncio.Event) -> None:
    config = settings(Home(data_dir).require(), data_dir)
    clock = SystemClock()
    folder = data_dir / "server"
    folder.mkdir(mode=0o700, exist_ok=True)
    store = await SqliteStore.open(folder / "store.db")
    api = ApiServer(config, store, clock)
    tasks = Tasks()
    try:
        try:
            await api.start()
        except OSError as error:
            raise CorralError(f"cannot listen on port {config.port}: {error.strerror}", "choose another: --port PORT") from None
        daemon.tell_ready(Home(data_dir), "server")
        tasks.keep("store compaction", lambda: compact_regularly(store, clock, compacted=api.core.cache.forget))
        _start_control(api, clock, tasks)
        await stop.wait()
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await tasks.close()
        await api.stop()
        await store.close()


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
    )
    return replace(config, issuer=cluster.issuer) if cluster.issuer else config


def _start_control(api: ApiServer, clock: SystemClock, tasks: Tasks) -> None:
    """Run the controllers and the scheduler, on informers that share the server's bytes."""
    manager, scheduler = "kube-controller-manager", "kube-scheduler"
    client = Client(api.local(_part(manager), manager), api.core.catalog, manager)
    informers = Informers(client)
    config = Config(
        (api.config.pki_dir / "ca.crt").read_text(),
        cluster_cidrs=(api.config.pod_cidr,),
        sign_certificate=api.sign_certificate,
        sign_token=api.core.tokens.issue_legacy,
    )
    controllers = build(client, informers, clock, config)
    api.controllers += controllers
    for controller in controllers:
        tasks.keep(controller.name, controller.run)
    binder = Client(api.local(_part(scheduler), scheduler), api.core.catalog, scheduler)
    tasks.keep("scheduler", Scheduler(binder, informers, clock, Random()).run)
    tasks.keep("informers", informers.run)


def _part(name: str) -> User:
    """A part of the cluster under its own name, for the audit log. In this process it may do all."""
    return User(f"system:{name}", groups=LOOPBACK.groups)
