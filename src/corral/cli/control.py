"""Controllers and scheduler in the server's process: loaded when the API answers, which they only need."""

from functools import partial
from random import Random

from corral.base.clock import Clock
from corral.base.tasks import Tasks
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers.manager import Config, build
from corral.scheduler.scheduler import Scheduler
from corral.server.api import ApiServer
from corral.server.nodefolders import folder
from corral.server.request import LOOPBACK, User


def start(api: ApiServer, clock: Clock, tasks: Tasks) -> None:
    """Run the controllers and the scheduler, on informers that share the server's bytes."""
    manager, scheduler = "kube-controller-manager", "kube-scheduler"
    client = Client(api.local(_part(manager), manager), api.core.catalog, manager)
    informers = Informers(client)
    config = Config(
        (api.config.pki_dir / "ca.crt").read_text(),
        cluster_cidrs=(api.config.pod_cidr,),
        sign_certificate=api.sign_certificate,
        sign_token=api.core.tokens.issue_legacy,
        folder=partial(folder, api.core.nodes, api.core.relay) if api.config.node_disks else None,
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
