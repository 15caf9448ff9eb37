"""What a chart's files and facts look like from its templates."""

import pytest

from corral.charts.render import render
from corral.charts.render.objects import Files, capabilities
from corral.charts.render.scopes import ChartSource, templates_of

FILES = Files({"a.txt": b"one\ntwo\n", "conf/b.ini": b"[x]", "conf/deep/d.ini": b"q", "e.bin": b"\xff\x00", "empty.txt": b""})


def rendered(chart: ChartSource, values: dict[str, object] | None = None) -> dict[str, str]:
    return render(
        templates_of(chart, values or {}, {"Name": "r"}, capabilities("v1.25.0", lambda: ["v1", "apps/v1/Deployment"]))
    )


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("*", ["a.txt", "e.bin", "empty.txt"]),
        ("conf/*", ["conf/b.ini"]),
        ("conf/**", ["conf/b.ini", "conf/deep/d.ini"]),
        ("**.ini", ["conf/b.ini", "conf/deep/d.ini"]),
        ("{a,empty}.txt", ["a.txt", "empty.txt"]),
        ("[a-c].txt", ["a.txt"]),
        ("?.t[!y]t", ["a.txt"]),
        ("nope*", []),
        ("conf/[", list(FILES)),
    ],
)
def test_globs_are_those_of_gobwas(pattern: str, paths: list[str]) -> None:
    assert list(FILES.glob(pattern)) == paths


def test_files_are_read_whole_or_by_line() -> None:
    assert (FILES.get_text("a.txt"), FILES.lines("a.txt"), FILES.get_text("nope"), FILES.lines("nope")) == (
        "one\ntwo\n",
        ["one", "two", ""],
        "",
        [],
    )


def test_files_become_the_data_of_config_maps_and_secrets() -> None:
    assert FILES.glob("a.txt").as_config() == "a.txt: |\n  one\n  two"
    assert FILES.glob("e.bin").as_secrets() == "e.bin: /wA="
    assert FILES.glob("nope").as_config() == "{}"


def test_capabilities_tell_versions() -> None:
    text = '{{ with .Capabilities }}{{ .APIVersions.Has "apps/v1/Deployment" }} {{ .KubeVersion.Minor }}{{ end }}'
    assert rendered(ChartSource({"name": "c"}, {"templates/x": text})) == {"c/templates/x": "true 25"}


def test_a_subchart_shares_its_values_with_its_parent() -> None:
    child = ChartSource({"name": "db"}, {"templates/a": '{{ $_ := set .Values "seen" "yes" }}{{ .Chart.IsRoot }}'})
    parent = ChartSource({"name": "app"}, {"templates/b": "{{ .Values.db.seen }} {{ .Subcharts.db.Values.seen }}"}, {}, [child])
    made = rendered(parent, {"db": {"size": 1.0}})
    assert made == {"app/charts/db/templates/a": "false", "app/templates/b": "yes yes"}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("{{ .Capabilities.KubeVersion.Version }}", 0),
        ('{{ .Capabilities.APIVersions.Has "v1" }}{{ .Capabilities.APIVersions.Has "v2" }}', 1),
        ("{{ len .Capabilities.APIVersions }}", 1),
        ("{{ .Capabilities | toJson }}", 1),
    ],
)
def test_the_versions_of_a_cluster_are_asked_for_once_when_a_template_wants_them(text: str, asked: int) -> None:
    calls = []

    def ask() -> list[str]:
        calls.append(1)
        return ["v1"]

    chart = ChartSource({"name": "c"}, {"templates/a.yaml": text}, {}, [], "c")
    assert render(templates_of(chart, {}, {"Name": "r"}, capabilities("v1.25.0", ask)))["c/templates/a.yaml"]
    assert len(calls) == asked
