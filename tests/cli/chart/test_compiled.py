"""Compiled templates between commands: used where they are the user's own, compiled again where they are not."""

import marshal
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from corral.charts.render import RenderError, Template, compiler, render, units
from corral.charts.render.branches import MIN_NODES
from corral.cli.chart import compiled

TEXTS = {"c/templates/a.yaml": "a: {{ .x }}{{ tpl .y . }}", "c/templates/_h.tpl": '{{ define "h" }}{{ .x }}{{ end }}'}
SCOPE = {"x": "1", "y": '{{ include "h" . }}', "Template": {"Name": "c/templates/a.yaml", "BasePath": "c/templates"}}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/corral/templates"


def rendered(texts: dict[str, str] = TEXTS) -> str:
    """As a command does it, which knows nothing yet."""
    units.forget()
    with compiled.Known("/charts/c"):
        return render({name: Template(text, dict(SCOPE), "c/templates") for name, text in texts.items()})["c/templates/a.yaml"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that are compiled from now on."""
    made: list[str] = []
    whole = compiler.whole

    def noted(tree):  # type: ignore[no-untyped-def]
        made.append(tree.name)
        return whole(tree)

    monkeypatch.setattr(compiler, "whole", noted)
    return made


def test_what_was_compiled_once_is_not_compiled_again(cache: Path, made: list[str]) -> None:
    assert rendered() == "a: 11"
    assert len(made) == 3  # the file, what it includes, and what tpl was given
    made.clear()
    assert rendered() == "a: 11"
    assert made == ["c/templates/a.yaml"]  # what tpl was given
    (file,) = cache.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert cache.stat().st_mode & 0o777 == 0o700


def test_a_branch_that_is_taken_later_is_kept_from_then_on(cache: Path, made: list[str]) -> None:
    branch = "{{ .x }}" * MIN_NODES
    texts = {"c/templates/a.yaml": f"{{{{ if .x }}}}{branch}{{{{ end }}}}"}

    def once(x: str) -> str:
        made.clear()
        units.forget()
        with compiled.Known("/charts/c"):
            return render({name: Template(text, {"x": x}, "c/templates") for name, text in texts.items()})["c/templates/a.yaml"]

    assert (once(""), len(made)) == ("", 1)
    assert (once(""), len(made)) == ("", 0)
    assert (once("1"), len(made)) == ("1" * MIN_NODES, 1)
    assert (once("2"), len(made)) == ("2" * MIN_NODES, 0)


def test_what_tpl_is_given_is_not_kept(cache: Path) -> None:
    """Values are in it: passwords, too."""
    texts = {"c/templates/a.yaml": '{{ tpl (printf "%s{{ .x }}" .x) . }}'}
    scope = {**SCOPE, "x": "hunter2"}
    units.forget()
    with compiled.Known("/charts/c"):
        assert render({name: Template(text, dict(scope), "c/templates") for name, text in texts.items()})
    (file,) = cache.iterdir()
    assert b"printf" in file.read_bytes()
    assert b"hunter2" not in file.read_bytes()


def test_a_file_holds_the_texts_of_its_chart_only(cache: Path, made: list[str]) -> None:
    """Where several are rendered in one process, too."""
    shared, first, second = "{{ .x }}", "first: {{ .x }}", "second: {{ .x }}"

    def both() -> list[bytes]:
        made.clear()
        units.forget()
        for chart, own in (("/charts/a", first), ("/charts/b", second)):
            with compiled.Known(chart):
                render({name: Template(text, {"x": "1"}, "") for name, text in (("s.yaml", shared), ("o.yaml", own))})
        return [file.read_bytes() for file in sorted(cache.iterdir())]

    kept = both()
    assert [text.encode() in data for data in kept for text in (shared, first, second)] == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]
    assert len(made) == 3
    times = [file.stat().st_mtime_ns for file in sorted(cache.iterdir())]
    assert both() == kept and made == []
    assert [file.stat().st_mtime_ns for file in sorted(cache.iterdir())] == times


def test_each_version_of_python_keeps_its_own(cache: Path, made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    rendered()
    other = SimpleNamespace(implementation=SimpleNamespace(cache_tag="other-1"), version="other")
    with monkeypatch.context() as patched:
        patched.setattr(compiled, "sys", other)
        rendered()
    assert {file.suffix for file in cache.iterdir()} == {f".{sys.implementation.cache_tag}", ".other-1"}
    made.clear()
    rendered()
    assert made == ["c/templates/a.yaml"]  # what tpl was given


def test_a_text_that_was_changed_is_compiled(made: list[str]) -> None:
    rendered()
    made.clear()
    assert rendered({**TEXTS, "c/templates/a.yaml": "b: {{ .x }}"}) == "b: 1"
    assert made == ["c/templates/a.yaml"]


def test_errors_name_their_place_in_what_was_kept() -> None:
    texts = {"c/templates/a.yaml": "ok: {{ .x }}\n{{ index .x 7 }}"}
    messages = []
    for _ in range(2):
        with pytest.raises(Exception, match="index out of range") as caught:
            rendered(texts)
        messages.append(str(caught.value))
        rendered({"c/templates/a.yaml": "{{ .x }}", **{"c/templates/b.yaml": texts["c/templates/a.yaml"].replace("7", "0")}})
    assert messages[0] == messages[1]


def test_any_name_of_a_template_can_fail_in_what_was_kept() -> None:
    text = "".join(f'{{{{ define "{name}" }}}}x{{{{ end }}}}' for name in ("\\x00", "-", "--")) + "{{ index .x .n }}"
    for n in (0, 7):
        units.forget()
        with compiled.Known("/charts/c"):
            template = {"a.yaml": Template(text, {"x": "1", "n": n}, "")}
            if n == 0:
                render(template)
                continue
            with pytest.raises(RenderError, match="index out of range: 7"):
                render(template)


@pytest.mark.parametrize("spoil", ["mode", "link", "garbage", "cut", "older", "large"])
def test_what_is_not_as_expected_is_passed_over(
    cache: Path, made: list[str], spoil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered()
    (file,) = cache.iterdir()
    evil = ("", {TEXTS["c/templates/a.yaml"]: [(None, False, None)]})
    if spoil == "mode":
        file.chmod(0o666)
    elif spoil == "link":
        file.rename(cache.parent / "elsewhere")
        file.symlink_to(cache.parent / "elsewhere")
    elif spoil == "garbage":
        file.write_bytes(b"\0" * 64)
    elif spoil == "cut":
        file.write_bytes(file.read_bytes()[:-20])
    elif spoil == "older":
        file.write_bytes(marshal.dumps(evil) + b"corral.")
    else:
        monkeypatch.setattr(compiled, "MAX_BYTES", 10)
    made.clear()
    assert rendered() == "a: 11"
    assert len(made) == 3


def test_a_folder_that_others_can_write_to_is_not_used(cache: Path) -> None:
    rendered()
    (file,) = cache.iterdir()
    file.unlink()
    cache.chmod(0o777)
    assert rendered() == "a: 11"
    assert list(cache.iterdir()) == []


def test_a_place_that_others_can_replace_is_not_used(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "cache").mkdir(0o700)
    tmp_path.chmod(0o777)
    assert rendered() == "a: 11"
    assert not cache.exists()
    tmp_path.chmod(0o1777)  # as /tmp is
    assert rendered() == "a: 11"
    assert len(list(cache.iterdir())) == 1
    cache.parent.chmod(0o775)
    assert rendered({**TEXTS, "c/templates/a.yaml": "b: {{ .x }}"}) == "b: 1"
    (file,) = cache.iterdir()
    assert b"b: {{" not in file.read_bytes()


def test_folders_are_made_for_the_user_alone(cache: Path) -> None:
    before = os.umask(0)
    try:
        rendered()
    finally:
        os.umask(before)
    assert {folder.stat().st_mode & 0o777 for folder in (cache, cache.parent, cache.parent.parent)} == {0o700}


def test_a_link_that_another_made_leads_nowhere(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under sudo with the user's HOME: `~/.cache` can lead to a folder of root's at first, and elsewhere then."""
    (tmp_path / "own").mkdir(0o700)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.cache").symlink_to(tmp_path / "own")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home/.cache"))
    assert rendered() == "a: 11"
    assert (tmp_path / "own/corral/templates").is_dir()  # one's own link is followed, to the place that it means now
    (tmp_path / "own/corral").rename(tmp_path / "own/moved")
    (tmp_path / "own/corral").symlink_to(tmp_path / "own/moved")
    monkeypatch.setattr(compiled, "_write", None)
    assert rendered({**TEXTS, "c/templates/a.yaml": "b: {{ .x }}"}) == "b: 1"


def test_a_corral_without_sources_keeps_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "_SOURCES", ("nothing",))
    assert rendered() == "a: 11"
    assert not list(cache.glob("*"))


def test_where_there_is_no_place_nothing_is_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("XDG_CACHE_HOME", ""), ("HOME", "")):
        monkeypatch.setenv(name, value)
    assert rendered() == "a: 11"
    assert not cache.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to have another's folder")
def test_root_leaves_nothing_in_the_cache_of_another(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "cache").mkdir()
    os.chown(tmp_path / "cache", 12345, 12345)
    assert rendered() == "a: 11"
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_oldest_files_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MAX_FILES", 2)
    for i in range(4):
        units.forget()
        with compiled.Known(f"/charts/{i}"):
            render({"c/templates/a.yaml": Template(f"{i}{{{{ .x }}}}", dict(SCOPE), "")})
        for file in cache.iterdir():
            os.utime(file, (1000 + i, 1000 + i)) if file.stat().st_mtime > 10_000 else None
    assert sorted(int(file.stat().st_mtime) for file in cache.iterdir()) == [1002, 1003]
