"""Flags as pflag reads them; the wrong ones are told in its words."""

import re
import subprocess
from importlib import import_module

import pytest
from tests.charts.render import helm

from corral.cli.chart import main
from corral.cli.chart.flags import Flag, UsageError, described, duration, parse

#: Commands that are ours alone, or newer than the Helm that is compared with.
NOT_HELMS = ("diff", "get metadata")
FLAGS = (
    Flag("wait", "bool", "wait", "w"),
    Flag("name", "string", "a name", "n"),
    Flag("max", "int", "so many", default=10),
    Flag("timeout", "duration", "how long", default=300.0),
    Flag("set", "array", "values"),
    Flag("values", "strings", "files", "f"),
    Flag("secret-one", "string", "not shown", hidden=True),
)


def values(*words: str) -> dict[str, object]:
    parsed = parse(FLAGS, words)
    return {k: v for k, v in parsed.values.items() if v not in (False, "", [], 10, 300.0)}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("", {}),
        ("--wait", {"wait": True}),
        ("--wait=false --name=a", {"name": "a"}),
        ("--wait=1 --wait=T", {"wait": True}),
        ("--name a=b", {"name": "a=b"}),
        ("--name=", {}),
        ("--name -x", {"name": "-x"}),
        ("-w -n a", {"wait": True, "name": "a"}),
        ("-wna", {"wait": True, "name": "a"}),
        ("-wn=a", {"wait": True, "name": "a"}),
        ("-na=b", {"name": "a=b"}),
        ("-w=false", {}),
        ("--max 3", {"max": 3}),
        ("--max=-3", {"max": -3}),
        ("--timeout 1h30m", {"timeout": 5400.0}),
        ("--set a=1,b=2 --set c=3", {"set": ["a=1,b=2", "c=3"]}),
        ("-f a.yaml,b.yaml -f c.yaml", {"values": ["a.yaml", "b.yaml", "c.yaml"]}),
        ('-f "a,b",c', {"values": ["a,b", "c"]}),
        ("--secret-one x", {"secret_one": "x"}),
    ],
)
def test_what_is_read(words: str, wanted: dict[str, object]) -> None:
    assert values(*words.split()) == wanted


def test_flags_stand_anywhere_and_the_last_one_wins() -> None:
    parsed = parse(FLAGS, ["one", "-n", "a", "two", "--name", "b", "-"])
    assert parsed.arguments == ["one", "two", "-"]
    assert parsed.values["name"] == "b"
    assert parsed.given == {"-n", "--name"}


def test_behind_two_dashes_are_arguments() -> None:
    assert parse(FLAGS, ["a", "--", "--wait", "-n"]).arguments == ["a", "--wait", "-n"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--nope", "unknown flag: --nope"),
        ("-x", "unknown shorthand flag: 'x' in -x"),
        ("-wx", "unknown shorthand flag: 'x' in -wx"),
        ("--name", "flag needs an argument: --name"),
        ("-wn", "flag needs an argument: 'n' in -wn"),
        ("--wait=maybe", 'invalid argument "maybe" for "-w, --wait" flag: strconv.ParseBool: parsing "maybe": invalid syntax'),
        ("--max x", 'invalid argument "x" for "--max" flag: strconv.ParseInt: parsing "x": invalid syntax'),
        ("--timeout 5", 'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"'),
        ("--timeout 5x", 'invalid argument "5x" for "--timeout" flag: time: unknown unit "x" in duration "5x"'),
        ("--timeout x", 'invalid argument "x" for "--timeout" flag: time: invalid duration "x"'),
    ],
)
def test_what_is_refused(words: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        values(*words.split())
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1s", 1),
        ("1m", 60),
        ("1.5h", 5400),
        ("1h1m1s", 3661),
        ("500ms", 0.5),
        ("-2s", -2),
        (".5s", 0.5),
        ("+1us", 1e-6),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "1", "1s2", "1 s", "--1s", "1e3s", "h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="time: "):
        duration(text)


def test_help_shows_each_flag_but_the_hidden() -> None:
    text = described(FLAGS)
    assert "  -n, --name TEXT      a name" in text
    assert "--max N          so many (default 10)" in text
    assert "(default 5m0s)" in text
    assert "secret" not in text


@pytest.mark.parametrize("words", [words for words, _, _ in main.COMMANDS])
def test_no_command_has_a_flag_twice(words: str) -> None:
    module = import_module(f"corral.cli.chart.{next(m for w, m, _ in main.COMMANDS if w == words)}")
    flags = (*main.GLOBAL, *main.flags_of(module, words))
    names = [flag.name for flag in flags]
    shorts = [flag.short for flag in flags if flag.short]
    assert len(set(names)) == len(names)
    assert len(set(shorts)) == len(shorts)
    assert words.split(maxsplit=1)[0] in main.help_of(module, words)


@pytest.mark.skipif(helm.find() is None, reason="no Helm here: scripts/setup --dev gets it")
@pytest.mark.parametrize("words", [words for words, _, _ in main.COMMANDS if words not in NOT_HELMS])
def test_every_flag_of_helm_is_taken(words: str) -> None:
    said = subprocess.run([str(helm.find()), *words.split(), "--help"], capture_output=True, text=True, check=True).stdout
    module = import_module(f"corral.cli.chart.{next(m for w, m, _ in main.COMMANDS if w == words)}")
    ours = {flag.name: flag.short for flag in (*main.GLOBAL, *main.flags_of(module, words))} | {"help": "h"}
    theirs = re.findall(r"^ +(?:-(\w), )?--([a-z0-9-]+)", said, re.MULTILINE)
    assert theirs
    for short, name in theirs:
        assert name in ours
        assert not short or ours[name] == short
