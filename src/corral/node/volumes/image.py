"""image: the files of a container image as a read-only volume (KEP-4639).

`ctr` mounts them: the CRI can do so only since containerd 2.1, and the containerd of today's distributions is older.
"""

import asyncio
from pathlib import Path

from corral.node import mounts
from corral.node.cri.images import Images
from corral.node.pullcredentials import default_tag, normalized
from corral.node.volumes.content import VolumeError

NAMESPACE = "k8s.io"


class ImageMounts:
    """Mounts images that are present in the containerd behind `socket`."""

    def __init__(self, images: Images, socket: str) -> None:
        self._images = images
        self._socket = socket.removeprefix("unix://")

    async def mount(self, reference: str, target: Path) -> None:
        """Have `target` show the files of the image; nothing to do where it does already. Raises VolumeError, CriError."""
        if mounts.is_mounted(target):
            return
        target.mkdir(parents=True, exist_ok=True)
        # What a mount of an earlier boot left would be in the way.
        await self._ctr("unmount", "--rm", str(target))
        snapshotter = await self._images.snapshotter()
        code, text = await self._ctr("mount", "--snapshotter", snapshotter, normalized(default_tag(reference)), str(target))
        if code != 0:
            raise VolumeError(f"failed to mount image {reference}: {text}")

    async def _ctr(self, *arguments: str) -> tuple[int, str]:
        """Exit code and error of `ctr images ARGUMENTS`."""
        argv = ("ctr", "--address", self._socket, "--namespace", NAMESPACE, "images", *arguments)
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(*argv, stdin=null, stdout=null, stderr=pipe)
        except FileNotFoundError:
            raise VolumeError("ctr, containerd's command, is not installed") from None
        _, errors = await process.communicate()
        return process.returncode or 0, errors.decode(errors="replace").strip().removeprefix("ctr: ")
