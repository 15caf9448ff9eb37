"""Which controllers there are. The wiring that runs them is `cli`'s."""

from dataclasses import dataclass

from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers import (
    deployment,
    endpoints,
    endpointslice,
    endpointslice_mirroring,
    namespace,
    replicaset,
    root_ca,
    serviceaccount,
)
from corral.loop.controller import Controller


@dataclass(frozen=True, slots=True)
class Config:
    """What the controllers cannot find out by themselves. `root_ca` is the PEM of the API server's authority."""

    root_ca: str


def build(client: Client, informers: Informers, clock: Clock, config: Config) -> list[Controller]:
    """All controllers, not yet running: run `informers.run()` and each one's `run()` side by side."""
    return [
        namespace.build(client, informers, clock),
        serviceaccount.build(client, informers),
        root_ca.build(client, informers, config.root_ca),
        replicaset.build(client, informers, clock),
        replicaset.build(client, informers, clock, replicaset.REPLICATION_CONTROLLER),
        deployment.build(client, informers, clock),
        endpointslice.build(client, informers, clock),
        endpointslice_mirroring.build(client, informers, clock),
        endpoints.build(client, informers, clock),
    ]
