"""The tutorial's chart with real containers: two releases side by side, each Service reaching its own pods."""

import json
import subprocess

import pytest
from tests.cluster.conftest import CORRAL, fetch, run
from tests.waiting import eventually


@pytest.fixture
def chart(cluster, namespace, tmp_path):
    """`corral chart` in the test's namespace; the outcome of the process."""
    run(*CORRAL, "chart", "create", str(tmp_path / "web"))

    def call(*words, check=True):
        where = ["--kubeconfig", str(cluster.data_dir / "kubeconfig"), "-n", namespace]
        done = subprocess.run(
            [*CORRAL, "chart", *words, *where], capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path
        )
        assert not check or done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done

    return call


def image(tag):
    return ["--set", f"image.repository=corral.local/web,image.tag={tag},image.pullPolicy=Never"]


def pods(kubectl, release):
    found = json.loads(kubectl("get", "pods", "-l", f"app.kubernetes.io/instance={release}", "-o", "json"))["items"]
    return [p for p in found if not p["metadata"].get("deletionTimestamp")]


def test_two_releases_side_by_side(chart, kubectl):
    for release, tag in (("blue", 1), ("green", 2)):
        assert "STATUS: deployed" in chart("install", release, "web", *image(tag), "--wait").stdout

    def answer(release):
        ip = kubectl("get", "service", f"{release}-web", "-o", "jsonpath={.spec.clusterIP}")
        return eventually(lambda: fetch(f"http://{ip}"))

    assert "version 1" in answer("blue")
    assert "version 2" in answer("green")
    chart("upgrade", "blue", "web", "--reuse-values", "--set", "replicaCount=3", "--wait")
    assert len(pods(kubectl, "blue")) == 3
    assert len(pods(kubectl, "green")) == 1
    chart("upgrade", "blue", "web", "--reuse-values", *image(2), "--wait")
    assert "version 2" in answer("blue")
    chart("rollback", "blue", "1", "--wait")
    assert "version 1" in answer("blue")
    rows = json.loads(chart("list", "-o", "json").stdout)
    assert [(r["name"], r["revision"], r["status"]) for r in rows] == [("blue", "4", "deployed"), ("green", "1", "deployed")]
    chart("delete", "--purge", "blue")
    chart("uninstall", "green", "--wait")
    assert json.loads(chart("list", "-a", "-o", "json").stdout) == []
    eventually(lambda: not pods(kubectl, "blue") + pods(kubectl, "green"))


def pod(name, script, hook=""):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "annotations": {"helm.sh/hook": hook} if hook else {}},
        "spec": {
            "restartPolicy": "Never" if hook else "Always",
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {"name": "main", "image": "corral.local/busybox:1", "imagePullPolicy": "Never", "command": ["sh", "-c", script]}
            ],
        },
    }


def write(tmp_path, name, *manifests):
    folder = tmp_path / name
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n")
    for i, manifest in enumerate(manifests):
        (folder / f"templates/{i}.yaml").write_text(json.dumps(manifest))
    return name


def test_a_release_that_does_not_come_up_says_why(chart, tmp_path, kubectl):
    broken = pod("broken", "echo no database here; exit 3")
    broken["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["false"]}, "periodSeconds": 1}
    name = write(tmp_path, "broken", broken)
    done = chart("install", "a", name, "--atomic", "--timeout", "4s", check=False)
    assert done.returncode == 1
    assert "release a failed, and has been uninstalled due to atomic being set: timed out waiting" in done.stderr
    assert "exit code 3" in done.stderr
    assert "no database here" in done.stderr
    assert json.loads(chart("list", "-a", "-o", "json").stdout) == []
    absent = pod("missing", "true")
    absent["spec"]["containers"][0]["image"] = "corral.local/nope:1"
    missing = write(tmp_path, "missing", absent)
    done = chart("install", "a", missing, "--wait", "--timeout", "3s", check=False)
    assert "ErrImageNeverPull" in done.stderr


def test_hooks_and_tests_run_to_their_end(chart, tmp_path, kubectl):
    before = pod("before", "echo first; exit 0", "pre-install")
    good, bad = pod("good", "echo all is well", "test"), pod("bad", "echo it is not; exit 1", "test")
    name = write(tmp_path, "hooked", before, good, bad, pod("main", "sleep 1000"))
    chart("install", "a", name, "--wait")
    assert kubectl("get", "pod", "before", "-o", "jsonpath={.status.phase}") == "Succeeded"
    done = chart("test", "a", "--filter", "name=good", "--logs")
    assert "Phase:          Succeeded" in done.stdout
    assert "all is well" in done.stdout
    done = chart("test", "a", "--filter", "name=bad", check=False)
    assert done.returncode == 1
    assert "pod bad failed" in done.stderr
    failing = write(tmp_path, "failing", pod("never", "echo cannot migrate; exit 4", "pre-install"), pod("real", "sleep 1000"))
    done = chart("install", "b", failing, check=False)
    assert "failed pre-install: pod never failed" in done.stderr
    assert "cannot migrate" in done.stderr
    assert "real" not in kubectl("get", "pods", "-o", "name")
