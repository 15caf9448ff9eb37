"""The containers of a pod's spec: in which lists they are, all of them in the reference's order, and which one is meant."""

from collections.abc import Iterator

from corral.api.errors import bad_request
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


def container_of(pod: Object, wanted: str) -> str:
    """The container that a request means. Raises ApiError (400) where it says none of several, or one that is not there."""
    spec, name = pod["spec"], pod["metadata"]["name"]
    names = [c["name"] for c in spec.get("containers") or ()]
    init = [c["name"] for c in spec.get("initContainers") or ()]
    ephemeral = [c["name"] for c in spec.get("ephemeralContainers") or ()]
    if not wanted:
        if len(names) == 1:
            return str(names[0])
        default = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
        if default in names:
            return str(default)
        choices = f"choose one of: [{' '.join(names)}]"
        if init:
            choices += f" or one of the init containers: [{' '.join(init)}]"
        if ephemeral:
            choices += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]"
        raise bad_request(f"a container name must be specified for pod {name}, {choices}")
    if wanted not in (*names, *init, *ephemeral):
        raise bad_request(f"container {wanted} is not valid for pod {name}")
    return wanted
