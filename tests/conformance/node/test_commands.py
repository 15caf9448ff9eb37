"""What a container runs: the image's command and arguments, or the pod's; what it says and how it ends."""

from tests.conformance.pods import ENTRY_IMAGE, Pods, pod


def test_command_and_arguments_are_the_images_or_the_pods(pods: Pods) -> None:
    """[sig-node] Containers should use the image defaults if command and args are blank [NodeConformance] [Conformance]
    [sig-node] Containers should be able to override the image's default arguments (container cmd) [NodeConformance] [Conformance]
    [sig-node] Containers should be able to override the image's default command (container entrypoint) [NodeConformance] [Conformance]
    [sig-node] Containers should be able to override the image's default command and arguments [NodeConformance] [Conformance]
    """
    both = {"command": ["echo", "own"], "args": ["override"]}
    asked = {"defaults": {}, "args": {"args": ["override"]}, "command": {"command": ["echo", "own"]}, "both": both}
    containers = [{"name": name, "image": ENTRY_IMAGE, **fields} for name, fields in asked.items()]
    pods.start(pod("p", *containers))
    assert {name: pods.output("p", name) for name in asked} == {
        "defaults": "entry default arguments\n",
        "args": "entry override\n",
        "command": "own\n",
        "both": "own override\n",
    }
