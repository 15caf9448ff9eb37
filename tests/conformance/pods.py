"""A real cluster for behaviours of containers, and a client that starts pods in it and reads what became of them.

The image is this host's busybox with all its applets, made without a registry or a build. Where the suite has a program of its
own (agnhost), a line of shell does here.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from tests.conformance.rest import Api
from tests.images import busybox

from corral.testing.cluster import admin_tls

Object = dict[str, Any]

IMAGE = "corral.local/conformance:1"
#: The same with an entry point and arguments of its own.
ENTRY_IMAGE = "corral.local/conformance-entry:1"
CORRAL = [sys.executable, "-m", "corral"]
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.03
FOREVER = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]


@dataclass(frozen=True)
class NodeCluster:
    """A running cluster with one node. `server` is its URL."""

    data_dir: Path
    server: str
    node: str

    def kubectl(self, *words: str, input: str | None = None) -> str:
        """kubectl as administrator; its standard output."""
        command = ["kubectl", "--kubeconfig", str(self.data_dir / "kubeconfig"), *words]
        done = subprocess.run(command, capture_output=True, text=True, input=input, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout


class Pods(Api):
    """A client in a namespace of its own, for tests of what runs."""

    cluster: NodeCluster

    def start(self, *bodies: Object) -> None:
        """Create pods."""
        for body in bodies:
            self.create("pods", body)

    def until_pod(self, name: str, holds: Callable[[Object], Any], timeout_s: float = PATIENCE_S) -> Object:
        """The pod as soon as `holds(pod)`. What it says of itself, and its events, are shown where it never does."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            pod: Object = self.get(f"pods/{name}")
            if holds(pod):
                return pod
            if time.monotonic() > deadline_s:
                said = [f"{e['reason']}: {e['message']}" for e in self.events(name)]
                raise AssertionError(f"{name}: {json.dumps(pod['status'], indent=1)}\n" + "\n".join(said))
            time.sleep(LOOK_EVERY_S)

    def running(self, name: str) -> Object:
        """The pod, once its phase is Running."""
        return self.until_pod(name, lambda pod: pod["status"].get("phase") == "Running")

    def ready(self, name: str) -> Object:
        """The pod, once it is Ready."""
        return self.until_pod(name, is_ready)

    def ended(self, name: str) -> Object:
        """The pod, once it has Succeeded or Failed."""
        return self.until_pod(name, lambda pod: pod["status"].get("phase") in ("Succeeded", "Failed"))

    def output(self, name: str, container: str = "") -> str:
        """What a container of the pod said, once the pod has Succeeded."""
        pod = self.ended(name)
        said = self.log(name, container)
        assert pod["status"]["phase"] == "Succeeded", f"{said}\n{json.dumps(pod['status'], indent=1)}"
        return said

    def log(self, name: str, container: str = "", **query: Any) -> str:
        """What a container has said until now."""
        text: str = self.get(f"pods/{name}/log", **({"container": container} if container else {}), **query)
        return text

    def exec(self, name: str, *command: str, container: str = "") -> str:
        """The standard output of a command in a running container, which must end well."""
        query = [("stdout", "1"), ("stderr", "1"), ("container", container), *(("command", word) for word in command)]
        said = self.messages(f"pods/{name}/exec?{urlencode([pair for pair in query if pair[1]])}", "v4.channel.k8s.io")
        ended = json.loads(b"".join(message[1:] for message in said if message[0] == 3) or b"{}")
        text = b"".join(message[1:] for message in said if message[0] in (1, 2)).decode()
        assert ended.get("status") == "Success", f"{' '.join(command)}: {text}{ended}"
        return b"".join(message[1:] for message in said if message[0] == 1).decode()

    def messages(self, path: str, protocol: str) -> list[bytes]:
        """All messages of a WebSocket, until the server closes it."""
        tls = admin_tls(self.cluster.data_dir / "pki")
        wait = aiohttp.ClientWSTimeout(ws_receive=PATIENCE_S)

        async def read() -> list[bytes]:
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(self.server + self.path(path), protocols=(protocol,), ssl=tls, timeout=wait) as socket,
            ):
                assert socket.protocol == protocol
                return [message.data async for message in socket if message.type == aiohttp.WSMsgType.BINARY]

        return asyncio.run(read())

    def events(self, name: str) -> list[Object]:
        """The events about a pod."""
        found: list[Object] = self.get("events", fieldSelector=f"involvedObject.name={name}")["items"]
        return found


def pod(name: str, *containers: Object | str, meta: Object | None = None, **spec: Any) -> Object:
    """A pod that is not restarted unless `spec` says otherwise; a container that is a string is a script of the shell."""
    spec.setdefault("restartPolicy", "Never")
    spec.setdefault("terminationGracePeriodSeconds", 0)
    filled = [container(c, f"c{i}" if i else "c") for i, c in enumerate(containers or ({"command": FOREVER},))]
    spec["initContainers"] = [container(c, f"i{i}") for i, c in enumerate(spec.get("initContainers") or ())]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **(meta or {})},
        "spec": {"containers": filled, **spec},
    }


def container(given: Object | str, name: str) -> Object:
    """A container of the test image, unless `given` says otherwise."""
    return {"name": name, "image": IMAGE, **(shell(given) if isinstance(given, str) else given)}


def shell(script: str, **more: Any) -> Object:
    """A container that runs a script."""
    return {"command": ["sh", "-c", script], **more}


def is_ready(pod: Object) -> bool:
    """Whether the pod's condition Ready holds."""
    return condition(pod, "Ready").get("status") == "True"


def condition(pod: Object, kind: str) -> Object:
    """The condition of that type; {} where there is none."""
    return next((c for c in pod["status"].get("conditions") or () if c["type"] == kind), {})


def status_of(pod: Object, name: str = "c") -> Object:
    """The status of a container, whatever its role; {} where there is none yet."""
    fields = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
    found = (made for field in fields for made in pod["status"].get(field) or ())
    return next((made for made in found if made["name"] == name), {})


def restarts(pod: Object, name: str = "c") -> int:
    """How often a container was started again."""
    return int(status_of(pod, name).get("restartCount", 0))


@contextmanager
def node_cluster() -> Iterator[NodeCluster]:
    """Start a cluster with the test images; gone afterwards."""
    # Not in pytest's own folder, of which other runs of pytest keep only the newest three.
    with tempfile.TemporaryDirectory(prefix="corral-") as folder:
        data_dir = Path(folder, "c")
        where = ["--data-dir", str(data_dir)]
        try:
            _corral("up", *where, "--name", f"k{os.getpid()}", "--no-merge")
            for reference, config in IMAGES.items():
                archive = Path(folder, "image.tar")
                archive.write_bytes(busybox(reference, config))
                _corral("image", "load", *where, str(archive))
            facts = json.loads((data_dir / "cluster.json").read_text())
            server = f"https://127.0.0.1:{facts['port']}"
            with Api.of(data_dir, server, "default") as api:
                yield NodeCluster(data_dir, server, api.names("/api/v1/nodes")[0])
        finally:
            _corral("down", *where, "--purge")


@contextmanager
def namespace_of(cluster: NodeCluster) -> Iterator[Pods]:
    """A client in a fresh namespace, in which pods can be made."""
    with Pods.of(cluster.data_dir, cluster.server, f"test-{uuid.uuid4().hex[:8]}") as pods:
        pods.cluster = cluster
        pods.create("/api/v1/namespaces", {"metadata": {"name": pods.namespace}})
        pods.until_pods_can_be_made()
        yield pods
        pods.delete(f"/api/v1/namespaces/{pods.namespace}")


IMAGES: dict[str, Mapping[str, Any]] = {
    IMAGE: {"Cmd": ["sh"], "Env": ["PATH=/bin"]},
    ENTRY_IMAGE: {"Entrypoint": ["echo", "entry"], "Cmd": ["default", "arguments"], "Env": ["PATH=/bin"]},
}


def _corral(*words: str) -> None:
    done = subprocess.run([*CORRAL, *words], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"corral {' '.join(words)}: {done.stdout}{done.stderr}"
