"""The runtime service of the CRI: sandboxes, containers, and the URLs of their streams.

What goes in is a dict with the CRI's own field names (`node.spec` makes them), what comes out are plain values. The CRI is
described at https://kubernetes.io/docs/concepts/architecture/cri/.
"""

from collections.abc import Sequence
from typing import Any

from corral.node.cri.channel import Channel, call
from corral.node.cri.errors import CriError
from corral.node.cri.stubs import messages, services
from corral.node.cri.types import (
    Container,
    ContainerState,
    ContainerStats,
    ContainerUser,
    ExecResult,
    Features,
    ListedContainer,
    Resources,
    RuntimeInfo,
    Sandbox,
)

POD_UID_LABEL = "io.kubernetes.pod.uid"
STOP_MARGIN_S = 60.0
EXEC_MARGIN_S = 5.0
_STATES: tuple[ContainerState, ...] = ("created", "running", "exited", "unknown")
_HOST = 2


class Runtime:
    """Calls of the runtime service. Every method raises CriError."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._stub = services.RuntimeServiceStub(channel.grpc)

    async def info(self) -> RuntimeInfo:
        """Name, version and readiness."""
        version = await call(self._stub.Version, messages.VersionRequest())
        status = await call(self._stub.Status, messages.StatusRequest())
        conditions = {c.type: c for c in status.status.conditions}
        runtime, network = conditions.get("RuntimeReady"), conditions.get("NetworkReady")
        message = "; ".join(c.message for c in conditions.values() if not c.status and c.message)
        return RuntimeInfo(
            version.runtime_name,
            version.runtime_version,
            bool(runtime and runtime.status),
            bool(network and network.status),
            message,
            _features(status),
        )

    async def run_sandbox(self, config: dict[str, Any], handler: str = "") -> str:
        """Make and start a sandbox; its id. `config` is a PodSandboxConfig."""
        answer = await call(self._stub.RunPodSandbox, messages.RunPodSandboxRequest(config=config, runtime_handler=handler))
        return str(answer.pod_sandbox_id)

    async def stop_sandbox(self, id: str) -> None:
        """Kill what runs in it and give back its network; no error where it is gone."""
        await _unless_gone(self._stub.StopPodSandbox, messages.StopPodSandboxRequest(pod_sandbox_id=id))

    async def remove_sandbox(self, id: str) -> None:
        """Remove it and its containers; no error where it is gone."""
        await _unless_gone(self._stub.RemovePodSandbox, messages.RemovePodSandboxRequest(pod_sandbox_id=id))

    async def sandbox(self, id: str) -> Sandbox | None:
        """One sandbox, with its addresses; None where it is gone."""
        try:
            answer = await call(self._stub.PodSandboxStatus, messages.PodSandboxStatusRequest(pod_sandbox_id=id))
        except CriError as error:
            if error.code == "NOT_FOUND":
                return None
            raise
        status = answer.status
        network = status.network
        ips = [network.ip, *(extra.ip for extra in network.additional_ips)] if network.ip else []
        host = status.linux.namespaces.options.network == _HOST
        return _sandbox(status, tuple(ips), host)

    async def sandboxes(self, pod_uid: str = "") -> list[Sandbox]:
        """All sandboxes, or those of one pod, without addresses."""
        wanted = {"label_selector": {POD_UID_LABEL: pod_uid}} if pod_uid else {}
        answer = await call(self._stub.ListPodSandbox, messages.ListPodSandboxRequest(filter=wanted))
        return [_sandbox(item, (), False) for item in answer.items]

    async def create_container(self, sandbox_id: str, config: dict[str, Any], sandbox_config: dict[str, Any]) -> str:
        """Make a container; its id. `config` is a ContainerConfig."""
        request = messages.CreateContainerRequest(pod_sandbox_id=sandbox_id, config=config, sandbox_config=sandbox_config)
        answer = await call(self._stub.CreateContainer, request)
        return str(answer.container_id)

    async def start_container(self, id: str) -> None:
        """Start it."""
        await call(self._stub.StartContainer, messages.StartContainerRequest(container_id=id))

    async def stop_container(self, id: str, grace_s: float) -> None:
        """Its stop signal, and SIGKILL after `grace_s`; returns when it has ended. No error where it is gone."""
        request = messages.StopContainerRequest(container_id=id, timeout=int(grace_s))
        await _unless_gone(self._stub.StopContainer, request, grace_s + STOP_MARGIN_S)

    async def remove_container(self, id: str) -> None:
        """Remove it; no error where it is gone."""
        await _unless_gone(self._stub.RemoveContainer, messages.RemoveContainerRequest(container_id=id))

    async def container(self, id: str) -> Container | None:
        """One container in full; None where it is gone."""
        try:
            answer = await call(self._stub.ContainerStatus, messages.ContainerStatusRequest(container_id=id))
        except CriError as error:
            if error.code == "NOT_FOUND":
                return None
            raise
        return _container(answer.status)

    async def containers(self, pod_uid: str = "") -> list[ListedContainer]:
        """All containers, or those of one pod."""
        wanted = {"label_selector": {POD_UID_LABEL: pod_uid}} if pod_uid else {}
        answer = await call(self._stub.ListContainers, messages.ListContainersRequest(filter=wanted))
        return [
            ListedContainer(
                c.id,
                c.pod_sandbox_id,
                c.labels.get(POD_UID_LABEL, ""),
                c.metadata.name,
                c.metadata.attempt,
                _STATES[c.state],
                (c.image_ref, c.image.image),
            )
            for c in answer.containers
        ]

    async def update_resources(self, id: str, linux: dict[str, Any]) -> None:
        """Change the cgroup values of a running container (LinuxContainerResources)."""
        await call(self._stub.UpdateContainerResources, messages.UpdateContainerResourcesRequest(container_id=id, linux=linux))

    async def reopen_log(self, id: str) -> None:
        """Have the runtime write to a new log file, after the old one was renamed."""
        await call(self._stub.ReopenContainerLog, messages.ReopenContainerLogRequest(container_id=id))

    async def exec_sync(self, id: str, command: Sequence[str], timeout_s: float = 0) -> ExecResult:
        """Run a command to its end; it is killed after `timeout_s` (0: never), which raises CriError DEADLINE_EXCEEDED."""
        request = messages.ExecSyncRequest(container_id=id, cmd=list(command), timeout=int(timeout_s))
        answer = await call(self._stub.ExecSync, request, timeout_s + EXEC_MARGIN_S if timeout_s else None)
        return ExecResult(answer.exit_code, answer.stdout, answer.stderr)

    async def exec_url(self, id: str, command: Sequence[str], *, stdin: bool, stdout: bool, stderr: bool, tty: bool) -> str:
        """Where to stream a command's input and output."""
        request = messages.ExecRequest(container_id=id, cmd=list(command), stdin=stdin, stdout=stdout, stderr=stderr, tty=tty)
        return str((await call(self._stub.Exec, request)).url)

    async def attach_url(self, id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool) -> str:
        """Where to stream the first process's input and output."""
        request = messages.AttachRequest(container_id=id, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty)
        return str((await call(self._stub.Attach, request)).url)

    async def port_forward_url(self, sandbox_id: str, ports: Sequence[int]) -> str:
        """Where to stream connections to ports of the pod."""
        request = messages.PortForwardRequest(pod_sandbox_id=sandbox_id, port=list(ports))
        return str((await call(self._stub.PortForward, request)).url)

    async def stats(self) -> list[ContainerStats]:
        """The use of all running containers."""
        answer = await call(self._stub.ListContainerStats, messages.ListContainerStatsRequest())
        return [_stats(item) for item in answer.stats]


async def _unless_gone(method: Any, request: Any, timeout_s: float = 120.0) -> None:
    try:
        await call(method, request, timeout_s)
    except CriError as error:
        if error.code != "NOT_FOUND":
            raise


def _features(status: Any) -> Features:
    handlers = {handler.name: handler.features for handler in status.runtime_handlers}
    return Features(
        status.features.supplemental_groups_policy,
        frozenset(name for name, features in handlers.items() if features.recursive_read_only_mounts),
        frozenset(name for name, features in handlers.items() if features.user_namespaces),
        tuple(sorted(handlers)),
    )


def _sandbox(item: Any, ips: tuple[str, ...], host_network: bool) -> Sandbox:
    meta = item.metadata
    return Sandbox(
        item.id,
        meta.uid,
        meta.name,
        meta.namespace,
        meta.attempt,
        item.state == messages.SANDBOX_READY,
        item.created_at / 1e9,
        ips,
        host_network,
        dict(item.annotations),
        item.runtime_handler,
    )


def _container(status: Any) -> Container:
    resources = None
    if status.HasField("resources") and status.resources.HasField("linux"):
        linux = status.resources.linux
        resources = Resources(linux.cpu_shares, linux.cpu_quota, linux.cpu_period, linux.memory_limit_in_bytes)
    user = None
    if status.HasField("user") and status.user.HasField("linux"):
        linux_user = status.user.linux
        user = ContainerUser(linux_user.uid, linux_user.gid, tuple(linux_user.supplemental_groups))
    return Container(
        id=status.id,
        name=status.metadata.name,
        attempt=status.metadata.attempt,
        state=_STATES[status.state],
        created_s=status.created_at / 1e9,
        started_s=status.started_at / 1e9,
        finished_s=status.finished_at / 1e9,
        exit_code=status.exit_code,
        reason=status.reason,
        message=status.message,
        image=status.image.image,
        image_ref=status.image_ref,
        image_id=status.image_id,
        log_path=status.log_path,
        labels=dict(status.labels),
        annotations=dict(status.annotations),
        resources=resources,
        user=user,
    )


def _stats(item: Any) -> ContainerStats:
    return ContainerStats(
        id=item.attributes.id,
        pod_uid=item.attributes.labels.get(POD_UID_LABEL, ""),
        name=item.attributes.metadata.name,
        timestamp_s=item.cpu.timestamp / 1e9,
        cpu_ns=item.cpu.usage_core_nano_seconds.value,
        working_set_bytes=item.memory.working_set_bytes.value,
        usage_bytes=item.memory.usage_bytes.value,
        rss_bytes=item.memory.rss_bytes.value,
        page_faults=item.memory.page_faults.value,
        major_page_faults=item.memory.major_page_faults.value,
        layer_bytes=item.writable_layer.used_bytes.value,
        layer_inodes=item.writable_layer.inodes_used.value,
    )
