"""kubectl, unmodified, as the conformance suite runs it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from corral.testing.cluster import ControlPlane

Kubectl = Callable[..., str]


@pytest.fixture
def kubectl(corral: ControlPlane, corral_namespace: str, tmp_path: Path) -> Kubectl:
    """Run it in the test's namespace of a control plane: what it wrote. It must end with `code`."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl here: scripts/setup --dev installs it")
    env = {**os.environ, "KUBECONFIG": str(corral.kubeconfig), "HOME": str(tmp_path)}

    def call(*words: str, code: int = 0, input: str | None = None) -> str:
        command = ["kubectl", "-n", corral_namespace, *words]
        done = subprocess.run(command, capture_output=True, text=True, input=input, timeout=60, check=False, env=env)
        assert done.returncode == code, f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return call
