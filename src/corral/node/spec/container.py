"""A container as the CRI's ContainerConfig. Pure.

The labels and annotations are those that crictl and other tools know.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from corral.api.objects import Object
from corral.node.cri.runtime import POD_UID_LABEL
from corral.node.cri.types import Image
from corral.node.env import expand
from corral.node.podstate.observed import BACKOFF_ANNOTATION, HASH_ANNOTATION, RESTART_COUNT_ANNOTATION
from corral.node.podstate.plan import Start
from corral.node.podstate.spechash import spec_hash
from corral.node.spec.sandbox import CONTAINER_NAME_LABEL, POD_NAME_LABEL, POD_NAMESPACE_LABEL
from corral.node.spec.security import security_context

TERMINATION_PATH_ANNOTATION = "io.kubernetes.container.terminationMessagePath"
TERMINATION_POLICY_ANNOTATION = "io.kubernetes.container.terminationMessagePolicy"
GRACE_ANNOTATION = "io.kubernetes.pod.terminationGracePeriod"
PRE_STOP_ANNOTATION = "io.kubernetes.container.preStopHandler"
TERMINATION_FILE_ANNOTATION = "corral.dev/termination-file"


def container_config(
    pod: Object,
    container: Object,
    start: Start,
    image: Image,
    environment: Mapping[str, str],
    mounts: Sequence[dict[str, Any]],
    resources: dict[str, Any],
    *,
    termination_file: str = "",
    target_id: str = "",
) -> dict[str, Any]:
    """The ContainerConfig. Raises ConfigError (runAsNonRoot)."""
    meta = pod["metadata"]
    name = container["name"]
    annotations = {
        HASH_ANNOTATION: spec_hash(container),
        RESTART_COUNT_ANNOTATION: str(start.attempt),
        BACKOFF_ANNOTATION: f"{start.backoff_s:g}",
        TERMINATION_PATH_ANNOTATION: container.get("terminationMessagePath") or "/dev/termination-log",
        TERMINATION_POLICY_ANNOTATION: container.get("terminationMessagePolicy") or "File",
        TERMINATION_FILE_ANNOTATION: termination_file,
        GRACE_ANNOTATION: str(pod["spec"].get("terminationGracePeriodSeconds", 30)),
    }
    if hook := (container.get("lifecycle") or {}).get("preStop"):
        annotations[PRE_STOP_ANNOTATION] = orjson.dumps(hook).decode()
    return {
        "metadata": {"name": name, "attempt": start.attempt},
        "image": {"image": image.id, "user_specified_image": container["image"]},
        "command": [expand(word, environment) for word in container.get("command") or ()],
        "args": [expand(word, environment) for word in container.get("args") or ()],
        "working_dir": container.get("workingDir") or "",
        "envs": [{"key": key, "value": value} for key, value in environment.items()],
        "mounts": list(mounts),
        "labels": {
            POD_NAME_LABEL: meta["name"],
            POD_NAMESPACE_LABEL: meta.get("namespace", ""),
            POD_UID_LABEL: meta["uid"],
            CONTAINER_NAME_LABEL: name,
        },
        "annotations": annotations,
        "log_path": f"{name}/{start.attempt}.log",
        "stdin": bool(container.get("stdin")),
        "stdin_once": bool(container.get("stdinOnce")),
        "tty": bool(container.get("tty")),
        "linux": {"resources": resources, "security_context": security_context(pod, container, image, target_id)},
    }
