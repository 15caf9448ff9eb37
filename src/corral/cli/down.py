"""`corral down`: stop a cluster and take away all it made on this host; what it stores is kept unless it is purged."""

import os
from argparse import ArgumentParser
from pathlib import Path

from corral.base.errors import CorralError
from corral.cli import kubeconfig as kubeconfigs
from corral.cli.arguments import add_home
from corral.cli.layout import DEFAULT_NAME, Cluster, Home, home_of

NODE_GRACE_S = 15.0
SERVER_GRACE_S = 15.0


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    del words
    add_home(parser)
    parser.add_argument("--purge", action="store_true", help="forget everything: objects, volumes, images, keys")


def down(
    *,
    data_dir: Path | None = None,
    name: str = DEFAULT_NAME,
    purge: bool = False,
) -> None:
    """Stop a cluster and remove all it made on this host: processes, mounts, network devices, nftables tables, cgroups.

    Its objects, the volumes of its pods and its images are kept; `corral up` brings the pods back.
    """
    home = home_of(data_dir, name)
    cluster = home.load() if not purge else _load_anyway(home)
    if cluster is None and not (purge and home.config.exists()):
        raise CorralError(f"there is no cluster in {home.root}", "name its folder: --data-dir DIR, or --name NAME")
    if cluster is not None and cluster.node and os.geteuid() != 0:
        raise CorralError("stopping pods needs root", "run it with sudo")
    lock = home.lock()
    try:
        bring_down(home, cluster)
        if purge:
            _purge(home)
    finally:
        os.close(lock)
    print(f"Cluster {cluster.name if cluster else home.root} is down" + (" and forgotten" if purge else ""))


def bring_down(home: Home, cluster: Cluster | None) -> None:
    """Stop all processes and remove all they made on this host; of a cluster that is not known, the processes only."""
    _stop(home, "node", NODE_GRACE_S)
    if cluster is not None and cluster.node:
        import asyncio  # Not for `up`, which comes here only where it fails.

        asyncio.run(_clear_host(home, cluster))
    _stop(home, "server", SERVER_GRACE_S)
    if cluster is not None:
        _forget_context(cluster.name)


def _forget_context(name: str) -> None:
    """A kubeconfig that cannot be read keeps no cluster up."""
    try:
        kubeconfigs.remove(kubeconfigs.user_kubeconfig(), name)
    except CorralError as error:
        print(f"! {error.message}: it was left as it is")


def _load_anyway(home: Home) -> Cluster | None:
    """The cluster, or None where its file is damaged: a purge must be possible then too."""
    try:
        return home.load()
    except CorralError as error:
        print(f"! {error.message}: only its processes and files can be removed")
        return None


def _stop(home: Home, component: str, grace_s: float) -> None:
    process = home.process(component)
    if process is not None and not process.stop(grace_s):
        print(f"! {component} did not end by itself and was killed")
    for file in (home.pid_file(component), home.ready_file(component)):
        file.unlink(missing_ok=True)


async def _clear_host(home: Home, cluster: Cluster) -> None:
    """End the pods, the runtime and the network, in this order."""
    from corral.cli.node import network_config, node_config
    from corral.cli.runtime import containerd_of
    from corral.network import agent as network
    from corral.node.teardown import tear_down

    await tear_down(node_config(home, cluster), None if cluster.cri else containerd_of(home))
    settings = network_config(home, cluster)
    await network.tear_down(cluster.name, settings.state_dir, settings.cni_conf_dir)


def _purge(home: Home) -> None:
    """Remove what Corral made in the data directory, and the directory itself if nothing else is in it."""
    from corral.node import mounts

    for folder in ("server", "node", "containerd", "pki", "run", "logs"):
        try:
            mounts.remove_tree(home.root / folder)
        except OSError as error:
            raise CorralError(f"{error.filename} is still mounted", "unmount it, then purge again") from None
    for file in (home.kubeconfig, home.config, home.root / "lock"):
        file.unlink(missing_ok=True)
    if not any(home.root.iterdir()):
        home.root.rmdir()
