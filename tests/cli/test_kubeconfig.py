"""The user's kubeconfig gains and loses a context, and keeps everything else."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from corral.base.errors import CorralError
from corral.cli.kubeconfig import merge, remove


def config(name: str, server: str = "https://127.0.0.1:6443") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def test_merging_keeps_other_contexts_and_makes_the_new_one_current(tmp_path: Path) -> None:
    path = tmp_path / "kube" / "config"
    merge(path, config("theirs"))
    merge(path, config("corral"))
    merged = yaml.safe_load(path.read_text())
    assert [c["name"] for c in merged["contexts"]] == ["theirs", "corral"]
    assert merged["current-context"] == "corral"
    assert path.stat().st_mode & 0o777 == 0o600


def test_merging_again_replaces(tmp_path: Path) -> None:
    path = tmp_path / "config"
    merge(path, config("corral"))
    merge(path, config("corral", "https://127.0.0.1:7443"))
    clusters = yaml.safe_load(path.read_text())["clusters"]
    assert clusters == [{"name": "corral", "cluster": {"server": "https://127.0.0.1:7443"}}]


def test_removing_takes_only_its_own(tmp_path: Path) -> None:
    path = tmp_path / "config"
    merge(path, config("theirs"))
    merge(path, config("corral"))
    remove(path, "corral")
    left = yaml.safe_load(path.read_text())
    assert [c["name"] for c in left["clusters"]] == ["theirs"]
    assert left["current-context"] == ""


def test_a_file_that_is_no_kubeconfig_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("- a list\n")
    with pytest.raises(CorralError, match="not a kubeconfig"):
        merge(path, config("corral"))
    assert path.read_text() == "- a list\n"
