"""Which log a request means, and why there is none: the kubelet's words."""

from pathlib import Path

from corral.node.cri.types import Container
from corral.node.podstate.observed import Observed
from corral.node.worker import PodWorker

_PULL_WORDS = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}


class LogError(Exception):
    """There is no log to show; the text says why."""


def log_path(worker: PodWorker, name: str, *, previous: bool) -> tuple[Container, Path]:
    """The container whose log is meant, and where that lies. Raises LogError."""
    pod_name = worker.pod["metadata"]["name"]
    observed = Observed(containers=worker.observer.containers)
    found = observed.latest(name)
    if previous:
        earlier = observed.previous(name)
        if found is not None and found.state == "exited" and worker.waits(name):
            earlier = found
        if earlier is None:
            raise LogError(f'previous terminated container "{name}" in pod "{pod_name}" not found')
        return earlier, Path(earlier.log_path)
    if found is None or found.state == "created":
        reason = worker.waiting_reason(name) or "ContainerCreating"
        why = _PULL_WORDS.get(reason, reason)
        raise LogError(f'container "{name}" in pod "{pod_name}" is waiting to start: {why}')
    return found, Path(found.log_path)
