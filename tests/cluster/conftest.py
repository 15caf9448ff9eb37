"""One real cluster for all tests of this folder: containerd, runc, nftables, kubectl; images from this host's programs."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.images import busybox

ROOT = Path(__file__).parents[2]
CORRAL = [sys.executable, "-m", "corral"]
IMAGES = ("busybox:1", "web:1", "web:2", "redis:1", "guestbook:1", "guestbook:2")
BUSYBOX = "corral.local/busybox:1"
#: A command that sleeps until it is told to end: whoever stops it need not wait for its grace period to pass.
SLEEP = ("sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a real cluster, and a kubectl to drive it."""
    without_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl on this machine")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(without_kubectl)


def run(*words: str, check: bool = True, input: str | None = None, timeout: float = 120, **more: Any) -> str:
    """Run a command; its standard output. A failure shows what it wrote."""
    done = subprocess.run(words, capture_output=True, text=True, input=input, timeout=timeout, check=False, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def fetch(url: str, data: bytes | None = None, timeout: float = 5) -> str:
    """What `url` answers."""
    with urllib.request.urlopen(url, data, timeout) as answer:
        text: str = answer.read().decode()
        return text


@dataclass(frozen=True)
class Cluster:
    """A running cluster, as a user sees it."""

    name: str
    data_dir: Path

    def kubectl(self, *words: str, **more: Any) -> str:
        """kubectl against it."""
        return run("kubectl", "--kubeconfig", str(self.data_dir / "kubeconfig"), *words, **more)

    def get(self, *words: str) -> Any:
        """The JSON of `kubectl get`."""
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def apply(self, manifest: dict[str, Any], namespace: str) -> None:
        """Apply an object."""
        self.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps(manifest))

    def corral(self, *words: str, **more: Any) -> str:
        """The command `corral` on it."""
        return run(*CORRAL, *words, "--data-dir", str(self.data_dir), **more)


def start(data_dir: Path, name: str) -> Cluster:
    """`corral up` of a new cluster."""
    run(*CORRAL, "up", "--data-dir", str(data_dir), "--name", name, "--no-merge")
    return Cluster(name, data_dir)


def load_busybox(cluster: Cluster) -> None:
    """Give it BUSYBOX."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        archive.write(busybox(BUSYBOX))
        archive.flush()
        cluster.corral("image", "load", archive.name)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster with the examples' images."""
    # Not in pytest's own folder, of which other runs of pytest keep only the newest three.
    with tempfile.TemporaryDirectory(prefix="corral-") as folder:
        data_dir = Path(folder, "c")
        try:
            up = start(data_dir, f"t{os.getpid()}")
            images = [f"corral.local/{image}" for image in IMAGES]
            run(sys.executable, str(ROOT / "examples/images.py"), "--data-dir", str(data_dir), *images, timeout=300)
            yield up
        finally:
            run(*CORRAL, "down", "--data-dir", str(data_dir), "--purge")


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for one test."""
    name = "t-" + re.sub("[^a-z0-9]+", "-", request.node.name.lower())[5:60].strip("-")
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str) -> Callable[..., str]:
    """kubectl in the test's namespace."""

    def call(*words: str, **more: Any) -> str:
        return cluster.kubectl("-n", namespace, *words, **more)

    return call
