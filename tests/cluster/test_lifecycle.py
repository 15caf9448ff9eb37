"""The life of a cluster: beside another, its agent or server killed, down and up again, gone without a trace."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.cluster.conftest import BUSYBOX, CORRAL, SLEEP, Cluster, fetch, load_busybox, run, start
from tests.cluster.test_storage import claim, mounting
from tests.waiting import eventually


def traces(cluster: Cluster, pod_range: str) -> dict[str, set[str]]:
    """What there is on this host of `cluster`, beside others that come and go; `pod_range` is how its pods' addresses begin."""
    marks = (cluster.name, str(cluster.data_dir))
    routes = {line for line in run("ip", "route", "show", "table", "all").splitlines() if pod_range in line}
    links = [
        link
        for link in json.loads(run("ip", "-j", "link"))
        if cluster.name in link["ifname"] or any(f"dev {link['ifname']} " in f"{route} " for route in routes)
    ]
    peers = {link.get("link_netnsid", -1) for link in links}
    commands = {p.read_bytes().decode(errors="replace") for p in Path("/proc").glob("[0-9]*/cmdline") if p.exists()}
    return {
        "processes": {c for c in commands if any(mark in c for mark in marks)},
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if any(mark in line for mark in marks)},
        "tables": {line for line in run("nft", "list", "tables").splitlines() if cluster.name in line},
        "cgroups": {str(p) for depth in ("*", "*/*") for p in Path("/sys/fs/cgroup").glob(f"{depth}{cluster.name}*")},
        "routes": routes,
        "devices": {link["ifname"] for link in links},
        "namespaces": {entry["name"] for entry in json.loads(run("ip", "-j", "netns") or "[]") if entry.get("id") in peers},
    }


def test_nothing_is_left_after_down(tmp_path_factory: pytest.TempPathFactory) -> None:
    name = f"gone{os.getpid()}"
    data_dir = tmp_path_factory.mktemp(name)
    cluster = start(data_dir, name)
    try:
        load_busybox(cluster)
        cluster.kubectl("run", "sleeper", f"--image={BUSYBOX}", "--", *SLEEP)
        eventually(lambda: cluster.get("pods")["items"][0]["status"].get("phase") == "Running")
        pod_range = cluster.get("nodes")["items"][0]["spec"]["podCIDR"].rpartition(".")[0] + "."
        made = traces(cluster, pod_range)
    finally:
        run(*CORRAL, "down", "--data-dir", str(data_dir), "--purge")
    assert [what for what, found in made.items() if not found] == []
    left = traces(cluster, pod_range)
    left["devices"] |= made["devices"] & {link["ifname"] for link in json.loads(run("ip", "-j", "link"))}
    left["namespaces"] |= made["namespaces"] & {entry["name"] for entry in json.loads(run("ip", "-j", "netns") or "[]")}
    assert {what: found for what, found in left.items() if found} == {}
    assert not data_dir.exists()


def test_two_clusters_run_side_by_side(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = start(tmp_path_factory.mktemp("other"), f"other{os.getpid()}")
    try:
        assert other.get("nodes")["items"][0]["status"]["addresses"]
        other.kubectl("create", "configmap", "mine")
        assert "mine" not in cluster.kubectl("get", "configmaps")
    finally:
        run(*CORRAL, "down", "--data-dir", str(other.data_dir), "--purge")


def test_killing_the_agent_leaves_pods_running(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("run", "-n", namespace, "web", "--image=corral.local/web:1")
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod/web", "--timeout=30s")
    pod = cluster.get("pod", "web", "-n", namespace)
    os.kill(json.loads((cluster.data_dir / "run/node.pid").read_text())["pid"], signal.SIGKILL)
    assert "version 1" in fetch(f"http://{pod['status']['podIP']}/")
    cluster.corral("up")
    cluster.kubectl("run", "-n", namespace, "later", "--image=corral.local/web:2")
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "pod/later", "--timeout=30s")
    again = cluster.get("pod", "web", "-n", namespace)
    assert again["status"]["podIP"] == pod["status"]["podIP"]
    assert again["status"]["containerStatuses"] == pod["status"]["containerStatuses"]


def test_killing_the_server_loses_nothing(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("create", "-n", namespace, "configmap", "kept", "--from-literal=a=b")
    os.kill(json.loads((cluster.data_dir / "run/server.pid").read_text())["pid"], signal.SIGKILL)
    cluster.corral("up")
    assert cluster.get("configmap", "kept", "-n", namespace)["data"] == {"a": "b"}
    cluster.kubectl("create", "-n", namespace, "deployment", "web", "--image=corral.local/web:1")
    cluster.kubectl("rollout", "status", "-n", namespace, "deployment/web", "--timeout=40s")


def test_down_and_up_again_brings_pods_and_volumes_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    name = f"again{os.getpid()}"
    cluster = start(tmp_path_factory.mktemp(name), name)
    try:
        load_busybox(cluster)
        cluster.kubectl("create", "deployment", "sleeper", f"--image={BUSYBOX}", "--", *SLEEP)
        cluster.apply(claim("data"), "default")
        keep = f"cat /data/file || echo kept > /data/file; {SLEEP[-1]}"
        cluster.apply(mounting("keeper", keep, restartPolicy="Always"), "default")
        cluster.kubectl("rollout", "status", "deployment/sleeper", "--timeout=30s")
        cluster.kubectl("wait", "--for=condition=Ready", "pod/keeper", "--timeout=30s")
        cluster.corral("down")
        cluster.corral("up")
        cluster.kubectl("rollout", "status", "deployment/sleeper", "--timeout=30s")
        eventually(lambda: {p["status"]["phase"] for p in cluster.get("pods")["items"]} == {"Running"})
        again = mounting("again", "cat /data/file")
        cluster.apply(again, "default")
        eventually(lambda: cluster.get("pod", "again")["status"]["phase"] == "Succeeded")
        assert cluster.kubectl("logs", "again") == "kept\n"
    finally:
        run(*CORRAL, "down", "--data-dir", str(cluster.data_dir), "--purge")


def test_up_twice_says_that_it_is_up(cluster: Cluster) -> None:
    assert "already up" in cluster.corral("up")


def test_status_shows_what_runs(cluster: Cluster) -> None:
    found = json.loads(cluster.corral("status", "-o", "json"))
    assert found["state"] == "up"
    assert set(found["components"]) == {"server", "containerd", "node"}


def test_images_are_listed_and_removed(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    cluster.corral("image", "build", "-t", "corral.local/tiny:1", str(tmp_path))
    assert "corral.local/tiny:1" in cluster.corral("image", "ls")
    cluster.corral("image", "rm", "corral.local/tiny:1")
    assert "corral.local/tiny:1" not in cluster.corral("image", "ls")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["down", "--data-dir", "/nonexistent-corral"], "no cluster"),
        (["kubeconfig", "--data-dir", "/nonexistent-corral"], "cannot read"),
        (["up", "--name", "Bad_Name"], "cannot name a cluster"),
    ],
)
def test_mistakes_get_one_line_and_a_remedy(words: list[str], said: str) -> None:
    done = subprocess.run([*CORRAL, *words], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert said in done.stderr and "→" in done.stderr and "Traceback" not in done.stderr
