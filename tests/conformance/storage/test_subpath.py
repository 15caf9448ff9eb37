"""One file or folder of a volume, mounted by itself."""

from typing import Any

import pytest
from tests.conformance.pods import FOREVER, Pods, pod, restarts
from tests.waiting import eventually

Object = dict[str, Any]

#: Reads a file many times while the volume may be written: each time it is all there.
READ = "i=0; while [ $i -lt 100 ]; do cat {path} >> /tmp/read || exit 1; i=$((i+1)); done; sort -u /tmp/read"


def reading(name: str, source: Object, below: str, path: str = "/v", **more: Any) -> Object:
    """A pod that reads `path`, at which `below` of a volume is mounted."""
    mount = {"name": "v", "mountPath": path, "subPath": below}
    container = {"command": ["sh", "-c", READ.format(path=path)], "volumeMounts": [mount]}
    return pod(name, container, volumes=[{"name": "v", **source}], **more)


@pytest.fixture(scope="module")
def readers(shared_pods: Pods) -> Pods:
    shared_pods.create("configmaps", {"metadata": {"name": "my"}, "data": {"key": "configmap-value\n"}})
    shared_pods.create("secrets", {"metadata": {"name": "my"}, "stringData": {"key": "secret-value\n"}})
    name = {"items": [{"path": "downward/podname", "fieldRef": {"fieldPath": "metadata.name"}}]}
    projected = {"sources": [{"configMap": {"name": "my", "items": [{"key": "key", "path": "projected/key"}]}}]}
    config = {"configMap": {"name": "my"}}
    shared_pods.start(
        reading("config", config, "key"),
        reading("existing", config, "key", "/etc/resolv.conf"),
        reading("secret", {"secret": {"secretName": "my"}}, "key"),
        reading("downward", {"downwardAPI": name}, "downward/podname"),
        reading("projected", {"projected": projected}, "projected/key"),
    )
    return shared_pods


def test_of_a_config_map(readers: Pods) -> None:
    """[sig-storage] Subpath Atomic writer volumes should support subpaths with configmap pod [Conformance]"""
    assert readers.output("config") == "configmap-value\n"


def test_over_a_file_that_is_there(readers: Pods) -> None:
    """[sig-storage] Subpath Atomic writer volumes should support subpaths with configmap pod with mountPath of existing file [Conformance]"""
    assert readers.output("existing") == "configmap-value\n"


def test_of_a_secret(readers: Pods) -> None:
    """[sig-storage] Subpath Atomic writer volumes should support subpaths with secret pod [Conformance]"""
    assert readers.output("secret") == "secret-value\n"


def test_of_the_downward_api(readers: Pods) -> None:
    """[sig-storage] Subpath Atomic writer volumes should support subpaths with downward pod [Conformance]"""
    assert "downward" in readers.output("downward")


def test_of_a_projected_volume(readers: Pods) -> None:
    """[sig-storage] Subpath Atomic writer volumes should support subpaths with projected pod [Conformance]"""
    assert readers.output("projected") == "configmap-value\n"


def test_what_is_mounted_stays_as_it_was_when_the_volume_changes(pods: Pods) -> None:
    pods.create("configmaps", {"metadata": {"name": "my"}, "data": {"key": "before"}})
    whole = {"name": "v", "mountPath": "/whole"}
    file = {"name": "v", "mountPath": "/file", "subPath": "key"}
    container = {"command": FOREVER, "volumeMounts": [whole, file]}
    pods.start(pod("p", container, volumes=[{"name": "v", "configMap": {"name": "my"}}]))
    pods.ready("p")
    pods.patch("configmaps/my", {"data": {"key": "after"}})
    script = "until [ $(cat /whole/key) = after ]; do sleep 0.05; done; cat /file"
    assert pods.exec("p", "sh", "-c", script) == "before"


def test_a_container_that_restarts_finds_its_file_again(pods: Pods) -> None:
    pods.create("configmaps", {"metadata": {"name": "my"}, "data": {"key": "before"}})
    mount = {"name": "v", "mountPath": "/file", "subPath": "key"}
    script = "cat /file; echo; until [ -e /flag/go ]; do sleep 0.05; done; mv /flag/go /flag/gone; exit 1"
    mounts = [mount, {"name": "flag", "mountPath": "/flag"}]
    made = [{"name": "v", "configMap": {"name": "my"}}, {"name": "flag", "emptyDir": {}}]
    pods.start(pod("p", {"command": ["sh", "-c", script], "volumeMounts": mounts}, volumes=made, restartPolicy="Always"))
    pods.ready("p")
    pods.patch("configmaps/my", {"data": {"key": "after"}})
    pods.exec("p", "touch", "/flag/go")
    # Until then the pod may say nothing yet.
    assert eventually(lambda: pods.log("p") if restarts(pods.get("pods/p")) else "") == "after\n"
