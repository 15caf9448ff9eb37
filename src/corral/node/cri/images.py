"""The image service of the CRI."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from corral.node.cri.channel import Channel, call
from corral.node.cri.stubs import messages, services
from corral.node.cri.types import Image


class Images:
    """Calls of the image service. Every method raises CriError."""

    def __init__(self, channel: Channel) -> None:
        self._stub = services.ImageServiceStub(channel.grpc)

    async def image(self, reference: str) -> Image | None:
        """The image of this name, digest or id; None where it is not present."""
        answer = await call(self._stub.ImageStatus, messages.ImageStatusRequest(image={"image": reference}))
        return _image(answer.image) if answer.HasField("image") else None

    async def images(self) -> list[Image]:
        """All images that are present."""
        answer = await call(self._stub.ListImages, messages.ListImagesRequest())
        return [_image(item) for item in answer.images]

    async def pull(
        self, reference: str, auth: Mapping[str, str] | None = None, sandbox_config: dict[str, Any] | None = None
    ) -> str:
        """Fetch an image; its reference. `auth` is an AuthConfig: username and password, or an identity token."""
        request = messages.PullImageRequest(
            image={"image": reference},
            auth=dict(auth) if auth else None,
            sandbox_config=sandbox_config,
        )
        return str((await call(self._stub.PullImage, request, None)).image_ref)

    async def folder(self) -> Path:
        """Where the unpacked images lie: of containerd, the folder of the snapshotter that unpacks them."""
        answer = await call(self._stub.ImageFsInfo, messages.ImageFsInfoRequest())
        return Path(answer.image_filesystems[0].fs_id.mountpoint)

    async def snapshotter(self) -> str:
        """Which of containerd's snapshotters unpacks the images: what its folder's name ends in."""
        return str(await self.folder()).rpartition(".")[2]

    async def remove(self, reference: str) -> None:
        """Forget an image; no error where it is not present."""
        await call(self._stub.RemoveImage, messages.RemoveImageRequest(image={"image": reference}))


def _image(item: Any) -> Image:
    return Image(
        id=item.id,
        tags=tuple(item.repo_tags),
        digests=tuple(item.repo_digests),
        size_bytes=item.size,
        uid=item.uid.value if item.HasField("uid") else None,
        username=item.username,
        pinned=item.pinned,
    )
