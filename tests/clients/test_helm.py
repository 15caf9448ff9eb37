"""Helm 3.10, unmodified, against the API server: install, upgrade, rollback, hooks that need no pod, CRDs, uninstall."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]


@pytest.fixture
def chart(tmp_path: Path, run: Run) -> Path:
    """Helm's own starter chart."""
    run("helm", "create", "shop", namespace=False)
    return tmp_path / "shop"


def test_install_upgrade_rollback_uninstall(run: Run, chart: Path) -> None:
    told = run("helm", "install", "shop", str(chart), "--set", "replicaCount=0")
    assert "STATUS: deployed" in told
    assert json.loads(run("helm", "list", "-o", "json"))[0]["name"] == "shop"
    run("kubectl", "get", "deploy,svc,sa", "shop")
    run("helm", "upgrade", "shop", str(chart), "--set", "replicaCount=0,image.tag=2", "--wait", "--timeout", "30s")
    assert "nginx:2" in run("kubectl", "get", "deploy", "shop", "-o", "wide")
    run("helm", "rollback", "shop", "1", "--wait", "--timeout", "30s")
    assert "nginx:2" not in run("kubectl", "get", "deploy", "shop", "-o", "wide")
    history = json.loads(run("helm", "history", "shop", "-o", "json"))
    assert [h["revision"] for h in history] == [1, 2, 3]
    assert "kind: Deployment" in run("helm", "get", "manifest", "shop")
    run("helm", "uninstall", "shop", "--wait")
    assert "NotFound" in run("kubectl", "get", "deploy", "shop", code=1)


def test_capabilities_and_dry_run(run: Run, chart: Path) -> None:
    (chart / "templates" / "caps.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: caps}\ndata:\n"
        '  version: "{{ .Capabilities.KubeVersion.Minor }}"\n'
        '  deploy: "{{ .Capabilities.APIVersions.Has "apps/v1/Deployment" }}"\n'
        '  none: "{{ .Capabilities.APIVersions.Has "none.io/v1" }}"\n'
        '  self: "{{ dig "metadata" "name" "unknown" (lookup "v1" "Namespace" "" "default") }}"\n'
    )
    shown = run("helm", "install", "shop", str(chart), "--dry-run", "--set", "replicaCount=0")
    assert "HOOKS" in shown
    run("helm", "install", "shop", str(chart), "--set", "replicaCount=0")
    data = json.loads(run("kubectl", "get", "cm", "caps", "-o", "json"))["data"]
    assert data == {"version": "36", "deploy": "true", "none": "false", "self": "default"}


def test_a_broken_release_is_told_and_taken_back(run: Run, chart: Path) -> None:
    told = run("helm", "install", "shop", str(chart), "--set", "service.port=99999", code=1)
    assert "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive" in told
    told = run("helm", "install", "slow", str(chart), "--atomic", "--set", "replicaCount=1", "--timeout", "3s", code=1)
    assert "timed out waiting for the condition" in told
    assert [release["name"] for release in json.loads(run("helm", "list", "-o", "json", "-a"))] == ["shop"]


def test_definitions_come_first(run: Run, chart: Path, corral_namespace: str) -> None:
    group = f"{corral_namespace}.example.net"
    (chart / "crds").mkdir()
    (chart / "crds" / "crd.yaml").write_text(
        f"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: cups.{group}}}\n"
        f"spec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: cups, kind: Cup}}\n"
        "  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]\n"
    )
    (chart / "templates" / "cup.yaml").write_text(f"apiVersion: {group}/v1\nkind: Cup\nmetadata: {{name: one}}\n")
    run("helm", "install", "shop", str(chart), "--set", "replicaCount=0")
    assert "one" in run("kubectl", "get", f"cups.{group}")
    run("kubectl", "delete", "crd", f"cups.{group}", namespace=False)
