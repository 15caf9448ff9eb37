"""The node in the API: its object, its status, and the lease by which others see that it lives.

https://kubernetes.io/docs/concepts/architecture/nodes/
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Container
from typing import Any

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.base.clock import Clock, rfc3339, rfc3339_micro
from corral.client.client import Client
from corral.client.events import Recorder
from corral.node import hostinfo
from corral.node.config import NodeConfig
from corral.node.cri.images import Images
from corral.node.cri.types import Features, Image, RuntimeInfo
from corral.node.pressure.thresholds import DISK, MEMORY

log = logging.getLogger(__name__)

LEASE_NAMESPACE = "kube-node-lease"
RETRY_FIRST_S, RETRY_MAX_S = 0.05, 5.0
LOOK_EVERY_S = 10.0
IMAGES_REPORTED = 50
NAMES_REPORTED = 5


class Registration:
    """Creates and keeps the Node and its Lease. `registered` is set once the API knows a ready node."""

    def __init__(
        self,
        config: NodeConfig,
        client: Client,
        clock: Clock,
        recorder: Recorder,
        runtime_info: Callable[[], Awaitable[RuntimeInfo]],
        images: Images,
        pressures: Callable[[], Container[str]],
    ) -> None:
        self._config = config
        self._client = client
        self._clock = clock
        self._recorder = recorder
        self._runtime_info = runtime_info
        self._images = images
        self._pressures = pressures
        self._node: Object = {}
        self._said_ready = False
        self._wake = asyncio.Event()
        self.registered = asyncio.Event()

    async def run(self) -> None:
        """Register, then keep the status and the lease, until cancelled."""
        await self._retried(self._register, "registration of the node")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_status(), name="node status")
            group.create_task(self._keep_lease(), name="node lease")

    async def _retried(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        delay_s = RETRY_FIRST_S
        while True:
            try:
                await work()
                return
            except ApiError as error:
                log.warning("%s: %s; again in %.2f s", what, error, delay_s)
            except Exception as error:  # The API may not be there yet, in many ways.
                log.debug("%s: %r; again in %.2f s", what, error, delay_s)
            await self._clock.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MAX_S)

    async def _register(self) -> None:
        wanted = self._wanted()
        wanted["status"] = await self._status({})
        name = self._config.node_name
        try:
            self._node = await self._client.create("nodes", wanted)
        except ApiError as error:
            if error.code != 409:
                raise
            self._node = await self._client.get("nodes", name)
            self._said_ready = _is_true(self._node, "Ready")
            patch = {"metadata": {k: wanted["metadata"][k] for k in ("labels", "annotations")}}
            if wanted["spec"].get("podCIDR") and not self._node.get("spec", {}).get("podCIDR"):
                patch["spec"] = wanted["spec"]
            self._node = await self._client.patch("nodes", name, patch)
        await self._report()
        self._recorder.record(about_node(self._config.node_name), "Normal", "Starting", "Starting kubelet.")

    def _wanted(self) -> Object:
        config, arch = self._config, hostinfo.architecture()
        labels = {
            "beta.kubernetes.io/arch": arch,
            "beta.kubernetes.io/os": "linux",
            "kubernetes.io/arch": arch,
            "kubernetes.io/hostname": config.node_name,
            "kubernetes.io/os": "linux",
            **dict(config.labels),
        }
        spec = {"podCIDR": config.pod_cidr, "podCIDRs": [config.pod_cidr]} if config.pod_cidr else {}
        annotations = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
        meta = {"name": config.node_name, "labels": labels, "annotations": annotations}
        return {"kind": "Node", "apiVersion": "v1", "metadata": meta, "spec": spec}

    async def _keep_status(self) -> None:
        written_s = self._clock.monotonic()
        while True:
            ready = _is_true(self._node, "Ready")
            await self._pause(LOOK_EVERY_S if ready else RETRY_FIRST_S * 4)
            fresh = await self._status(self._node.get("status") or {})
            due = self._clock.monotonic() - written_s >= self._config.status_period_s
            if due or _meaning(fresh) != _meaning(self._node.get("status") or {}):
                await self._retried(self._report, "status of the node")
                written_s = self._clock.monotonic()

    def look_now(self) -> None:
        """Something that the node's status tells has changed."""
        self._wake.set()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    async def _report(self) -> None:
        status = await self._status(self._node.get("status") or {})
        self._node = await self._client.patch("nodes", self._config.node_name, {"status": status}, subresource="status")
        if _is_true(self._node, "Ready"):
            if not self._said_ready:
                name = self._config.node_name
                self._recorder.record(about_node(name), "Normal", "NodeReady", f"Node {name} status is now: NodeReady")
                self._said_ready = True
            self.registered.set()

    async def _status(self, old: Object) -> Object:
        config = self._config
        try:
            info: RuntimeInfo | None = await self._runtime_info()
            images = await self._images.images()
        except Exception as error:  # Whatever keeps the runtime from answering, the node is not ready, and says so.
            log.debug("the runtime does not answer: %r", error)
            info, images = None, []
        total = hostinfo.capacity(config.data_dir, config.max_pods)
        return {
            "addresses": [
                {"type": "InternalIP", "address": config.node_ip},
                {"type": "Hostname", "address": config.node_name},
            ],
            "capacity": total,
            "allocatable": hostinfo.allocatable(total, config.eviction),
            "conditions": self._conditions(info, old),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": config.kubelet_port}},
            "images": [_image(i) for i in sorted(images, key=lambda i: -i.size_bytes)[:IMAGES_REPORTED]],
            **(_features(info.features) if info is not None else {}),
            "nodeInfo": hostinfo.node_info(info.name if info else "", info.version if info else ""),
        }

    def _conditions(self, info: RuntimeInfo | None, old: Object) -> list[Object]:
        short = self._pressures()
        if info is not None and info.ready and info.network_ready:
            ready = ("True", "KubeletReady", "kubelet is posting ready status")
        else:
            why = info.message if info is not None else "container runtime is down"
            ready = ("False", "KubeletNotReady", why or "container runtime is not ready")
        verdicts = {
            "MemoryPressure": _pressure(MEMORY in short, "Memory", "memory available"),
            "DiskPressure": ("True", "KubeletHasDiskPressure", "kubelet has disk pressure")
            if DISK in short
            else ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            "PIDPressure": _pressure(False, "PID", "PID available"),
            "Ready": ready,
        }
        now = rfc3339(self._clock.now())
        by_type = {c["type"]: c for c in old.get("conditions") or ()}
        made: list[Object] = []
        for kind, (value, reason, message) in verdicts.items():
            before = by_type.get(kind)
            since = before["lastTransitionTime"] if before and before.get("status") == value else now
            times = {"lastHeartbeatTime": now, "lastTransitionTime": since}
            made.append({"type": kind, "status": value, **times, "reason": reason, "message": message})
        return made + [c for c in old.get("conditions") or () if c["type"] not in verdicts]

    async def _keep_lease(self) -> None:
        while True:
            await self._retried(self._renew, "the node's lease")
            await self._clock.sleep(self._config.lease_duration_s / 4)

    async def _renew(self) -> None:
        name = self._config.node_name
        spec: dict[str, Any] = {
            "holderIdentity": name,
            "leaseDurationSeconds": self._config.lease_duration_s,
            "renewTime": rfc3339_micro(self._clock.now()),
        }
        try:
            await self._client.patch("leases.coordination.k8s.io", name, {"spec": spec}, LEASE_NAMESPACE)
        except ApiError as error:
            if error.code != 404:
                raise
            owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": self._node["metadata"]["uid"]}
            meta = {"name": name, "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]}
            lease = {"kind": "Lease", "apiVersion": "coordination.k8s.io/v1", "metadata": meta, "spec": spec}
            await self._client.create("leases.coordination.k8s.io", lease)


def about_node(name: str) -> Object:
    """What an event of a node is about: as the reference has it, such events carry the name where others have the uid."""
    return {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name, "uid": name}}


def _pressure(short: bool, what: str, of: str) -> tuple[str, str, str]:
    if short:
        return "True", f"KubeletHasInsufficient{what}", f"kubelet has insufficient {of}"
    return "False", f"KubeletHasSufficient{what}", f"kubelet has sufficient {of}"


def _features(features: Features) -> Object:
    """What the API shows of them; nothing of a runtime that does not tell."""
    made: Object = {"features": {"supplementalGroupsPolicy": True}} if features.strict_groups else {}
    if features.handlers:
        made["runtimeHandlers"] = [
            {
                "name": name,
                "features": {
                    "recursiveReadOnlyMounts": name in features.read_only_below,
                    "userNamespaces": name in features.user_namespaces,
                },
            }
            for name in features.handlers
        ]
    return made


def _image(image: Image) -> Object:
    names = [*image.digests, *image.tags][:NAMES_REPORTED]
    return {"names": names, "sizeBytes": image.size_bytes}


def _is_true(node: Object, kind: str) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c["type"] == kind and c["status"] == "True" for c in conditions)


def _meaning(status: Object) -> Object:
    """The status without what changes by itself."""
    conditions = [{k: v for k, v in c.items() if k != "lastHeartbeatTime"} for c in status.get("conditions") or ()]
    return {**status, "conditions": conditions}
