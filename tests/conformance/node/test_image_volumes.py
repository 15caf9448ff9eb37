"""Images as volumes (KEP-4639), from a registry of the test's own."""

from typing import Any

from tests.cluster.registry import running_registry
from tests.conformance.pods import Pods, pod, shell, status_of

LOOK = "cat /volume/etc/version; echo; touch /volume/x 2>&1; cat /below/version"


def reads(name: str, reference: str, policy: str = "Always") -> dict[str, Any]:
    mounts = [{"name": "v", "mountPath": "/volume"}, {"name": "v", "mountPath": "/below", "subPath": "etc"}]
    volume = {"name": "v", "image": {"reference": reference, "pullPolicy": policy}}
    return pod(name, shell(LOOK, volumeMounts=mounts), volumes=[volume])


def test_an_image_is_fetched_and_mounted(pods: Pods) -> None:
    """[sig-node] ImageVolume should succeed with pod and pull policy of Always [LinuxOnly] [MinimumKubeletVersion:1.35] [Conformance]"""
    with running_registry("nobody", "nothing") as registry:
        registry.put("open/kitten", "1", "first")
        image = f"{registry.address}/open/kitten:1"
        pods.start(reads("always", image))
        said = pods.output("always").splitlines()
        assert said[0] == said[2] == "first" and "Read-only file system" in said[1]
        registry.put("open/kitten", "1", "second")
        pods.start(reads("again", image), reads("present", image, "IfNotPresent"))
        assert pods.output("again").splitlines()[0] == "second"
        assert pods.output("present").splitlines()[0] in ("first", "second")
        pods.start(reads("none", f"{registry.address}/open/none:1"))
        found = pods.until_pod(
            "none", lambda p: status_of(p).get("state", {}).get("waiting", {}).get("reason", "") == "ErrImagePull"
        )
        assert "open/none:1" in status_of(found)["state"]["waiting"]["message"]
