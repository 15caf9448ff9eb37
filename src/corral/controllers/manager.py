"""Which controllers there are. The wiring that runs them is `cli`'s."""

from dataclasses import dataclass

from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers import (
    cronjob,
    daemonset,
    deployment,
    disruption,
    endpoints,
    endpointslice,
    endpointslice_mirroring,
    garbage,
    job,
    namespace,
    node_ipam,
    node_lifecycle,
    podgc,
    replicaset,
    resourcequota,
    root_ca,
    serviceaccount,
    statefulset,
    storage_protection,
    taint_eviction,
    ttl_after_finished,
)
from corral.loop.controller import Controller


@dataclass(frozen=True, slots=True)
class Config:
    """What the controllers cannot find out by themselves."""

    #: The PEM of the API server's certificate authority.
    root_ca: str
    #: Where the nodes' ranges of pod addresses come from; none: somebody else gives them.
    cluster_cidrs: tuple[str, ...] = ()


def build(client: Client, informers: Informers, clock: Clock, config: Config) -> list[Controller]:
    """All controllers, not yet running: run `informers.run()` and each one's `run()` side by side."""
    return [
        namespace.build(client, informers, clock),
        serviceaccount.build(client, informers),
        root_ca.build(client, informers, config.root_ca),
        replicaset.build(client, informers, clock),
        replicaset.build(client, informers, clock, replicaset.REPLICATION_CONTROLLER),
        deployment.build(client, informers, clock),
        daemonset.build(client, informers, clock),
        statefulset.build(client, informers, clock),
        job.build(client, informers, clock),
        cronjob.build(client, informers, clock),
        ttl_after_finished.build(client, informers, clock),
        disruption.build(client, informers, clock),
        endpointslice.build(client, informers, clock),
        endpointslice_mirroring.build(client, informers, clock),
        endpoints.build(client, informers, clock),
        node_lifecycle.build(client, informers, clock),
        node_ipam.build(client, informers, clock, config.cluster_cidrs),
        taint_eviction.build(client, informers, clock),
        podgc.build(client, informers, clock),
        garbage.build(client, informers, clock),
        resourcequota.build(client, informers, clock),
        *storage_protection.build(client, informers),
    ]
