"""Taking away what a node made on its host: containers, sandboxes with their network, the runtime, mounts, cgroups.

What a node keeps stays: images, and the volumes and stopped containers of pods, as after a reboot.
"""

import asyncio
import logging

from corral.base.errors import CorralError
from corral.node import mounts
from corral.node.cgroups import Cgroups
from corral.node.config import NodeConfig
from corral.node.containerd import Containerd
from corral.node.cri.channel import Channel
from corral.node.cri.errors import CriError
from corral.node.cri.runtime import Runtime
from corral.node.spec.sandbox import CLUSTER_ANNOTATION

log = logging.getLogger(__name__)

GRACE_S = 3
TIMEOUT_S = 60.0


async def tear_down(config: NodeConfig, containerd: Containerd | None) -> None:
    """End everything of the node. `containerd` is Corral's own; None where the runtime is somebody else's and stays."""
    try:
        if containerd is not None and containerd.has_traces():
            await containerd.ensure()
        if containerd is None or containerd.process() is not None:
            async with asyncio.timeout(TIMEOUT_S):
                await stop_pods(config)
    except (CorralError, CriError, TimeoutError) as error:
        log.warning("pods could not be stopped in good order: %s", error)
    if containerd is not None:
        await asyncio.to_thread(containerd.stop)
        await asyncio.to_thread(containerd.clear)
    await asyncio.to_thread(mounts.unmount_below, config.data_dir)
    await asyncio.to_thread(Cgroups().clear, config.cgroup_root)


async def stop_pods(config: NodeConfig) -> None:
    """Stop all containers, with a little grace, and all sandboxes of this cluster. Raises CriError."""
    channel = Channel(config.cri_socket)
    runtime = Runtime(channel)
    try:
        own = {s.id for s in await runtime.sandboxes() if s.annotations.get(CLUSTER_ANNOTATION) == config.name}
        running = [c for c in await runtime.containers() if c.sandbox_id in own and c.state == "running"]
        await asyncio.gather(*(runtime.stop_container(c.id, GRACE_S) for c in running))
        await asyncio.gather(*(runtime.stop_sandbox(id) for id in own))
    finally:
        await channel.close()
