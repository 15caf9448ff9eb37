"""scripts/run, the first command that the README names: from a checkout to an application that answers."""

import os
import re
import subprocess
from pathlib import Path

from tests.cluster.conftest import CORRAL, ROOT, fetch, run


def test_it_leaves_a_cluster_with_a_guestbook_that_answers(tmp_path: Path) -> None:
    where = ("--name", f"r{os.getpid()}", "--data-dir", str(tmp_path / "c"))
    environment = {**os.environ, "HOME": str(tmp_path)}
    try:
        done = subprocess.run(
            [str(ROOT / "scripts/run"), *where], capture_output=True, text=True, timeout=300, check=False, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        url = re.search(r"The guestbook answers at (http://\S+)", done.stdout)
        assert url, done.stdout
        assert "Hello from scripts/run" in fetch(url[1])
        assert f"corral down {' '.join(where)}" in done.stdout
        listed = run("kubectl", "--kubeconfig", str(tmp_path / ".kube/config"), "get", "deployments", "-o", "name")
        assert listed.split() == ["deployment.apps/guestbook", "deployment.apps/redis"]
    finally:
        run(*CORRAL, "down", *where, "--purge")
    assert not (tmp_path / "c").exists()
