"""What a host can do to a cluster: kill any of its processes at any moment, and fill its disk."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.conftest import BUSYBOX, CORRAL, SLEEP, Cluster, load_busybox, run, start
from tests.cluster.test_lifecycle import traces
from tests.waiting import eventually

DISK_MIB = 96


def processes(cluster: Cluster) -> dict[str, list[int]]:
    """The processes of a cluster, by what they are."""
    found: dict[str, list[int]] = {"up": [], "server": [], "node": [], "containerd": [], "shim": []}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if str(cluster.data_dir) in command:
            for what, mark in (("up", " up "), ("shim", "containerd-shim"), ("containerd", "containerd --config")):
                if mark in command:
                    found[what].append(int(entry.name))
                    break
            else:
                for what in ("server", "node"):
                    if f"corral.cli.start {what} " in command:
                        found[what].append(int(entry.name))
    return found


@pytest.fixture
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of its own with two running pods."""
    name = f"adv{os.getpid()}"
    cluster = start(tmp_path_factory.mktemp("adv"), name)
    try:
        load_busybox(cluster)
        cluster.kubectl("create", "deployment", "pair", f"--image={BUSYBOX}", "--replicas=2", "--", *SLEEP)
        cluster.kubectl("rollout", "status", "deployment/pair", "--timeout=40s")
        yield cluster
    finally:
        run(*CORRAL, "down", "--data-dir", str(cluster.data_dir), "--purge", check=False)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_killed_up_recovers_and_down_leaves_nothing(busy: Cluster, seed: int) -> None:
    dice = random.Random(seed)
    pod_range = busy.get("nodes")["items"][0]["spec"]["podCIDR"].rpartition(".")[0] + "."
    command = [*CORRAL, "up", "--data-dir", str(busy.data_dir), "--no-merge"]
    for turn in range(3):
        if turn == 1:
            busy.corral("down")
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as up:
            time.sleep(dice.uniform(0.1, 2.0))
            for what in dice.sample(["up", "server", "node", "containerd"], dice.randint(1, 3)):
                for pid in processes(busy)[what]:
                    os.kill(pid, signal.SIGKILL)
            up.wait(60)
        run(*command)
        busy.kubectl("rollout", "status", "deployment/pair", "--timeout=90s")
    run(*CORRAL, "down", "--data-dir", str(busy.data_dir), "--purge")
    left = traces(busy, pod_range)
    assert {what: found for what, found in left.items() if found} == {}
    assert not busy.data_dir.exists()


def test_pods_whose_shim_is_killed_are_started_anew_and_end_with_the_cluster(busy: Cluster) -> None:
    pod_range = busy.get("nodes")["items"][0]["spec"]["podCIDR"].rpartition(".")[0] + "."
    for pid in processes(busy)["shim"]:
        os.kill(pid, signal.SIGKILL)
    eventually(
        lambda: all(
            status["ready"] and status["restartCount"]
            for pod in busy.get("pods")["items"]
            for status in pod["status"].get("containerStatuses") or [{"ready": False}]
        ),
        60,
    )
    for pid in processes(busy)["shim"]:
        os.kill(pid, signal.SIGKILL)
    run(*CORRAL, "down", "--data-dir", str(busy.data_dir), "--purge")
    assert {what: found for what, found in traces(busy, pod_range).items() if found} == {}


@pytest.fixture
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of little room."""
    folder = tmp_path_factory.mktemp("disk")
    run("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        run("umount", "-l", str(folder))


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    path = folder / "fill"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return path
    raise AssertionError("the disk has no end")


def test_a_full_disk_is_told_loses_nothing_and_heals_when_there_is_room(small_disk: Path) -> None:
    cluster = start(small_disk / "d", f"full{os.getpid()}")
    try:
        load_busybox(cluster)
        cluster.kubectl("run", "before", f"--image={BUSYBOX}", "--", *SLEEP)
        cluster.kubectl("wait", "--for=condition=Ready", "pod/before", "--timeout=30s")
        filling = fill(small_disk)
        command = ["kubectl", "--kubeconfig", str(cluster.data_dir / "kubeconfig"), "create", "configmap", "big"]
        refused = subprocess.run(
            [*command, f"--from-literal=a={'x' * 100_000}"], capture_output=True, text=True, timeout=30, check=False
        )
        assert refused.returncode == 1
        assert "InternalError" in refused.stderr or "is full" in refused.stderr
        assert cluster.get("pod", "before")["status"]["phase"] == "Running"
        filling.unlink()
        cluster.kubectl("run", "after", f"--image={BUSYBOX}", "--", *SLEEP)
        cluster.kubectl("wait", "--for=condition=Ready", "pod/before", "pod/after", "--timeout=60s")
        cluster.corral("down")
        filling = fill(small_disk)
        full = subprocess.run(
            [*CORRAL, "up", "--data-dir", str(cluster.data_dir), "--no-merge"],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert full.returncode == 1 and "→" in full.stderr and "Traceback" not in full.stderr
        filling.unlink()
        run(*CORRAL, "up", "--data-dir", str(cluster.data_dir), "--no-merge")
        assert {pod["metadata"]["name"] for pod in cluster.get("pods")["items"]} == {"before", "after"}
    finally:
        run(*CORRAL, "down", "--data-dir", str(cluster.data_dir), "--purge")
