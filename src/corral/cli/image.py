"""`corral image`: build, load, list and remove the node's images, with no registry."""

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from corral.base.errors import CorralError
from corral.cli.layout import DEFAULT_NAME, home_of
from corral.cli.node import containerd_of
from corral.node import imagestore
from corral.node.containerd import Containerd
from corral.node.cri.types import Image

app = App(name="image", help="Build, load, list and remove the node's images.")

SHORT_ID_CHARS = 12


@app.command
def build(
    context: Path = Path(),
    *,
    tag: Annotated[str, Parameter(name=["--tag", "-t"])],
    file: Annotated[Path | None, Parameter(name=["--file", "-f"])] = None,
    build_arg: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    target: str = "",
    data_dir: Path | None = None,
    name: str = DEFAULT_NAME,
) -> None:
    """Build an image from a Dockerfile by Buildah; pods find it by its name at once.

    Parameters
    ----------
    context
        The folder that the Dockerfile copies from.
    tag
        The image's name, such as web:1 or corral.local/web:1.
    file
        The Dockerfile, where it is not CONTEXT/Dockerfile.
    build_arg
        NAME=VALUE of an ARG of the Dockerfile; may be repeated.
    target
        The stage to build.
    data_dir
        Where the cluster lives.
    name
        The cluster's name.
    """
    arguments = dict(_pair(text) for text in build_arg)
    runtime = _runtime(data_dir, name)
    print(imagestore.build(runtime, context, tag, dockerfile=file, build_args=arguments, target=target))


@app.command
def load(archive: Path, *archives: Path, data_dir: Path | None = None, name: str = DEFAULT_NAME) -> None:
    """Load images from archives, as `docker save` or `buildah push` write them.

    Parameters
    ----------
    archive
        A file of Docker's or the OCI's format.
    archives
        More of them.
    data_dir
        Where the cluster lives.
    name
        The cluster's name.
    """
    runtime = _runtime(data_dir, name)
    for path in (archive, *archives):
        for image in imagestore.load(runtime, path):
            print(image)


@app.command(name="ls")
def list_images(
    *,
    output: Annotated[Literal["text", "json"], Parameter(name=["--output", "-o"])] = "text",
    data_dir: Path | None = None,
    name: str = DEFAULT_NAME,
) -> None:
    """List the node's images.

    Parameters
    ----------
    output
        text or json.
    data_dir
        Where the cluster lives.
    name
        The cluster's name.
    """
    images = asyncio.run(imagestore.listed(_runtime(data_dir, name).socket))
    if output == "json":
        print(
            json.dumps(
                [{"id": i.id, "tags": i.tags, "digests": i.digests, "sizeBytes": i.size_bytes} for i in images], indent=1
            )
        )
        return
    rows = [(tag, _short(image), f"{image.size_bytes / 1e6:.1f} MB") for image in images for tag in image.tags or image.digests]
    width = max([5, *(len(tag) for tag, _, _ in rows)])
    for tag, short, size in [("IMAGE", "ID", "SIZE"), *rows]:
        print(f"{tag:<{width}}  {short:<{SHORT_ID_CHARS}}  {size}")


@app.command(name="rm")
def remove(image: str, *images: str, data_dir: Path | None = None, name: str = DEFAULT_NAME) -> None:
    """Remove images from the node.

    Parameters
    ----------
    image
        An image's name.
    images
        More of them.
    data_dir
        Where the cluster lives.
    name
        The cluster's name.
    """
    wanted = (image, *images)
    removed = asyncio.run(imagestore.remove(_runtime(data_dir, name).socket, wanted))
    for gone in removed:
        print(gone)
    absent = [one for one in wanted if one not in removed]
    if absent:
        raise CorralError(f"there is no image {', '.join(absent)}", "see which there are: corral image ls")


def _runtime(data_dir: Path | None, name: str) -> Containerd:
    home = home_of(data_dir, name)
    cluster = home.require()
    if os.geteuid() != 0:
        raise CorralError("the node's images are root's", "run it with sudo")
    runtime = containerd_of(home)
    if cluster.cri or runtime.process() is None:
        why = "uses a container runtime of its own" if cluster.cri else "is not up"
        raise CorralError(f"cluster {cluster.name} {why}", "use that runtime's tools" if cluster.cri else "start it: corral up")
    return runtime


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise CorralError(f'"{text}" is no build argument', "write it as NAME=VALUE")
    return key, value


def _short(image: Image) -> str:
    return image.id.removeprefix("sha256:")[:SHORT_ID_CHARS]
