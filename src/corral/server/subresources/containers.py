"""Which container of a pod is meant by a request for its log or its streams."""

from corral.api.errors import bad_request
from corral.api.objects import Object


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
