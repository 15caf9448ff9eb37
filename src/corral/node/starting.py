"""Brings a pod up: volumes and sandbox side by side, then containers one after another, each with its image, files and hook."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.base.backoff import Backoff
from corral.node import hooks
from corral.node.cri.errors import CriError
from corral.node.cri.types import Container, Sandbox
from corral.node.env import environment
from corral.node.facts import ConfigError
from corral.node.images import ImageError, Wanted
from corral.node.machine import Machine
from corral.node.observer import Observer
from corral.node.podstate.observed import StartFailure, init_containers, main_containers, spec_of
from corral.node.podstate.plan import Start
from corral.node.pullcredentials import credentials, default_tag
from corral.node.references import Reference, references
from corral.node.resources import container_resources, pod_amounts, pod_cgroup, pod_cgroup_values
from corral.node.spec.container import container_config
from corral.node.spec.sandbox import hosts_file, read_resolv_conf, sandbox_config
from corral.node.volumes.content import VolumeError

log = logging.getLogger(__name__)

CONFIG_RETRY_S = 10.0
SANDBOX_FIRST_S, SANDBOX_MAX_S = 1.0, 60.0
MOUNT_FIRST_S, MOUNT_MAX_S = 0.5, 122.0
SANDBOX_RANK, CREATE_RANK, START_RANK = 2, 1, 0
TERMINATION_FILE_MODE = 0o666

Say = Callable[[str, str, str, str], None]
Result = TypeVar("Result")


class Starter:
    """Starts what a plan says. `say(type, reason, message, container name)` writes an event about the pod."""

    def __init__(self, machine: Machine, observer: Observer, say: Say) -> None:
        self._machine = machine
        self._observer = observer
        self._say = say
        self._sandbox_backoff = Backoff(machine.clock, SANDBOX_FIRST_S, SANDBOX_MAX_S)
        self._mount_backoff = Backoff(machine.clock, MOUNT_FIRST_S, MOUNT_MAX_S)
        self._sandbox_config: dict[str, Any] = {}
        self._paths: dict[str, Path] | None = None
        self.failures: dict[str, StartFailure] = {}
        self.hooks_running: set[str] = set()
        #: nothing is started before (seconds since the epoch); after a failed sandbox or volume.
        self.blocked_until_s = 0.0

    def retry_now(self) -> None:
        """Something that a start waited for may be there now."""
        self.blocked_until_s = 0.0
        self._mount_backoff.forget("volumes")
        for name, failure in list(self.failures.items()):
            if failure.reason == "CreateContainerConfigError":
                del self.failures[name]

    async def sandbox(self, pod: Object, attempt: int) -> None:
        """Make the sandbox (in place of an old one), and the volumes meanwhile."""
        volumes = asyncio.create_task(self._volumes(pod))
        try:
            await self._replace_sandbox(pod, attempt)
        except (CriError, ApiError, OSError) as error:
            self._say("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}", "")
            self._block(self._sandbox_backoff.next("sandbox"))
        else:
            self._sandbox_backoff.forget("sandbox")
        finally:
            if not volumes.done():
                try:
                    await volumes
                except asyncio.CancelledError:
                    volumes.cancel()
                    raise

    async def containers(self, pod: Object, starts: tuple[Start, ...], changed: Callable[[], None]) -> None:
        """Start these, one after another; what fails is told in `failures` and does not hold up the others."""
        sandbox = self._observer.sandboxes[0] if self._observer.sandboxes else None
        if sandbox is None or not await self._volumes(pod):
            return
        for start in starts:
            container = spec_of(pod, start.name)
            if container is not None:
                await self._start(pod, container, start, sandbox, changed)
                changed()

    async def _replace_sandbox(self, pod: Object, attempt: int) -> None:
        machine, uid = self._machine, pod["metadata"]["uid"]
        if self._observer.sandboxes:
            self._say("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.", "")
            for old in self._observer.sandboxes:
                await machine.runtime.stop_sandbox(old.id)
            await self._observer.relist()
        if pod["spec"].get("hostUsers") is False:
            # To run it with the host's users would be to take its protection away without a word.
            raise OSError("can't set `spec.hostUsers: false`, runtime does not support user namespaces")
        handler = await self._handler(pod)
        config = self._config_of(pod, attempt)
        machine.config.pod_dir(uid).mkdir(mode=0o750, parents=True, exist_ok=True)
        Path(config["log_directory"]).mkdir(mode=0o755, parents=True, exist_ok=True)
        values = pod_cgroup_values(pod_amounts(pod), v2=machine.cgroups.v2)
        machine.cgroups.make(pod_cgroup(machine.config.cgroup_root, pod), values)
        async with machine.gate.passing(SANDBOX_RANK):
            id = await _unbroken(machine.runtime.run_sandbox(config, handler))
        await self._observer.refresh_sandbox(id)

    async def _handler(self, pod: Object) -> str:
        """What the runtime calls the way of running that the pod's RuntimeClass names; '' for its default. Raises ApiError."""
        name = pod["spec"].get("runtimeClassName")
        if not name:
            return ""
        return str((await self._machine.client.get("runtimeclasses.node.k8s.io", name))["handler"])

    async def _volumes(self, pod: Object) -> bool:
        """Whether the volumes are there."""
        if self._paths is not None:
            return True
        machine, uid = self._machine, pod["metadata"]["uid"]
        try:
            await machine.references.use(uid, references(pod))
            if not await self._volume_images(pod):
                return False
            self._paths = await machine.volumes.prepare(pod)
        except VolumeError as error:
            self._say("Warning", "FailedMount", str(error), "")
            self._block(self._mount_backoff.next("volumes"))
            return False
        except (ApiError, OSError, TimeoutError) as error:
            log.warning("pod %s: what it refers to cannot be fetched: %r", pod["metadata"]["name"], error)
            self._block(self._mount_backoff.next("volumes"))
            return False
        self._mount_backoff.forget("volumes")
        return True

    async def _volume_images(self, pod: Object) -> bool:
        """Fetch the images that are mounted as volumes; whether all are there. The containers that wait for one say so."""
        attempt = self._observer.sandboxes[0].attempt if self._observer.sandboxes else 0
        for volume in pod["spec"].get("volumes") or ():
            source = volume.get("image")
            if not source:
                continue
            reference = source["reference"]
            wanted = Wanted(pod["metadata"]["uid"], reference, source.get("pullPolicy") or "IfNotPresent")
            access = credentials(default_tag(reference), self._pull_secrets(pod))
            config = self._config_of(pod, attempt)
            try:
                await self._machine.puller.ensure(wanted, access, config, self._say_of_pod)
            except ImageError as error:
                for container in (*main_containers(pod), *init_containers(pod)):
                    if any(mount["name"] == volume["name"] for mount in container.get("volumeMounts") or ()):
                        self._fail(container["name"], error.reason, str(error), error.retry_s)
                self._block(error.retry_s)
                return False
        return True

    async def _start(self, pod: Object, container: Object, start: Start, sandbox: Sandbox, changed: Callable[[], None]) -> None:
        name, runtime = container["name"], self._machine.runtime
        try:
            config = await self._prepare(pod, container, start, sandbox)
        except ImageError as error:
            self._fail(name, error.reason, str(error), error.retry_s)
            return
        except (ConfigError, VolumeError, OSError) as error:
            self._say("Warning", "Failed", f"Error: {error}", name)
            self._fail(name, "CreateContainerConfigError", str(error), CONFIG_RETRY_S)
            return
        try:
            async with self._machine.gate.passing(CREATE_RANK):
                made = runtime.create_container(sandbox.id, config, self._config_of(pod, sandbox.attempt))
                id = await _unbroken(made)
        except CriError as error:
            self._say("Warning", "Failed", f"Error: {error.details}", name)
            self._fail(name, "CreateContainerError", error.details, CONFIG_RETRY_S)
            return
        self._observer.sandbox_of[id] = sandbox.id
        self._say("Normal", "Created", "Container created", name)
        hook = (container.get("lifecycle") or {}).get("postStart")
        if hook:
            self.hooks_running.add(id)
        try:
            async with self._machine.gate.passing(START_RANK):
                await _unbroken(runtime.start_container(id))
        except CriError as error:
            self.hooks_running.discard(id)
            self._say("Warning", "Failed", f"Error: {error.details}", name)
            await self._observer.refresh(id, sandbox.id)
            self._fail(name, "RunContainerError", error.details, 0.0)
            return
        self.failures.pop(name, None)
        self._say("Normal", "Started", "Container started", name)
        found = await self._observer.refresh(id, sandbox.id)
        if hook and found is not None:
            changed()
            await self._post_start(container, found, hook, sandbox)

    async def _post_start(self, container: Object, found: Container, hook: Object, sandbox: Sandbox) -> None:
        ips = sandbox.ips or tuple(self._machine.node.host_ips)
        try:
            await hooks.run(self._machine.runtime, found.id, container, hook, ips)
        except (hooks.HookError, OSError, TimeoutError) as error:
            log.debug("postStart of %s: %s", container["name"], error)
            self._say("Warning", "FailedPostStartHook", "PostStartHook failed", container["name"])
            self._say("Normal", "Killing", "FailedPostStartHook", container["name"])
            with contextlib.suppress(CriError):
                await self._machine.runtime.stop_container(found.id, 2)
            await self._observer.refresh(found.id, sandbox.id)
        finally:
            self.hooks_running.discard(found.id)

    async def _prepare(self, pod: Object, container: Object, start: Start, sandbox: Sandbox) -> dict[str, Any]:
        """The ContainerConfig, with everything that it names in place. Raises ImageError, ConfigError, VolumeError."""
        machine, meta, name = self._machine, pod["metadata"], container["name"]
        await machine.references.use(meta["uid"], references(pod))
        reference = default_tag(container["image"])
        wanted = Wanted(meta["uid"], container["image"], container.get("imagePullPolicy") or "IfNotPresent")
        image = await machine.puller.ensure(
            wanted,
            credentials(reference, self._pull_secrets(pod)),
            self._config_of(pod, sandbox.attempt),
            lambda type, reason, message: self._say(type, reason, message, name),
        )
        ips = sandbox.ips or tuple(machine.node.host_ips)
        read = partial(machine.volumes.read_text, self._paths or {})
        variables = environment(pod, container, machine.references.get, machine.services(), machine.node, ips, read)
        if not pod["spec"].get("hostNetwork"):
            variables.setdefault("HOSTNAME", self._config_of(pod, sandbox.attempt)["hostname"])
        below = sandbox.handler in machine.features().read_only_below
        mounts = machine.volumes.container_mounts(pod, container, self._paths or {}, variables, read_only_below=below)
        termination = self._files(pod, container, sandbox, mounts)
        target = container.get("targetContainerName")
        target_id = next((c.id for c in self._observer.containers if c.name == target), "") if target else ""
        resources = container_resources(pod, container, machine.node.memory_bytes, cgroup_v2=machine.cgroups.v2)
        return container_config(
            pod, container, start, image, variables, mounts, resources, termination_file=termination, target_id=target_id
        )

    def _say_of_pod(self, type: str, reason: str, message: str) -> None:
        self._say(type, reason, message, "")

    def _pull_secrets(self, pod: Object) -> list[Object]:
        """The Secrets with credentials for the pod's images; an event tells of those that are missing."""
        namespace = pod["metadata"]["namespace"]
        names = [s.get("name", "") for s in pod["spec"].get("imagePullSecrets") or ()]
        found = {name: self._machine.references.get(Reference("secrets", namespace, name)) for name in names if name}
        if missing := [name for name, secret in found.items() if secret is None]:
            why = f"Unable to retrieve some image pull secrets ({', '.join(missing)})"
            message = f"{why}; attempting to pull the image may not succeed."
            self._say("Warning", "FailedToRetrieveImagePullSecret", message, "")
        return [secret for secret in found.values() if secret is not None]

    def _files(self, pod: Object, container: Object, sandbox: Sandbox, mounts: list[dict[str, Any]]) -> str:
        """Make and mount what every container has: /etc/hosts, and the termination message file, whose path it returns."""
        config, meta = self._machine.config, pod["metadata"]
        folder = config.pod_dir(meta["uid"])
        taken = {mount["container_path"] for mount in mounts}
        if "/etc/hosts" not in taken:
            hosts = folder / "etc-hosts"
            hosts.write_text(hosts_file(pod, config, sandbox.ips, _host_hosts()))
            mounts.append({"container_path": "/etc/hosts", "host_path": str(hosts), "readonly": False})
        message_path = container.get("terminationMessagePath") or "/dev/termination-log"
        own = folder / "containers" / container["name"]
        own.mkdir(parents=True, exist_ok=True)
        file = own / os.urandom(4).hex()
        file.touch()
        file.chmod(TERMINATION_FILE_MODE)
        if message_path not in taken:
            mounts.append({"container_path": message_path, "host_path": str(file), "readonly": False})
        log_dir = config.pod_log_dir(meta["namespace"], meta["name"], meta["uid"]) / container["name"]
        log_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        return str(file)

    def _config_of(self, pod: Object, attempt: int) -> dict[str, Any]:
        if self._sandbox_config.get("metadata", {}).get("attempt") != attempt or not self._sandbox_config:
            config = self._machine.config
            self._sandbox_config = sandbox_config(pod, config, attempt, read_resolv_conf(config.resolv_conf))
        return self._sandbox_config

    def _fail(self, name: str, reason: str, message: str, retry_s: float) -> None:
        self.failures[name] = StartFailure(reason, message, self._machine.clock.now() + retry_s)

    def _block(self, delay_s: float) -> None:
        self.blocked_until_s = max(self.blocked_until_s, self._machine.clock.now() + delay_s)


async def _unbroken(work: Coroutine[Any, Any, Result]) -> Result:
    """Await `work` to its end even when cancelled: what the runtime has begun to make must not be lost sight of."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(CriError):
            await task
        raise


def _host_hosts() -> str:
    try:
        return Path("/etc/hosts").read_text()
    except OSError:
        return "127.0.0.1\tlocalhost\n"
