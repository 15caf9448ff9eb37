"""The node agent: one worker a pod, the node's registration, the runtime's events, and the safety net beneath them.

The agent can be stopped and started at any moment: pods run on, and all it knows it learns anew from the runtime and the API.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator

from corral.api.hostports import HostPort, host_ports_of
from corral.api.objects import Object
from corral.api.podresources import Amounts, add, amounts, total
from corral.api.quantity import of_value
from corral.base.clock import Clock, SystemClock
from corral.base.tasks import Tasks
from corral.client.client import Client
from corral.client.events import Recorder
from corral.client.informer import Change, Informer
from corral.node import hostinfo
from corral.node.cgroups import Cgroups
from corral.node.config import NodeConfig
from corral.node.cri.channel import Channel
from corral.node.cri.errors import CriError
from corral.node.cri.events import events
from corral.node.cri.images import Images
from corral.node.cri.runtime import Runtime
from corral.node.cri.types import Features, Sandbox
from corral.node.facts import NodeFacts
from corral.node.gate import Gate
from corral.node.imagecollection import ImageCollector
from corral.node.images import Puller
from corral.node.logs.rotation import rotate_forever
from corral.node.machine import Machine
from corral.node.ownnode import OwnNode
from corral.node.pressure.watch import PressureWatch
from corral.node.pullrecords import PullRecords
from corral.node.references import References
from corral.node.registration import Registration, about_node
from corral.node.resources import level_values, whole
from corral.node.server import KubeletServer
from corral.node.spec.sandbox import CLUSTER_ANNOTATION
from corral.node.volumes.image import ImageMounts
from corral.node.volumes.manager import Volumes
from corral.node.worker import PodWorker

log = logging.getLogger(__name__)

RELIST_S = 60.0
STARTS_PER_CPU = 2
RUNTIME_RETRY_S = 0.1


class Agent:
    """Runs the pods of one node. `services` is the informer of all Services; without one the agent runs its own."""

    def __init__(
        self,
        config: NodeConfig,
        client: Client,
        *,
        clock: Clock | None = None,
        services: Informer | None = None,
        drained: Callable[[Iterable[str]], Awaitable[None]] | None = None,
    ) -> None:
        self.config = config
        self.client = client
        self.clock: Clock = clock or SystemClock()
        self.workers: dict[str, PodWorker] = {}
        self._levels: dict[str, dict[str, dict[str, str]]] = {}
        self._tasks = Tasks()
        self._own_services = services is None
        #: Whether the pods that were bound before this agent began are all known.
        self._caught_up = False
        self._drained = drained or _at_once
        self._services = services if services is not None else Informer(client, "services")  # An empty informer is false.
        self.pods = Informer(client, "pods", field_selector=f"spec.nodeName={config.node_name}")
        config.pods_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
        config.logs_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.channel = Channel(config.cri_socket)
        self.runtime = Runtime(self.channel)
        self.images = Images(self.channel)
        self.pulls = PullRecords(config.data_dir / "image-pulls")
        self.features = Features()
        self.machine = self._machine()
        self.server = KubeletServer(self)
        self.collector = ImageCollector(
            config, self.images, self.runtime, self.pulls, self.clock, self._image_volumes, self._warn_of_node
        )
        self.registration = Registration(
            config, client, self.clock, self.machine.recorder, self.runtime.info, self.images, self._pressures
        )
        self.pressure = PressureWatch(
            config,
            self.clock,
            self.runtime.stats,
            self.images.folder,
            self._active,
            self.collector.free_all,
            self.registration.look_now,
        )

    async def run(self) -> None:
        """Run until cancelled; pods run on. Raises OSError where the port of its server is taken."""
        if not self.machine.cgroups.v2:
            self.machine.cgroups.make(self.config.cgroup_root, {"cpu": {}, "memory": {}})
        self._tasks.keep("events", self.machine.recorder.run)
        self._tasks.keep("registration", self.registration.run)
        if self._own_services:
            self._tasks.keep("services", self._services.run)
        self._tasks.keep("pods", self.pods.run)
        self._tasks.keep("own node", self.machine.own.run)
        self._tasks.keep("runtime events", self._follow_runtime)
        self._tasks.keep("relist", self._relist_now_and_then)
        self._tasks.keep("pressure", self.pressure.run)
        self._tasks.keep("image collection", self.collector.run)
        self._tasks.keep("log rotation", lambda: rotate_forever(self.config, self.runtime, self.clock, self._log_files))
        try:
            await self.server.start()
            found = await self._found()
            await self.pods.synced.wait()
            await self.machine.own.synced.wait()
            await self._services.synced.wait()
            self.pods.listen(self._pod_changed)
            self._caught_up = True
            self._adopt_orphans(found)
            await asyncio.Event().wait()
        finally:
            await self._close()

    def worker(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of the pod of this name."""
        found = None
        for worker in self.workers.values():
            meta = worker.pod["metadata"]
            if meta["name"] == name and meta["namespace"] == namespace:
                found = worker  # The newest: an earlier pod of this name may still be ending.
        return found

    def _machine(self) -> Machine:
        config = self.config
        total = hostinfo.capacity(config.data_dir, config.max_pods)
        free = hostinfo.allocatable(total, config.eviction)
        node = NodeFacts(
            config.node_name,
            (config.node_ip,),
            int(free["cpu"]) * 1000,
            whole(free["memory"]),
            whole(free["ephemeral-storage"]),
        )
        references = References(self.client, self._references_changed, self.clock)
        return Machine(
            config=config,
            client=self.client,
            clock=self.clock,
            recorder=Recorder(self.client, "kubelet", self.clock, config.node_name),
            runtime=self.runtime,
            puller=Puller(self.images, self.clock, self.pulls),
            references=references,
            volumes=Volumes(config, self.client, self.clock, node, references.get, ImageMounts(self.images, config.cri_socket)),
            cgroups=Cgroups(),
            node=node,
            services=self._services.objects,
            gate=Gate(hostinfo.cpu_count() * STARTS_PER_CPU),
            drained=self._drained,
            allocatable=amounts(free),
            granted_to_others=self._granted_to_others,
            ports_of_others=self._ports_of_others,
            pressures=self._pressures,
            features=lambda: self.features,
            own=OwnNode(self.client, config.node_name),
        )

    def _granted_to_others(self, uid: str) -> Amounts:
        """What the other pods of this node were granted, and how many they are."""
        sum: Amounts = {}
        for worker in self._others(uid):
            add(sum, {**total(worker.granted, "requests"), "pods": of_value(1)})
        return sum

    def _ports_of_others(self, uid: str) -> list[HostPort]:
        """The ports of this node that its other pods have."""
        return [port for worker in self._others(uid) for port in host_ports_of(worker.pod["spec"])]

    def _others(self, uid: str) -> Iterator[PodWorker]:
        return (worker for worker in self.workers.values() if worker.uid != uid and worker.holds_resources)

    async def _found(self) -> list[Sandbox]:
        """What the runtime holds of this cluster at the start; waits for the runtime."""
        while True:
            try:
                self.features = (await self.runtime.info()).features
                return [s for s in await self.runtime.sandboxes() if s.annotations.get(CLUSTER_ANNOTATION) == self.config.name]
            except CriError as error:
                log.debug("the runtime is not ready: %s", error)
                await self.clock.sleep(RUNTIME_RETRY_S)

    def _pod_changed(self, change: Change) -> None:
        if change.old is not None:
            old = change.old.object
            uid = old["metadata"]["uid"]
            if (change.new is None or change.new.object["metadata"]["uid"] != uid) and uid in self.workers:
                self.workers[uid].gone()
        if change.new is not None:
            pod = change.new.object
            worker = self.workers.get(pod["metadata"]["uid"])
            if worker is None:
                self._begin(pod, fresh=self._caught_up)
            else:
                worker.update(pod)
        if change.old is None or change.new is None or _weighs(change.old.object) != _weighs(change.new.object):
            self._weigh()

    def _weigh(self) -> None:
        """Give each class of service its share of the CPU."""
        cgroups = self.machine.cgroups
        wanted = level_values((worker.pod for worker in self.workers.values()), v2=cgroups.v2)
        for level, values in wanted.items():
            if self._levels.get(level) != values:
                cgroups.make(f"{self.config.cgroup_root}/{level}", values)
        self._levels = wanted
        for worker in self.workers.values():
            worker.room_changed()

    def _begin(self, pod: Object, *, fresh: bool = False) -> PodWorker:
        """Begin work on a pod; a `fresh` one came while this agent was watching, so that the runtime cannot know it yet."""
        worker = PodWorker(self.machine, {"kind": "Pod", "apiVersion": "v1", **pod})
        self.workers[worker.uid] = worker
        self._tasks.start(f"pod {pod['metadata']['name']}", self._work(worker, fresh=fresh))
        return worker

    async def _work(self, worker: PodWorker, *, fresh: bool) -> None:
        try:
            if not fresh:
                await worker.prepare()
            await worker.run()
        finally:
            if self.workers.get(worker.uid) is worker:
                del self.workers[worker.uid]
        self._weigh()  # Not when the agent ends: pods run on, with the weight that they have.

    def _adopt_orphans(self, found: Iterable[Sandbox]) -> None:
        """What the runtime holds and the API does not know was deleted while no agent ran, or lost in a failure: end it."""
        for sandbox in found:
            if sandbox.pod_uid and sandbox.pod_uid not in self.workers:
                meta = {"name": sandbox.pod_name, "namespace": sandbox.pod_namespace, "uid": sandbox.pod_uid}
                self._begin({"metadata": meta, "spec": {"containers": [], "nodeName": self.config.node_name}}).gone()
        known = {sandbox.pod_uid for sandbox in found} | self.workers.keys()
        for folder in self.config.pods_dir.iterdir():
            if folder.name not in known:
                self.machine.volumes.remove(folder.name)

    async def _follow_runtime(self) -> None:
        async for event in events(self.channel):
            if not event.id:
                await asyncio.gather(*(worker.relist() for worker in list(self.workers.values())))
                continue
            for worker in self.workers.values():
                if event.id in worker.observer.ids():
                    worker.event(event.id, event.ended)
                    break

    async def _relist_now_and_then(self) -> None:
        """The safety net for an event that was lost."""
        while True:
            await self.clock.sleep(RELIST_S)
            for worker in list(self.workers.values()):
                await worker.relist()
                worker.restore()
            if self.pods.synced.is_set():
                self._adopt_orphans(await self._found())

    def _references_changed(self, uid: str) -> None:
        if uid in self.workers:
            self.workers[uid].references_changed()

    def _pressures(self) -> frozenset[str]:
        return self.pressure.conditions

    def _active(self) -> list[PodWorker]:
        """The pods that hold something of the node."""
        return [worker for worker in self.workers.values() if worker.holds_resources]

    def _image_volumes(self) -> list[str]:
        """The images that pods have as volumes."""
        volumes = (v for worker in self.workers.values() for v in worker.pod["spec"].get("volumes") or ())
        return [volume["image"]["reference"] for volume in volumes if (volume.get("image") or {}).get("reference")]

    def _warn_of_node(self, reason: str, message: str) -> None:
        self.machine.recorder.record(about_node(self.config.node_name), "Warning", reason, message)

    def _log_files(self) -> list[tuple[str, str]]:
        """Container id and log path of everything that runs."""
        return [
            (c.id, c.log_path)
            for w in self.workers.values()
            for c in w.observer.containers
            if c.state == "running" and c.log_path
        ]

    async def _close(self) -> None:
        await self.server.stop()
        for worker in self.workers.values():
            worker.close()
        await self._tasks.close()
        await self.machine.references.close()
        await self.channel.close()


def _weighs(pod: Object) -> tuple[object, object]:
    """What changes whenever a pod's share may change."""
    return pod["metadata"].get("generation"), (pod.get("status") or {}).get("phase")


async def _at_once(addresses: Iterable[str]) -> None:
    """Without a service proxy in this process there is nobody to wait for."""
