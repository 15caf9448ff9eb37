"""Which controllers there are. The wiring that runs them is `cli`'s."""

from msgspec import Struct

from corral.base.clock import Clock
from corral.client.client import Client
from corral.client.informer import Informers
from corral.controllers import (
    bootstrap_tokens,
    cronjob,
    csr_approving,
    csr_cleaner,
    csr_signing,
    daemonset,
    deployment,
    disruption,
    endpoints,
    endpointslice,
    endpointslice_mirroring,
    ephemeral_volume,
    garbage,
    horizontalpodautoscaler,
    job,
    namespace,
    node_ipam,
    node_lifecycle,
    persistentvolume,
    podgc,
    replicaset,
    resourcequota,
    root_ca,
    service_addresses,
    serviceaccount,
    serviceaccount_tokens,
    statefulset,
    storage_protection,
    taint_eviction,
    ttl_after_finished,
    validatingadmissionpolicy,
    volume_provisioner,
)
from corral.loop.controller import Controller


class Config(Struct, frozen=True):
    """What the controllers cannot find out by themselves."""

    #: The PEM of the API server's certificate authority.
    root_ca: str
    #: Where the nodes' ranges of pod addresses come from; none: somebody else gives them.
    cluster_cidrs: tuple[str, ...] = ()
    #: Signs certificate requests; None: somebody else does.
    sign_certificate: csr_signing.Sign | None = None
    #: Signs the tokens that Secrets hold; None: somebody else does.
    sign_token: serviceaccount_tokens.Sign | None = None
    #: Makes volumes on the disks of nodes; None: somebody else makes volumes, or nobody.
    folder: volume_provisioner.Folder | None = None


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
        validatingadmissionpolicy.build(client, informers),
        horizontalpodautoscaler.build(client, informers, clock),
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
        ephemeral_volume.build(client, informers),
        *persistentvolume.build(client, informers, clock),
        *storage_protection.build(client, informers),
        *service_addresses.build(client, informers, clock),
        *bootstrap_tokens.build(client, informers, clock),
        *_signing(client, informers, clock, config),
        *(volume_provisioner.build(client, informers, clock, config.folder) if config.folder else ()),
    ]


def _signing(client: Client, informers: Informers, clock: Clock, config: Config) -> list[Controller]:
    """Those that need a key of the cluster's."""
    found = [csr_approving.build(client, informers), csr_cleaner.build(client, informers, clock)]
    if config.sign_certificate is not None:
        found.append(csr_signing.build(client, informers, config.sign_certificate))
    if config.sign_token is not None:
        found.append(serviceaccount_tokens.build(client, informers, config.root_ca, config.sign_token))
    return found
