"""The volumes of pods: made before the containers, kept up to date, removed with the pod."""

import asyncio
import logging
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.base.clock import Clock
from corral.client.client import Client
from corral.node import mounts
from corral.node.config import EMPTY_DIR, NodeConfig
from corral.node.cri.errors import CriError
from corral.node.env import expand
from corral.node.facts import ConfigError, NodeFacts
from corral.node.references import Reference
from corral.node.resources import pod_amounts
from corral.node.volumes import atomic, claim, emptydir, hostpath, ownership, subpath
from corral.node.volumes.content import Material, VolumeError, files_of, is_content, token_sources
from corral.node.volumes.image import ImageMounts
from corral.node.volumes.tokens import Tokens

log = logging.getLogger(__name__)

_PROPAGATION = {
    "None": "PROPAGATION_PRIVATE",
    "HostToContainer": "PROPAGATION_HOST_TO_CONTAINER",
    "Bidirectional": "PROPAGATION_BIDIRECTIONAL",
}
CONTENT_MODE = 0o755
#: The largest file that variables are taken from.
FILE_LIMIT_BYTES = 64 * 1024
_PLUGINS = {"configMap": "configmap", "secret": "secret", "downwardAPI": "downward-api", "projected": "projected"}


class Volumes:
    """Makes, refreshes and removes volumes below each pod's folder."""

    def __init__(
        self,
        config: NodeConfig,
        client: Client,
        clock: Clock,
        node: NodeFacts,
        lookup: Callable[[Reference], Object | None],
        images: ImageMounts,
    ) -> None:
        self._config = config
        self._client = client
        self._clock = clock
        self._node = node
        self._lookup = lookup
        self._images = images
        self._tokens = Tokens(client, clock)

    async def prepare(self, pod: Object) -> dict[str, Path]:
        """Volume name → its path on the host, all of them made and filled. Raises VolumeError, whose text names the volume."""
        paths: dict[str, Path] = {}
        for volume in pod["spec"].get("volumes") or ():
            try:
                paths[volume["name"]] = await self._prepare(pod, volume)
            except (VolumeError, ConfigError, ApiError, CriError, OSError) as error:
                text = error.message if isinstance(error, ApiError) else str(error)
                raise VolumeError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {text}') from None
        return paths

    async def refresh(self, pod: Object) -> float | None:
        """Bring the contents of the pod's volumes up to date; when to do it again for the sake of a token."""
        due = []
        for volume in pod["spec"].get("volumes") or ():
            if is_content(volume):
                await self._content(pod, volume)
                due += [(await self._tokens.get(pod, volume["name"], i, s)).renew_at_s for i, s in token_sources(volume)]
        return min(due, default=None)

    def remove(self, uid: str) -> None:
        """Unmount and remove everything of pod `uid`; no error where there is nothing."""
        self._tokens.release(uid)
        try:
            mounts.remove_tree(self._config.pod_dir(uid))
        except OSError as error:
            log.warning("the folder of pod %s stays for now: %s", uid, error)

    def container_mounts(
        self,
        pod: Object,
        container: Object,
        paths: Mapping[str, Path],
        environment: Mapping[str, str],
        *,
        read_only_below: bool = False,
    ) -> list[dict[str, Any]]:
        """The CRI mounts of a container's volumeMounts. Raises VolumeError.

        `read_only_below` is whether the runtime can make read-only what is mounted below a mount (KEP-3857).
        """
        made = []
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
        for i, mount in enumerate(container.get("volumeMounts") or ()):
            path = paths[mount["name"]]
            below = mount.get("subPath") or ""
            if mount.get("subPathExpr"):
                below = expand(mount["subPathExpr"], environment)
            if below:
                parts = ("volume-subpaths", mount["name"], container["name"], str(i))
                path = subpath.bind(path, below, self._config.pod_dir(pod["metadata"]["uid"]).joinpath(*parts))
            entry: dict[str, Any] = {
                "container_path": mount["mountPath"],
                "host_path": str(path),
                "readonly": bool(mount.get("readOnly")) or is_read_only(volumes[mount["name"]]),
            }
            wanted = mount.get("recursiveReadOnly") or "Disabled"
            if wanted == "Enabled" and not read_only_below:
                why = "requested recursive read-only mount, but it is not supported by the runtime"
                raise VolumeError(f'volume "{mount["name"]}" {why}')
            if wanted != "Disabled" and read_only_below:
                entry["recursive_read_only"] = True
            if mount.get("mountPropagation"):
                entry["propagation"] = _PROPAGATION[mount["mountPropagation"]]
            made.append(entry)
        return made

    @staticmethod
    def read_text(paths: Mapping[str, Path], volume: str, path: str) -> str:
        """A small file in a volume, where no link leads out of it. Raises OSError, ValueError."""
        if volume not in paths:
            raise FileNotFoundError(volume)
        found = mounts.open_beneath(paths[volume], path)
        try:
            # A container can have put anything there: a pipe on which nobody writes, a device of the host that it may not open.
            if not stat.S_ISREG(os.fstat(found).st_mode):
                raise ValueError("it is not a regular file")
            with open(f"/proc/self/fd/{found}", "rb", opener=_at_once) as file:
                content = file.read(FILE_LIMIT_BYTES + 1)
        finally:
            os.close(found)
        if len(content) > FILE_LIMIT_BYTES:
            raise ValueError(f"it is larger than {FILE_LIMIT_BYTES} bytes")
        return content.decode()

    async def _prepare(self, pod: Object, volume: Object) -> Path:
        if is_content(volume):
            return await self._content(pod, volume)
        if source := volume.get("hostPath"):
            return hostpath.prepare(source)
        if "persistentVolumeClaim" in volume or "ephemeral" in volume:
            return await claim.prepare(self._client, pod, volume)
        if source := volume.get("image"):
            folder = self._folder(pod, "image", volume)
            await self._images.mount(source["reference"], folder)
            return folder
        if "emptyDir" in volume:
            folder = self._folder(pod, EMPTY_DIR, volume)
            await asyncio.to_thread(emptydir.prepare, folder, volume["emptyDir"] or {}, pod_amounts(pod)[2])
            await asyncio.to_thread(ownership.apply, pod, folder)
            return folder
        kinds = [key for key in volume if key != "name"]
        raise VolumeError(f"volumes of the kind {', '.join(kinds)} cannot be mounted by this node")

    async def _content(self, pod: Object, volume: Object) -> Path:
        tokens = {}
        for i, source in token_sources(volume):
            tokens[volume["name"], i] = (await self._tokens.get(pod, volume["name"], i, source)).text
        material = Material(self._lookup, self._node, (), tokens)
        files = files_of(pod, volume, material)
        plugin = next(name for kind, name in _PLUGINS.items() if kind in volume)
        folder = self._folder(pod, plugin, volume)
        folder.mkdir(parents=True, exist_ok=True)
        if ("secret" in volume or "projected" in volume) and not mounts.is_own_filesystem(folder):
            # Secrets and tokens never reach a disk.
            mounts.mount_tmpfs(folder, mode=CONTENT_MODE)
        atomic.write(folder, files, self._clock.now())
        return folder

    def _folder(self, pod: Object, plugin: str, volume: Object) -> Path:
        return self._config.pod_volume_dir(pod["metadata"]["uid"], plugin, volume["name"])


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def is_read_only(volume: Object) -> bool:
    """Whether containers never write to a volume, whatever its mounts say.

    The agent rewrites content as root: a container that could change it would lead the agent elsewhere.
    """
    return is_content(volume) or "image" in volume or bool((volume.get("persistentVolumeClaim") or {}).get("readOnly"))
