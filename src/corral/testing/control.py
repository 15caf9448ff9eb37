"""Controllers and scheduler in this process, on a `running_server`; and hollow nodes, on which every pod runs at once.

async with running_server(tmp_path) as server, running_control(server) as control:
    await control.nodes.add("n1")
    await control.client.create("deployments.apps", web)
    await control.until(lambda: len(control.ready_pods("default")) == 2)
"""

import asyncio
import ipaddress
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.base.clock import Clock, SystemClock, rfc3339
from corral.client.client import Client
from corral.client.informer import Change, Informers
from corral.controllers import manager
from corral.controllers.pods import is_ready
from corral.scheduler.scheduler import Scheduler
from corral.testing.server import RunningServer

PATIENCE_S = 10.0


class HollowNodes:
    """Nodes whose pods run at once and end at once; `hold` pods by a label to keep them as they are."""

    def __init__(self, client: Client, informers: Informers, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._names: set[str] = set()
        self._addresses = (str(address) for address in ipaddress.ip_network("10.244.0.0/16").hosts())
        self._tasks: set[asyncio.Task[None]] = set()
        #: Pods for which this says no are left alone.
        self.runs: Callable[[Object], bool] = lambda pod: True
        informers.get("pods").listen(self._changed)

    async def add(self, name: str, *, labels: dict[str, str] | None = None, **allocatable: str) -> Object:
        """A node that is Ready, with 4 cores, 8 GiB and room for 110 pods unless told otherwise."""
        now = rfc3339(self._clock.now())
        amounts = {"cpu": "4", "memory": "8Gi", "pods": "110", **allocatable}
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        node = {
            "kind": "Node",
            "apiVersion": "v1",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
            "status": {"capacity": amounts, "allocatable": amounts, "conditions": [ready]},
        }
        self._names.add(name)
        await self._client.create("nodes", node)
        # A new node is tainted until the node controller has seen that it is ready; this one does not wait for that.
        return await self._client.patch("nodes", name, {"spec": {"taints": None}})

    def _changed(self, change: Change) -> None:
        if change.new is None:
            return
        pod = change.object
        if pod["spec"].get("nodeName") not in self._names or not self.runs(pod):
            return
        if pod["metadata"].get("deletionTimestamp"):
            self._start(self._end(pod))
        elif pod.get("status", {}).get("phase") == "Pending":
            self._start(self._run(pod))

    async def _run(self, pod: Object) -> None:
        meta, now, address = pod["metadata"], rfc3339(self._clock.now()), next(self._addresses)
        types = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
        conditions = [{"type": type, "status": "True", "lastTransitionTime": now} for type in types]
        status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": conditions, "startTime": now}
        patch = {"metadata": {"uid": meta["uid"]}, "status": status}
        await self._client.patch("pods", meta["name"], patch, meta["namespace"], type="strategic", subresource="status")

    async def _end(self, pod: Object) -> None:
        meta = pod["metadata"]
        await self._client.delete("pods", meta["name"], meta["namespace"], uid=meta["uid"], grace_period_s=0)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(_tolerant(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _tolerant(work: Awaitable[None]) -> None:
    try:
        await work
    except ApiError as error:
        if error.code not in (404, 409):
            raise


class Control:
    """What runs, and ways to look at it."""

    def __init__(self, client: Client, informers: Informers, nodes: HollowNodes) -> None:
        self.client = client
        self.informers = informers
        self.nodes = nodes

    def objects(self, resource: str, namespace: str = "") -> list[Object]:
        """What the informer of a resource that a controller watches holds."""
        return self.informers.get(resource).objects(namespace)

    def ready_pods(self, namespace: str) -> list[Object]:
        """The pods that are Ready and stay."""
        return [p for p in self.objects("pods", namespace) if is_ready(p) and not p["metadata"].get("deletionTimestamp")]

    async def until(self, holds: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
        """Return when `holds()` is true. Raises TimeoutError if it does not become so."""
        async with asyncio.timeout(timeout_s):
            for _ in itertools.count():
                if holds():
                    return
                await asyncio.sleep(0.005)


@asynccontextmanager
async def running_control(
    server: RunningServer, clock: Clock | None = None, config: manager.Config | None = None
) -> AsyncIterator[Control]:
    """All controllers and the scheduler, until the end of the block."""
    clock = clock or SystemClock()
    client = server.client("kube-controller-manager")
    informers = Informers(client)
    config = config or manager.Config(
        root_ca="-----BEGIN CERTIFICATE-----\n",
        cluster_cidrs=("10.244.0.0/16",),
        sign_certificate=server.api.sign_certificate,
        sign_token=server.api.core.tokens.issue_legacy,
    )
    controllers = manager.build(client, informers, clock, config)
    scheduler = Scheduler(server.client("kube-scheduler"), informers, clock, Random(0))
    control = Control(client, informers, HollowNodes(client, informers, clock))
    runs = {"informers": informers.run, "scheduler": scheduler.run, **{c.name: c.run for c in controllers}}
    tasks = [asyncio.create_task(run(), name=name) for name, run in runs.items()]
    try:
        await informers.wait_synced()
        yield control
    finally:
        for task in tasks:
            task.cancel()
        _, stuck = await asyncio.wait(tasks, timeout=PATIENCE_S)
        if stuck:
            raise RuntimeError(f"these do not end: {sorted(task.get_name() for task in stuck)}")
