"""Images made or brought by hand: build from a Dockerfile, load from an archive, list, remove.

An image lies in the same place as pulled ones, so that pods find it without any registry. Names mean what they mean in a pod:
`web:1` is `docker.io/library/web:1`.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from corral.base.errors import CorralError
from corral.node import mounts
from corral.node.containerd import OVERLAYFS_MAGIC, Containerd
from corral.node.cri.channel import Channel
from corral.node.cri.errors import CriError
from corral.node.cri.images import Images
from corral.node.cri.types import Image
from corral.node.pullcredentials import default_tag, normalized


def load(containerd: Containerd, archive: Path) -> list[str]:
    """Import an archive of Docker's or the OCI's format; the names of its images. Raises CorralError."""
    if not archive.is_file():
        raise CorralError(f"{archive} is not a file", "make one with: docker save IMAGE -o FILE")
    try:
        return sorted(_names(containerd.ctr("images", "import", str(archive))))
    except CorralError as error:
        raise CorralError(
            f"{archive} is no archive of images ({error.message})", "make one with: docker save IMAGE -o FILE"
        ) from None


def build(
    containerd: Containerd,
    context: Path,
    name: str,
    *,
    dockerfile: Path | None = None,
    build_args: Mapping[str, str] | None = None,
    target: str = "",
) -> str:
    """Build an image by Buildah and load it; its full name. What the build prints goes to this process's output.

    Raises CorralError.
    """
    buildah = shutil.which("buildah")
    if buildah is None:
        raise CorralError("buildah is not installed", "apt-get install buildah")
    if not context.is_dir():
        raise CorralError(f"{context} is not a directory", "give the directory that holds the Dockerfile")
    full = normalized(default_tag(name))
    storage = containerd.root / "buildah"
    runroot = containerd.run / "buildah"
    base = [buildah, "--root", str(storage), "--runroot", str(runroot), "--storage-driver", _driver(containerd.root)]
    arguments = ["build", "--isolation", "chroot", "--layers", "--tag", full]
    if dockerfile is not None:
        arguments += ["--file", str(dockerfile)]
    for key, value in (build_args or {}).items():
        arguments += ["--build-arg", f"{key}={value}"]
    if target:
        arguments += ["--target", target]
    _run([*base, *arguments, str(context)], f"the build of {name} failed")
    with tempfile.TemporaryDirectory(dir=containerd.run) as folder:
        archive = Path(folder, "image.tar")
        push = [*base, "push", "--quiet", full, f"docker-archive:{archive}:{full}"]
        _run(push, f"{name} cannot be written to an archive")
        containerd.ctr("images", "import", str(archive))
    return full


async def listed(socket: Path) -> list[Image]:
    """All images of the node, by name. Raises CorralError."""
    channel = Channel(str(socket))
    try:
        return sorted(await Images(channel).images(), key=lambda image: image.tags or image.digests)
    except CriError as error:
        raise CorralError(f"the images cannot be listed: {error}") from None
    finally:
        await channel.close()


async def remove(socket: Path, names: Sequence[str]) -> list[str]:
    """Remove images; those that were there. Raises CorralError."""
    channel = Channel(str(socket))
    images = Images(channel)
    removed = []
    try:
        for name in names:
            if await images.image(name) is not None:
                await images.remove(name)
                removed.append(name)
    except CriError as error:
        raise CorralError(f"the image cannot be removed: {error}") from None
    finally:
        await channel.close()
    return removed


def _names(printed: str) -> list[str]:
    """The names in what `ctr images import` prints: `unpacking NAME (sha256:...)...done`."""
    return [line.split()[1] for line in printed.splitlines() if line.startswith("unpacking ")]


def _driver(folder: Path) -> str:
    return "vfs" if mounts.filesystem_magic(folder) == OVERLAYFS_MAGIC else "overlay"


def _run(argv: Sequence[str], failure: str) -> None:
    if subprocess.run(argv, check=False).returncode != 0:
        raise CorralError(failure, "see the output above")
