"""`corral image`: build, load, list and remove the node's images, with no registry."""

import os
from argparse import ArgumentParser
from pathlib import Path

from corral.base.annotations import TYPE_CHECKING, Sequence
from corral.base.errors import CorralError
from corral.cli.arguments import add_home, add_output, show
from corral.cli.layout import DEFAULT_NAME, home_of

if TYPE_CHECKING:  # loaded when it is known that there is a node to ask
    from corral.node.containerd import Containerd
    from corral.node.cri.types import Image

SHORT_ID_CHARS = 12


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    match words:
        case "image build":
            parser.add_argument(
                "context", type=Path, nargs="?", default=Path(), help="the folder that the Dockerfile copies from (default: .)"
            )
            parser.add_argument("--tag", "-t", required=True, help="the image's name, such as web:1 or corral.local/web:1")
            parser.add_argument("--file", "-f", type=Path, help="the Dockerfile, where it is not CONTEXT/Dockerfile")
            parser.add_argument(
                "--build-arg",
                action="append",
                default=[],
                metavar="NAME=VALUE",
                help="an ARG of the Dockerfile; may be given several times",
            )
            parser.add_argument("--target", default="", help="the stage to build")
        case "image load":
            parser.add_argument(
                "archives", type=Path, nargs="+", metavar="ARCHIVE", help="a file of Docker's or the OCI's format"
            )
        case "image ls":
            add_output(parser)
        case "image rm":
            parser.add_argument("images", nargs="+", metavar="IMAGE", help="an image's name")
    add_home(parser)


def build(
    context: Path = Path(),
    *,
    tag: str,
    file: Path | None = None,
    build_arg: Sequence[str] = (),
    target: str = "",
    data_dir: Path | None = None,
    name: str = DEFAULT_NAME,
) -> None:
    """Build an image from a Dockerfile by Buildah; pods find it by its name at once."""
    arguments = dict(_pair(text) for text in build_arg)
    runtime = _runtime(data_dir, name)
    from corral.node import imagestore

    print(imagestore.build(runtime, context, tag, dockerfile=file, build_args=arguments, target=target))


def load(*, archives: Sequence[Path], data_dir: Path | None = None, name: str = DEFAULT_NAME) -> None:
    """Load images from archives, as `docker save` or `buildah push` write them."""
    runtime = _runtime(data_dir, name)
    from corral.node import imagestore

    for path in archives:
        for image in imagestore.load(runtime, path):
            print(image)


def list_images(
    *,
    output: str = "text",
    data_dir: Path | None = None,
    name: str = DEFAULT_NAME,
) -> None:
    """List the node's images."""
    runtime = _runtime(data_dir, name)
    import asyncio

    from corral.node import imagestore

    images = asyncio.run(imagestore.listed(runtime.socket))
    if show([{"id": i.id, "tags": i.tags, "digests": i.digests, "sizeBytes": i.size_bytes} for i in images], output):
        return
    rows = [(tag, _short(image), f"{image.size_bytes / 1e6:.1f} MB") for image in images for tag in image.tags or image.digests]
    width = max([5, *(len(tag) for tag, _, _ in rows)])
    for tag, short, size in [("IMAGE", "ID", "SIZE"), *rows]:
        print(f"{tag:<{width}}  {short:<{SHORT_ID_CHARS}}  {size}")


def remove(*, images: Sequence[str], data_dir: Path | None = None, name: str = DEFAULT_NAME) -> None:
    """Remove images from the node."""
    runtime = _runtime(data_dir, name)
    import asyncio

    from corral.node import imagestore

    removed = asyncio.run(imagestore.remove(runtime.socket, images))
    for gone in removed:
        print(gone)
    absent = [one for one in images if one not in removed]
    if absent:
        raise CorralError(f"there is no image {', '.join(absent)}", "see which there are: corral image ls")


def _runtime(data_dir: Path | None, name: str) -> "Containerd":
    home = home_of(data_dir, name)
    cluster = home.require()
    if os.geteuid() != 0:
        raise CorralError("the node's images are root's", "run it with sudo")
    from corral.cli.runtime import containerd_of

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


def _short(image: "Image") -> str:
    return image.id.removeprefix("sha256:")[:SHORT_ID_CHARS]
