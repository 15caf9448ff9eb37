"""kubectl's long conversations with a container: logs, exec, attach, cp, port-forward."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cluster.conftest import Cluster, fetch
from tests.cluster.test_pods import pod, shell

Kubectl = Callable[..., str]


@pytest.fixture
def web(cluster: Cluster, kubectl: Kubectl, namespace: str) -> Iterator[str]:
    """A pod that serves version 1 and counts in its log."""
    counter = {"command": shell("for i in 1 2 3; do echo line $i; done; cat; echo end; sleep 3600"), "stdin": True}
    cluster.apply(pod("web", {"image": "corral.local/web:1"}, counter), namespace)
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    yield "web"


def test_logs_follow_tail_and_timestamps(kubectl: Kubectl, web: str) -> None:
    assert kubectl("logs", web, "-c", "c1") == "line 1\nline 2\nline 3\n"
    assert kubectl("logs", web, "-c", "c1", "--tail=1") == "line 3\n"
    assert re.match(r"\d{4}-\d\d-\d\dT\S+Z line 1\n", kubectl("logs", web, "-c", "c1", "--timestamps"))
    assert kubectl("logs", web, "-c", "c1", "--since=1h", "--limit-bytes=6") == "line 1"


def test_exec_carries_output_input_and_exit_status(cluster: Cluster, kubectl: Kubectl, namespace: str, web: str) -> None:
    assert kubectl("exec", web, "-c", "c0", "--", "echo", "hello") == "hello\n"
    assert kubectl("exec", "-i", web, "-c", "c0", "--", "cat", input="a\nb\n") == "a\nb\n"
    big = "x" * 300_000
    assert kubectl("exec", "-i", web, "-c", "c0", "--", "cat", input=big) == big
    config = str(cluster.data_dir / "kubeconfig")
    command = ["kubectl", "--kubeconfig", config, "-n", namespace, "exec", web, "-c", "c0", "--", "sh", "-c", "exit 7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 7
    assert "exit code 7" in done.stderr


def test_exec_with_a_terminal(cluster: Cluster, namespace: str, web: str) -> None:
    program = f"kubectl --kubeconfig {cluster.data_dir}/kubeconfig -n {namespace} exec -it {web} -c c0 -- sh -c 'test -t 0'"
    done = subprocess.run(["script", "-qec", program, "/dev/null"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout


def test_attach_reaches_the_running_program(cluster: Cluster, namespace: str, web: str) -> None:
    command = [
        "kubectl",
        "--kubeconfig",
        str(cluster.data_dir / "kubeconfig"),
        "-n",
        namespace,
        "attach",
        "-i",
        web,
        "-c",
        "c1",
    ]
    # The end of the input detaches, so it waits for the answer.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as attached:
        try:
            assert attached.stdin is not None and attached.stdout is not None
            attached.stdin.write("typed\n")
            attached.stdin.flush()
            assert "typed\n" in iter(attached.stdout.readline, "")
        finally:
            attached.kill()


def test_cp_there_and_back(kubectl: Kubectl, web: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 2000)
    kubectl("cp", str(source), f"{web}:/tmp/copied", "-c", "c0")
    kubectl("cp", f"{web}:/tmp/copied", str(tmp_path / "back"), "-c", "c0")
    assert (tmp_path / "back").read_bytes() == source.read_bytes()


def test_port_forward(cluster: Cluster, kubectl: Kubectl, namespace: str, web: str) -> None:
    config = str(cluster.data_dir / "kubeconfig")
    command = ["kubectl", "--kubeconfig", config, "-n", namespace, "port-forward", f"pod/{web}", ":80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as forward:
        try:
            assert forward.stdout is not None
            line = forward.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+) -> 80", line)
            assert found, line
            for _ in range(3):
                assert fetch(f"http://127.0.0.1:{found[1]}/") == "Hello from Corral, version 1\n"
        finally:
            forward.terminate()


def test_the_api_servers_proxy_reaches_pods_and_services(cluster: Cluster, kubectl: Kubectl, namespace: str, web: str) -> None:
    kubectl("label", "pod", web, "app=web")
    kubectl("expose", "pod", web, "--port=80")
    for path in (f"pods/{web}:80", "services/web:80"):
        assert "version 1" in cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{namespace}/{path}/proxy/")


def test_stats_of_a_node(cluster: Cluster, web: str) -> None:
    node = cluster.get("nodes")["items"][0]["metadata"]["name"]
    summary = json.loads(cluster.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary"))
    assert summary["node"]["nodeName"] == node
    assert any(p["podRef"]["name"] == web for p in summary["pods"])
