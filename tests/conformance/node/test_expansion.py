"""Paths below a volume that variables name: subPathExpr."""

from typing import Any

from tests.conformance.pods import FOREVER, Pods, pod, shell, status_of

VOLUMES = [{"name": "workdir", "emptyDir": {}}]
ANNOTATED = [
    {"name": "POD_NAME", "value": "foo"},
    {"name": "ANNOTATION", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['mysubpath']"}}},
]
BOTH = [
    {"name": "workdir", "mountPath": "/subpath_mount", "subPathExpr": "$(ANNOTATION)/$(POD_NAME)"},
    {"name": "workdir", "mountPath": "/volume_mount"},
]


def config_error(found: dict[str, Any]) -> dict[str, Any] | None:
    waiting: dict[str, Any] = status_of(found).get("state", {}).get("waiting") or {}
    return waiting if waiting.get("reason") == "CreateContainerConfigError" else None


def test_a_path_that_leads_out_of_the_volume_is_refused(pods: Pods) -> None:
    """[sig-node] Variable Expansion should fail substituting values in a volume subpath with backticks [Conformance]
    [sig-node] Variable Expansion should fail substituting values in a volume subpath with absolute path [Conformance]
    """
    mount = [{"name": "workdir", "mountPath": "/logs", "subPathExpr": "$(POD_NAME)"}]
    for name, value in (("above", ".."), ("absolute", "/tmp")):
        env = [{"name": "POD_NAME", "value": value}]
        pods.start(pod(name, {"command": FOREVER, "env": env, "volumeMounts": mount}, volumes=VOLUMES))
    assert "must not contain '..'" in status_of(pods.until_pod("above", config_error))["state"]["waiting"]["message"]
    assert "absolute path" in status_of(pods.until_pod("absolute", config_error))["state"]["waiting"]["message"]


def test_a_path_that_variables_name(pods: Pods) -> None:
    """[sig-node] Variable Expansion should allow substituting values in a volume subpath [Conformance]
    [sig-node] Variable Expansion should succeed in writing subpaths in container [Conformance]
    """
    container = shell("sleep 600", env=ANNOTATED, volumeMounts=BOTH)
    pods.start(pod("p", container, volumes=VOLUMES, meta={"annotations": {"mysubpath": "mypath"}}))
    pods.running("p")
    pods.exec("p", "touch", "/volume_mount/mypath/foo/test.log")
    pods.exec("p", "test", "-f", "/subpath_mount/test.log")
    pods.patch("pods/p", {"metadata": {"annotations": {"mysubpath": "mynewpath"}}})
    assert pods.running("p")["status"]["containerStatuses"][0]["restartCount"] == 0
    pods.delete("pods/p")
    pods.until_gone("pods/p")


def test_a_path_that_cannot_be_named_yet(pods: Pods) -> None:
    """[sig-node] Variable Expansion should verify that a failing subpath expansion can be modified during the lifecycle of a container [Slow] [Conformance]"""
    container = {"command": FOREVER, "env": ANNOTATED, "volumeMounts": BOTH}
    pods.start(pod("p", container, volumes=VOLUMES, meta={"annotations": {"notmysubpath": "mypath"}}))
    pods.until_pod("p", config_error)
    pods.patch("pods/p", {"metadata": {"annotations": {"mysubpath": "mypath"}}})
    pods.running("p")
    assert pods.exec("p", "ls", "/volume_mount") == "mypath\n"
