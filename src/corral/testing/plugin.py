"""The pytest plugin: an API server of Kubernetes for tests, with no root and no container runtime.

    def test_my_operator(corral):
        api = kubernetes.client.CoreV1Api(kubernetes.config.new_client_from_config(str(corral.kubeconfig)))

`corral` is one server for the whole session; `corral_namespace` a fresh namespace in it for one test.
Nothing heavy is imported before a test asks for a fixture.
"""

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from corral.testing.cluster import ControlPlane


@pytest.fixture(scope="session")
def corral(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[ControlPlane]":
    """A running control plane: API server, controllers and scheduler."""
    from corral.testing.cluster import control_plane

    with control_plane(tmp_path_factory.mktemp("corral")) as plane:
        yield plane


@pytest.fixture
def corral_namespace(corral: "ControlPlane") -> Iterator[str]:
    """A namespace of the test's own, deleted afterwards."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    corral.request("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    corral.request("DELETE", f"/api/v1/namespaces/{name}")
