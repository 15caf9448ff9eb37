"""The behaviours of Kubernetes' conformance suite, one test each, named in its docstring: docs/conformance.md lists them all.

Most need an API server with controllers and no node: `api` is a client of one, in a namespace of the test's own. Those that
need containers take `pods` (conformance/pods.py), which brings a real cluster, and are marked `cluster`.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.rest import Api

from corral.testing.cluster import ControlPlane

Object = dict[str, Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here starts a server; what has `pods`, a cluster."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.server)


def eventually(question: Callable[[], Any], timeout_s: float = 20) -> Any:
    """The first true answer to `question`, asked again until the time is up."""
    deadline_s = time.monotonic() + timeout_s
    while not (answer := question()):
        assert time.monotonic() < deadline_s, f"still {answer!r} after {timeout_s} s"
        time.sleep(0.02)
    return answer


@pytest.fixture
def api(corral: ControlPlane, corral_namespace: str) -> Iterator[Api]:
    """A client of a control plane, as administrator, in a namespace of the test's own."""
    with Api.of(corral.data_dir, corral.server, corral_namespace) as api:
        yield api
