"""Mistakes get one or two lines that say what to do, the right exit status, and leave nothing half done."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from corral.cli.layout import Cluster, Home
from corral.cli.main import main

LONGEST_LINES = 4  # Of a line or two, wrapped at 80 columns.


class Answer(NamedTuple):
    status: int
    said: str


Corral = Callable[..., Answer]


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for the sockets of a node below it, which pytest's own may not."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def corral(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Corral:
    """The command line, in this process; its user has a home of his own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["corral", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        assert said.out == ""
        assert "Traceback" not in said.err and len(said.err.splitlines()) <= LONGEST_LINES
        assert said.err.startswith("corral: ") and "\n  → " in said.err
        assert isinstance(left.value.code, int)
        return Answer(left.value.code, said.err)

    return run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], 'unknown command "nope"'),
        (["up", "--nope"], 'there is no "--nope" here'),
        (["up", "--port", "abc"], "argument --port: invalid int value: 'abc'"),
        (["up", "--wait", "soon"], "argument --wait: invalid float value: 'soon'"),
        (["logs", "nope"], "choose from"),
        (["image", "nope"], 'unknown command "nope"'),
        (["image", "build", "."], "--tag"),
        (["image", "load"], "required: ARCHIVE"),
        (["image", "rm"], "required: IMAGE"),
        (["status", "-o", "xml"], "xml"),
    ],
)
def test_a_wrong_command_line_is_status_2(corral: Corral, words: list[str], said: str) -> None:
    answer = corral(*words)
    assert answer.status == 2
    assert said in answer.said
    assert "--help" in answer.said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up", "--port", "0"], "0 is no port"),
        (["up", "--port", "99999"], "99999 is no port"),
        (["up", "--name", "Bad_Name"], "cannot name a cluster"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(corral: Corral, tmp_path: Path, words: list[str], said: str) -> None:
    answer = corral(*words, "--no-node", "--data-dir", tmp_path / "d")
    assert (answer.status, said in answer.said) == (1, True)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("words", [["down"], ["down", "--purge"], ["kubeconfig"], ["logs", "server"], ["image", "ls"]])
def test_where_there_is_no_cluster_it_is_said(corral: Corral, tmp_path: Path, words: list[str]) -> None:
    assert corral(*words, "--data-dir", tmp_path / "d").status == 1
    assert not (tmp_path / "d").exists()


def test_a_folder_that_cannot_be_made(corral: Corral, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("file", "file/d"):
        answer = corral("up", "--no-node", "--data-dir", tmp_path / folder)
        assert answer.status == 1
        assert "cannot make" in answer.said


def test_a_path_too_long_for_sockets(corral: Corral, tmp_path: Path) -> None:
    answer = corral("up", "--data-dir", tmp_path / ("x" * 100))
    assert (answer.status, "too long" in answer.said) == (1, True)
    assert not (tmp_path / ("x" * 100)).exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": 1}', '{"name": "a"}', "\x00\xff"])
@pytest.mark.parametrize("words", [["up", "--no-node"], ["down"], ["status"]])
def test_a_damaged_cluster_json(corral: Corral, tmp_path: Path, words: list[str], text: str) -> None:
    (tmp_path / "cluster.json").write_text(text)
    answer = corral(*words, "--data-dir", tmp_path)
    assert (answer.status, "is damaged" in answer.said) == (1, True)
    assert f"corral down --purge --data-dir {tmp_path}" in answer.said
    assert [p.name for p in tmp_path.iterdir()] == ["cluster.json"]


def test_a_damaged_cluster_can_be_purged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/cluster.json").write_text("{")
    monkeypatch.setattr(sys, "argv", ["corral", "down", "--purge", "--data-dir", str(tmp_path / "d")])
    main()
    assert "forgotten" in capsys.readouterr().out
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("text", [": : {", "- a list", "clusters: 3", "clusters: [3]", "users: [{}]"])
def test_a_damaged_kubeconfig_is_left_alone_and_no_cluster_is_made(corral: Corral, tmp_path: Path, text: str) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    answer = corral("up", "--no-node", "--data-dir", tmp_path / "d")
    assert answer.status == 1
    assert "kubeconfig" in answer.said and "--no-merge" in answer.said
    assert (tmp_path / "kubeconfig").read_text() == text
    assert not (tmp_path / "d").exists()


def test_another_name_for_a_folder(corral: Corral, tmp_path: Path) -> None:
    Home(tmp_path).save(Cluster("first", 6443, 10250, "127.0.0.1", "127.0.0.1", "10.128.0.0/16", "10.96.0.0/16", False))
    answer = corral("up", "--no-node", "--name", "second", "--data-dir", tmp_path)
    assert (answer.status, 'a cluster called "first"' in answer.said) == (1, True)


def test_missing_packages_are_named_with_the_command_that_installs_them(
    corral: Corral, tmp_path: Path, short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/apt-get").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    answer = corral("up", "--data-dir", short_path / "d")
    assert answer.status == 1
    assert "this host lacks containerd" in answer.said
    assert "→ apt-get install -y --no-install-recommends containerd" in answer.said
    assert not (short_path / "d").exists()


def test_pods_need_root(corral: Corral, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    answer = corral("up", "--data-dir", tmp_path / "d")
    assert (answer.status, "needs root" in answer.said, "--no-node" in answer.said) == (1, True, True)
    assert not (tmp_path / "d").exists()


def test_a_full_disk_is_said(corral: Corral, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = corral("up", "--no-node", "--no-merge", "--data-dir", tmp_path / "d")
    assert (answer.status, "No space left" in answer.said) == (1, True)
    assert not (tmp_path / "d").exists()
