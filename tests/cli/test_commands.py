"""What `corral --help` shows is what there is, and every command can tell of itself."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from corral.cli.commands import COMMANDS, run
from corral.cli.layout import Cluster, Home


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_all_commands_for_users_are_listed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    run(words)
    said = capsys.readouterr().out
    assert all(command.what in said for command in COMMANDS)
    listed = [line.split("  ")[1] for line in said.splitlines() if line.startswith("  ")]
    assert listed == [command.words for command in COMMANDS if command.what]


def test_the_commands_of_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    run(["image"])
    said = capsys.readouterr().out
    assert "image build" in said and "image rm" in said and "doctor" not in said


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.words != "chart"], ids=lambda c: c.words)
def test_every_command_tells_how_it_is_used(command, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SystemExit) as left:
        run([*command.words.split(), "--help"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: corral {command.words}")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--version"])
    assert capsys.readouterr().out.startswith("corral 0.")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dwon"], 'unknown command "dwon", did you mean "down"?'),
        (["image", "bild"], 'unknown command "bild", did you mean "image build"?'),
        (["up", "--prot", "3"], 'there is no "--prot" here, did you mean "--port"?'),
        (["up", "--prot=3"], 'there is no "--prot=3" here, did you mean "--port"?'),
        (["down", "zzz"], 'there is no "zzz" here\n'),
    ],
)
def test_what_is_typed_wrong_is_told_with_what_may_be_meant(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run(words)
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_what_a_host_needs_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    found = []
    for form, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        with contextlib.suppress(SystemExit):  # Where something is missing.
            run(["doctor", "-o", form])
        found.append(read(capsys.readouterr().out))
    assert [f["check"] for f in found[0]] == [f["check"] for f in found[1]]


#: What a command that is there at once does without.
NOT_AT_ONCE = "aiohttp asyncio cryptography grpc inspect msgspec shutil ssl typing yaml corral.client corral.server corral.node"


@pytest.mark.parametrize("module", ["up", "down", "status", "logs", "kubeconfig", "image", "rotate", "doctor"])
def test_commands_load_little_before_they_do_something(module: str) -> None:
    program = f"import sys, corral.cli.commands, corral.cli.{module}; print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=True
    )
    assert not set(said.stdout.split()) & set(NOT_AT_ONCE.split())


def test_status_loads_little_to_the_end(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.save(Cluster("a", 6443, 10250, "0.0.0.0", "192.0.2.2", "10.128.0.0/16", "10.96.0.0/16", node=True))
    words = ["status", "--data-dir", str(tmp_path)]
    program = f"import sys, atexit; atexit.register(lambda: print(*sys.modules)); sys.argv[1:] = {words}; import corral.cli.main as m; m.main()"
    said = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=False
    )
    assert "a: down" in said.stdout, said.stderr
    assert not set(said.stdout.split()) & {*NOT_AT_ONCE.split(), "selectors", "socket", "subprocess"}
