"""Commands that are told to stop, or are killed, in the middle of a wait: what they leave, and the way out of it."""

import json
import signal
import subprocess
import sys
import time

import pytest

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
"""
NEVER_READY, READY = "replicas=1", "replicas=0"  # there is no node


@pytest.fixture
def chart(make):
    return str(make("web", {"values.yaml": "replicas: 0\n", "templates/a.yaml": DEPLOYMENT}))


@pytest.fixture
def waiting(there, corral):
    """Start `corral chart`; when the Deployment wants a pod that will never be, the command waits for it."""
    started = []

    def start(*words):
        # A shell's background jobs ignore SIGINT, and so would what the tests start there.
        command = ["env", "--default-signal=INT", sys.executable, "-m", "corral", "chart", *words, "--wait"]
        program = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(program)
        for _ in range(600):
            assert program.poll() is None, program.communicate()
            found = corral.request("GET", f"/apis/apps/v1/namespaces/{there}/deployments")["items"]
            if any(d["metadata"]["name"] == f"{words[1]}-web" and d["spec"]["replicas"] == 1 for d in found):
                return program
            time.sleep(0.05)
        raise AssertionError("no Deployment")

    yield start
    for program in started:
        program.kill()
        program.communicate()


def statuses(program, name="a"):
    return [r["status"] for r in json.loads(program("history", name, "-o", "json").out)]


def ended(program, how):
    program.send_signal(how)
    out, err = program.communicate(timeout=60)
    assert "Traceback" not in err
    return program.returncode, out, err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_install_that_is_stopped_has_failed(how, waiting, chart, corral_chart, helm):
    code, _, err = ended(waiting("install", "a", chart, "--set", NEVER_READY), how)
    assert code == 1 and "Error: INSTALLATION FAILED: context canceled" in err
    assert statuses(helm) == ["failed"]
    assert helm("upgrade", "a", chart, "--set", READY).code == 0


def test_an_atomic_install_that_is_stopped_leaves_nothing(waiting, chart, there, corral):
    code, _, err = ended(waiting("install", "a", chart, "--set", NEVER_READY, "--atomic"), signal.SIGINT)
    assert code == 1 and "has been uninstalled due to atomic being set: context canceled" in err
    assert corral.request("GET", f"/apis/apps/v1/namespaces/{there}/deployments")["items"] == []
    assert corral.request("GET", f"/api/v1/namespaces/{there}/secrets")["items"] == []


def test_an_upgrade_that_is_stopped(waiting, chart, corral_chart, there, corral):
    corral_chart("install", "a", chart)
    code, _, err = ended(waiting("upgrade", "a", chart, "--set", NEVER_READY), signal.SIGTERM)
    assert code == 1 and "Error: UPGRADE FAILED: context canceled" in err
    assert statuses(corral_chart) == ["deployed", "failed"]
    corral_chart("upgrade", "a", chart)
    code, _, err = ended(waiting("upgrade", "a", chart, "--set", NEVER_READY, "--atomic"), signal.SIGINT)
    assert code == 1 and "has been rolled back due to atomic being set: context canceled" in err
    assert statuses(corral_chart) == ["superseded", "failed", "superseded", "failed", "deployed"]
    found = corral.request("GET", f"/apis/apps/v1/namespaces/{there}/deployments/a-web")
    assert found["spec"]["replicas"] == 0


def test_a_rollback_that_is_stopped(waiting, chart, corral_chart):
    corral_chart("install", "a", chart, "--set", NEVER_READY)
    corral_chart("upgrade", "a", chart, "--set", READY)
    code, _, err = ended(waiting("rollback", "a", "1"), signal.SIGINT)
    assert code == 1 and "Error: release a failed: context canceled" in err
    assert statuses(corral_chart) == ["superseded", "deployed", "failed"]


def test_what_a_killed_command_leaves_either_can_take_over(waiting, chart, corral_chart, helm):
    ended(waiting("install", "a", chart, "--set", NEVER_READY), signal.SIGKILL)
    ended(waiting("install", "b", chart, "--set", NEVER_READY), signal.SIGKILL)
    for program, name in ((corral_chart, "a"), (helm, "b")):
        assert statuses(program, name) == ["pending-install"]
        again = program("install", name, chart)
        assert again.code == 1 and "cannot re-use a name that is still in use" in again.err
        upgrade = program("upgrade", name, chart)
        assert "another operation (install/upgrade/rollback) is in progress" in upgrade.err
        assert program("uninstall", name).code == 0
        assert program("install", name, chart).code == 0
    ended(waiting("upgrade", "a", chart, "--set", NEVER_READY), signal.SIGKILL)
    ended(waiting("upgrade", "b", chart, "--set", NEVER_READY), signal.SIGKILL)
    for program, name in ((corral_chart, "a"), (helm, "b")):
        assert statuses(program, name) == ["deployed", "pending-upgrade"]
        assert program("rollback", name).code == 0
        assert program("upgrade", name, chart).code == 0
