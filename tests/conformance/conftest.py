"""The behaviours of Kubernetes' conformance suite, one test each, named in its docstring: docs/conformance.md lists them all.

Most need an API server with controllers and no node: `api` is a client of one, in a namespace of the test's own. Those that
need nodes but nothing that runs on them take `hollow` (conformance/hollow.py). Those that
need containers take `pods` (conformance/pods.py), which brings a real cluster, and are thereby marked `cluster`; `shared_pods`
is one namespace for all tests of a file, for pods that are started at once and looked at by many.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.hollow import HollowNodes, hollow_nodes
from tests.conformance.pods import NodeCluster, Pods, namespace_of, node_cluster
from tests.conformance.rest import Api

from corral.testing.cluster import ControlPlane

Object = dict[str, Any]
#: kubectl's words, and `code` and `input` → what it wrote.
Kubectl = Callable[..., str]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here starts a server; what has `pods`, a cluster."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            in_cluster = "running_cluster" in getattr(item, "fixturenames", ())
            item.add_marker(pytest.mark.cluster if in_cluster else pytest.mark.server)


@pytest.fixture
def api(corral: ControlPlane, corral_namespace: str) -> Iterator[Api]:
    """A client of a control plane, as administrator, in a namespace of the test's own."""
    with Api.of(corral.data_dir, corral.server, corral_namespace) as api:
        yield api


@pytest.fixture
def kubectl(corral: ControlPlane, corral_namespace: str, tmp_path: Path) -> Kubectl:
    """kubectl, unmodified, in the test's namespace of the control plane: what it wrote. It must end with `code`."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl here: scripts/setup --dev installs it")
    env = {**os.environ, "KUBECONFIG": str(corral.kubeconfig), "HOME": str(tmp_path)}

    def call(*words: str, code: int = 0, input: Any = None) -> str:
        text = input if input is None or isinstance(input, str) else json.dumps(input)
        command = ["kubectl", "-n", corral_namespace, *words]
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=60, check=False, env=env)
        assert done.returncode == code, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return call


@pytest.fixture
def hollow(api: Api) -> Iterator[HollowNodes]:
    """Nodes of the test that run nothing, and say of their pods what the test wants."""
    with hollow_nodes(api) as nodes:
        yield nodes


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[NodeCluster]:
    """A cluster with one node, for the whole session."""
    with node_cluster() as cluster:
        yield cluster


@pytest.fixture
def pods(running_cluster: NodeCluster) -> Iterator[Pods]:
    """A client of a cluster that runs containers, as administrator, in a namespace of the test's own."""
    with namespace_of(running_cluster) as pods:
        yield pods


@pytest.fixture(scope="module")
def shared_pods(running_cluster: NodeCluster) -> Iterator[Pods]:
    """The same, in one namespace for all tests of a file."""
    with namespace_of(running_cluster) as pods:
        yield pods
