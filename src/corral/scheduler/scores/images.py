"""ImageLocality: nodes that have the images already, large ones above all, unless only few have them."""

from typing import Any

from corral.scheduler.scores.contract import BEST, Score
from corral.scheduler.shape import Shape
from corral.scheduler.snapshot import NodeInfo, Snapshot

_LEAST_BYTES = 23 * 1024 * 1024
_MOST_BYTES = 1000 * 1024 * 1024


def image_name(image: str) -> str:
    """`nginx` as nodes report it: with a tag."""
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"


def _prepare(shape: Shape, snapshot: Snapshot) -> dict[str, float]:
    """The share of nodes that have each image, so that one node does not draw everything to itself."""
    nodes = snapshot.nodes()
    names = {image_name(image) for image in shape.images}
    return {name: sum(name in node.images for node in nodes) / max(1, len(nodes)) for name in names}


def _rate(shape: Shape, node: NodeInfo, shares: Any) -> float:
    if not node.images:
        return 0.0
    names = (image_name(image) for image in shape.images)
    found: float = sum(node.images[name].size_bytes * shares[name] for name in names if name in node.images)
    most: float = _MOST_BYTES * len(shape.images)
    return BEST * (min(max(found, _LEAST_BYTES), most) - _LEAST_BYTES) / (most - _LEAST_BYTES)


SCORE = Score("ImageLocality", 1, "fixed", lambda shape, snapshot: bool(shape.images), _rate, _prepare)
