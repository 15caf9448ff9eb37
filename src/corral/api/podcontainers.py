"""The containers of a pod's spec: in which lists they are, and all of them in the reference's order."""

from collections.abc import Iterator

from corral.api.fields import Path
from corral.api.objects import Object

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def containers(spec: Object) -> Iterator[Object]:
    """All containers of a pod spec: init, regular, ephemeral."""
    for field in CONTAINER_LISTS:
        yield from spec.get(field) or ()


def containers_at(spec: Object, path: Path) -> Iterator[tuple[Path, Object]]:
    """The same, each with its path; `path` is that of the spec."""
    for field in CONTAINER_LISTS:
        for i, container in enumerate(spec.get(field) or ()):
            yield path.child(field).at(i), container
