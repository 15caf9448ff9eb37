"""`corral up --no-node` and `down` as a user meets them: damage, haste, interruptions. Real processes, no root."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from corral.base.processes import Process
from corral.cli import up
from corral.cli.layout import Cluster, Home, port_is_free
from corral.testing.cluster import admin_tls, free_port

pytestmark = pytest.mark.server

TIMEOUT_S = 90
CORRAL = [sys.executable, "-m", "corral"]
Corral = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Where a cluster may live; it is gone after the test."""
    home = Home(tmp_path / "d")
    yield home
    subprocess.run([*CORRAL, "down", "--purge", "--data-dir", str(home.root)], capture_output=True, check=False)


@pytest.fixture
def corral(home: Home) -> Corral:
    """The command, on the cluster in `home`."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [*CORRAL, *words, "--data-dir", str(home.root)]
        if words[0] == "up":
            argv.append("--no-merge")
            if "--port" not in words and not home.config.exists():
                argv += ["--port", str(free_port())]
        return subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    return run


def refused(done: subprocess.CompletedProcess[str], said: str) -> None:
    """The command failed in a line or two that say what to do."""
    assert done.returncode == 1
    assert said in done.stderr and "→" in done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 3


def answers(home: Home) -> bool:
    """Whether something listens on the cluster's port."""
    cluster = home.require()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", cluster.port)) == 0


def test_up_again_with_other_settings_changes_nothing(corral: Corral, home: Home) -> None:
    assert corral("up", "--no-node").returncode == 0
    before = home.require()
    again = corral("up")
    assert again.returncode == 0 and "already up" in again.stdout
    refused(corral("up", "--port", str(before.port + 7)), "is up with other settings")
    refused(corral("up", "--name", "other"), "holds a cluster called")
    assert home.require() == before and answers(home)
    assert corral("down").returncode == 0
    assert not answers(home)


def test_a_taken_port_leaves_nothing(corral: Corral, home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        refused(corral("up", "--no-node", "--port", str(other.getsockname()[1])), "is already taken")
    assert not home.root.exists()


def damage(path: Path, start: int) -> None:
    """Overwrite what is in the file from `start` on."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * (path.stat().st_size - start))


def test_what_is_damaged_is_said_and_kept(corral: Corral, home: Home) -> None:
    assert corral("up", "--no-node").returncode == 0
    assert corral("down").returncode == 0
    store = home.root / "server/store.db"
    whole = store.read_bytes()
    for start in (4096, 0):
        damage(store, start)
        kept = store.read_bytes()
        refused(corral("up"), f"the store {store} is damaged")
        assert store.read_bytes() == kept
    store.write_bytes(whole)
    for name in ("ca.crt", "ca.key", "admin.crt"):
        path = home.pki / name
        whole = path.read_bytes()
        path.write_text("junk")
        refused(corral("up"), f"{path}: it is damaged")
        path.write_bytes(whole)
    assert corral("up").returncode == 0


def test_kubectl_is_led_only_to_a_cluster_that_answers(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(users))
    up = [*CORRAL, "up", "--no-node", "--data-dir", str(home.root)]
    (home.root / "server").mkdir(parents=True)
    (home.root / "server/store.db").write_bytes(b"junk" * 1000)
    refused(subprocess.run(up, capture_output=True, text=True, timeout=TIMEOUT_S, check=False), "is damaged")
    assert not users.exists()
    (home.root / "server/store.db").unlink()
    assert subprocess.run(up, capture_output=True, timeout=TIMEOUT_S, check=False).returncode == 0
    assert "current-context: corral" in users.read_text()


def acts_within_s(home: Home, limit_s: float) -> float | None:
    """After how many seconds the controllers have made the namespace `default` a service account; None if not within the limit."""
    cluster = home.require()
    tls = admin_tls(home.pki)
    began_s = time.monotonic()
    while (spent_s := time.monotonic() - began_s) < limit_s:
        with contextlib.suppress(urllib.error.HTTPError):
            url = f"{cluster.server}/api/v1/namespaces/default/serviceaccounts/default"
            urllib.request.urlopen(url, context=tls, timeout=TIMEOUT_S).close()
            return spent_s
        time.sleep(0.05)
    return None


def test_without_controllers_what_is_stored_stays_as_it_is(corral: Corral, home: Home) -> None:
    refused(corral("up", "--no-controllers"), "a node without controllers runs nothing")
    assert corral("up", "--no-node").returncode == 0
    usual_s = acts_within_s(home, TIMEOUT_S)
    assert usual_s is not None
    assert corral("down", "--purge").returncode == 0
    for words in (["--no-controllers"], []):
        assert corral("up", "--no-node", *words).returncode == 0
        assert acts_within_s(home, 2 + 2 * usual_s) is None
        assert corral("down").returncode == 0
    assert corral("up", "--no-node", "--controllers").returncode == 0
    assert acts_within_s(home, TIMEOUT_S) is not None


def test_interrupting_up_stops_what_it_started(corral: Corral, home: Home) -> None:
    argv = [*CORRAL, "up", "--no-node", "--no-merge", "--data-dir", str(home.root)]
    for _ in range(10):
        home.pid_file("server").unlink(missing_ok=True)  # Of the round before: Python must have begun before it is interrupted.
        # Where the tests run in the background, SIGINT is ignored; a user's `up` does not.
        heeding = ["env", "--default-signal=INT", *argv]
        up = subprocess.Popen(heeding, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not home.pid_file("server").exists() and up.poll() is None:
            time.sleep(0.01)
        up.send_signal(signal.SIGINT)
        _, said = up.communicate(timeout=TIMEOUT_S)
        if up.returncode != 0:  # On a busy machine it may have been done before it was interrupted.
            break
        corral("down")
    assert (up.returncode, "Traceback" in said) == (130, False), said
    assert Process.find(home.command("server")) is None


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_up_is_taken_over_by_the_next(corral: Corral, home: Home, seed: int) -> None:
    argv = [*CORRAL, "up", "--no-node", "--no-merge", "--data-dir", str(home.root)]
    up = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not home.logs.exists():
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0, 0.8))
    up.kill()
    up.wait()
    assert corral("up").returncode == 0
    assert answers(home)
    assert corral("down", "--purge").returncode == 0
    assert Process.find(home.command("server")) is None
    assert not home.root.exists()


def test_a_server_that_nobody_remembers_is_found(corral: Corral, home: Home) -> None:
    assert corral("up", "--no-node").returncode == 0
    process = home.process("server")
    home.pid_file("server").unlink()
    assert "already up" in corral("up").stdout
    home.pid_file("server").unlink()
    assert json.loads(corral("status", "-o", "json").stdout)["components"]["server"]["pid"] == process.pid
    home.pid_file("server").unlink()
    assert corral("down").returncode == 0
    assert not process.alive()


def test_a_context_that_was_lost_comes_back_with_up(home: Home, tmp_path: Path) -> None:
    environment = {**os.environ, "KUBECONFIG": str(tmp_path / "config")}
    argv = [*CORRAL, "up", "--no-node", "--name", "mine", "--data-dir", str(home.root)]
    for _ in range(2):
        subprocess.run(argv, env=environment, check=True, capture_output=True, timeout=TIMEOUT_S)
        assert "current-context: mine" in (tmp_path / "config").read_text()
        (tmp_path / "config").unlink()


def test_clusters_made_at_the_same_moment_take_different_ports(tmp_path: Path) -> None:
    homes = [tmp_path / str(i) for i in range(3)]
    ups = [
        subprocess.Popen([*CORRAL, "up", "--data-dir", str(h), "--no-node", "--no-merge"], stdout=subprocess.PIPE)
        for h in homes
    ]
    try:
        assert [up.wait(60) for up in ups] == [0, 0, 0]
        assert len({json.loads((h / "cluster.json").read_text())["port"] for h in homes}) == 3
    finally:
        for up, home in zip(ups, homes, strict=True):
            up.communicate()
            subprocess.run([*CORRAL, "down", "--data-dir", str(home), "--purge"], check=False, capture_output=True, timeout=60)


POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n"


def test_a_port_is_a_servers_before_it_listens_and_without_its_up(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an `up` that comes when another one has been killed would take the same."""
    monkeypatch.setattr(up, "write_credentials", lambda home, cluster: None)
    monkeypatch.setattr(Home, "command", lambda home, component: ["-c", "import time; time.sleep(60)"])
    home.make()
    free = free_port()
    local = "127.0.0.1"
    cluster = Cluster("c", free, 10250, local, local, "10.42.0.0/16", "10.43.0.0/16", node=False)
    process = up._start(home, cluster, ["server"])["server"].process
    try:
        assert not port_is_free(free)
    finally:
        process.stop(5)
    assert port_is_free(free)


def test_configuration_files_are_checked_and_taken_also_while_it_is_up(corral: Corral, home: Home, tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text(POLICY.replace("RequestResponse", "All"))
    refused(corral("up", "--no-node", "--config", str(policy)), "rules[0].level")
    assert not home.root.exists()
    assert corral("up", "--no-node").returncode == 0
    before = home.process("server")
    policy.write_text(POLICY)
    assert corral("up", "--config", str(policy)).returncode == 0
    assert (home.root / "config" / "audit-policy.yaml").read_text() == POLICY
    assert home.process("server") != before
    again = corral("up", "--config", str(policy))
    assert "already up" in again.stdout


def test_keys_are_rotated_while_it_is_up(corral: Corral, home: Home) -> None:
    assert corral("up", "--no-node").returncode == 0
    before = (home.pki / "encryption.key").read_text()
    for key in ("encryption", "service-accounts"):
        done = corral("rotate", key)
        assert done.returncode == 0 and "is up" in done.stdout, done.stderr
    assert (home.pki / "encryption.key").read_text().endswith(before)
    assert (home.pki / "sa-retired.pub").read_text().count("BEGIN PUBLIC KEY") == 1
