"""The engine as a whole: order, includes, tpl, errors, bounds."""

from collections.abc import Callable
from typing import Any

import pytest

from corral.charts.render import Options, RenderError, Template, render
from corral.charts.render.objects import capabilities
from corral.charts.render.scopes import ChartSource, templates_of

RELEASE = {"Name": "r", "Namespace": "default", "Revision": 1, "IsInstall": True, "IsUpgrade": False, "Service": "Helm"}


def rendered(templates: dict[str, str], values: dict[str, Any] | None = None, options: Options | None = None) -> dict[str, str]:
    chart = ChartSource({"name": "app", "version": "0.1.0"}, {f"templates/{name}": text for name, text in templates.items()})
    made = render(templates_of(chart, values or {}, RELEASE, capabilities("v1.25.0", lambda: ["v1"])), options)
    return {path.removeprefix("app/templates/"): text for path, text in made.items()}


def one(text: str, values: dict[str, Any] | None = None, options: Options | None = None) -> str:
    return rendered({"x.yaml": text}, values, options)["x.yaml"]


def failure(act: Callable[[], object]) -> RenderError:
    with pytest.raises(RenderError) as caught:
        act()
    return caught.value


def test_partials_have_no_output() -> None:
    made = rendered({"_x.tpl": '{{ define "x" }}X{{ end }}', "y.yaml": '{{ include "x" . }}'})
    assert made == {"y.yaml": "X"}


def test_a_parent_hides_what_a_subchart_defines() -> None:
    child = ChartSource({"name": "db"}, {"templates/a.yaml": '{{ define "n" }}child{{ end }}{{ include "n" . }}'})
    parent = ChartSource({"name": "app"}, {"templates/b.yaml": '{{ define "n" }}parent{{ end }}'}, {}, [child])
    made = render(templates_of(parent, {}, RELEASE, capabilities("v1.25.0", list)))
    assert made["app/charts/db/templates/a.yaml"] == "parent"


def test_a_subchart_sees_its_own_values_and_global() -> None:
    child = ChartSource({"name": "db"}, {"templates/a.yaml": "{{ .Values.size }} {{ .Chart.Name }} {{ .Template.BasePath }}"})
    parent = ChartSource({"name": "app"}, {}, {}, [child])
    made = render(templates_of(parent, {"db": {"size": 3.0}}, RELEASE, capabilities("v1.25.0", list)))
    assert made == {"app/charts/db/templates/a.yaml": "3 db app/charts/db/templates"}


def test_a_library_gives_only_partials() -> None:
    library = ChartSource(
        {"name": "lib", "type": "library"}, {"templates/_l.tpl": '{{ define "l" }}L{{ end }}', "templates/x.yaml": "x"}
    )
    parent = ChartSource({"name": "app"}, {"templates/b.yaml": '{{ include "l" . }}'}, {}, [library])
    assert render(templates_of(parent, {}, RELEASE, capabilities("v1.25.0", list))) == {"app/templates/b.yaml": "L"}


def test_errors_name_the_place() -> None:
    error = failure(lambda: one("a\n  é{{ .Values.x.y }}"))
    expected = 'template: app/templates/x.yaml:2:14: executing "app/templates/x.yaml" at <.Values.x.y>: nil pointer evaluating'
    assert error.message == f"{expected} interface {{}}.y"
    assert (error.path, error.line, error.column) == ("app/templates/x.yaml", 2, 14)


def test_a_syntax_error_names_the_line() -> None:
    error = failure(lambda: one("a\n{{ nope }}"))
    assert error.message == 'parse error at (app/templates/x.yaml:2): function "nope" not defined'
    assert (error.path, error.line) == ("app/templates/x.yaml", 2)


def test_fail_and_required_tell_only_their_message() -> None:
    assert failure(lambda: one('{{ fail "no: way" }}')).message == "execution error at (app/templates/x.yaml:1:3): no: way"
    assert failure(lambda: one('{{ required "x!" nil }}')).message == "execution error at (app/templates/x.yaml:1:3): x!"


def test_lint_lets_fail_and_required_pass() -> None:
    told: list[str] = []
    assert one('{{ fail "no" }}[{{ required "x" nil }}]', options=Options(lint=told.append)) == "[]"
    assert told == ["[INFO] Fail: no", "[INFO] Missing required value: x"]


def test_strict_wants_each_key() -> None:
    error = failure(lambda: one("{{ .Values.x }}", options=Options(strict=True)))
    assert error.message.endswith('at <.Values.x>: map has no entry for key "x"')


def test_an_include_within_itself_ends() -> None:
    error = failure(lambda: one('{{ define "x" }}{{ include "x" . }}{{ end }}{{ include "x" . }}'))
    assert error.message.endswith("rendering template has a nested reference name: x: unable to execute template")


def test_a_template_within_itself_ends() -> None:
    error = failure(lambda: one('{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}'))
    assert error.message.endswith("exceeded maximum template depth (100000)")


def test_tpl_within_itself_ends() -> None:
    error = failure(lambda: one("{{ tpl .Values.t . }}", {"t": "{{ tpl .Values.t . }}"}))
    assert error.message.endswith("tpl is called within itself more than 250 times")


def test_endless_work_ends() -> None:
    nested = "{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}"
    assert "more than 100000 steps" in failure(lambda: one(nested, options=Options(max_steps=100_000))).message


def test_endless_output_ends() -> None:
    big = "{{ range until 100000 }}" + "x" * 1000 + "{{ end }}"
    assert "more than 1000000 characters" in failure(lambda: one(big, options=Options(max_output=1_000_000))).message


@pytest.mark.parametrize(
    "text",
    [
        '{{ repeat 1000000000 "xx" }}',
        "{{ until 1000000000 }}",
        '{{ indent 1000000000 "x" }}',
        '{{ $x := "xxxxxxxx" }}{{ range until 40 }}{{ $x = print $x $x }}{{ end }}',
        "{{ $x := list 1 2 }}{{ range until 40 }}{{ $x = concat $x $x }}{{ end }}",
    ],
)
def test_endless_values_end(text: str) -> None:
    assert "more than" in failure(lambda: one(text)).message


DOUBLED = '{{ $x := "a" }}{{ range until 60 }}{{ $x = dict "a" $x "b" $x }}{{ end }}'
GROWING = {
    "toYaml": DOUBLED + "{{ toYaml $x }}",
    "toJson": DOUBLED + "{{ toJson $x }}",
    "toToml": DOUBLED + "{{ toToml $x }}",
    "toToml of lists": '{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}{{ toToml (dict "a" $x) }}',
    "print": DOUBLED + "{{ $x }}",
    "deepCopy": DOUBLED + "{{ deepCopy $x }}",
    "merge": '{{ $x := dict "q" 1 }}{{ range until 60 }}{{ $x = merge (dict "a" $x) (dict "b" $x) $x }}{{ end }}',
    "wrapWith": '{{ wrapWith 1 (repeat 1000 "y") (repeat 1000 "x") }}',
    "regexReplaceAll": '{{ regexReplaceAll "x" (repeat 2000 "x") "y" }}',
}


@pytest.mark.parametrize("name", GROWING)
def test_what_would_grow_without_end_is_refused(name, monkeypatch):
    from corral.charts.render import regexes, visits
    from corral.charts.render.functions import strings

    monkeypatch.setattr(visits, "MAX_IN_CALL", 1000)
    monkeypatch.setattr(regexes, "MAX_MATCHES", 1000)
    monkeypatch.setattr(strings, "_MAX_REPEAT", 100_000)
    with pytest.raises(RenderError, match=r"values|times|characters"):
        render({"x/templates/a.yaml": Template(GROWING[name], {}, "")})


def test_what_functions_walk_through_is_limited_in_all(monkeypatch):
    from corral.charts.render import visits

    monkeypatch.setattr(visits, "MAX_IN_RENDERING", 1000)
    text = "{{ range until 400 }}{{ $x := toJson (list 1 2) }}{{ end }}"
    assert render({"x/templates/a.yaml": Template(text, {}, "")}) == {"x/templates/a.yaml": ""}
    with pytest.raises(RenderError, match="walked through more than"):
        render({"x/templates/a.yaml": Template(text.replace("1 2", "1 2 3"), {}, "")})


def test_output_of_many_pieces_is_measured(monkeypatch):
    from corral.charts.render import engine

    monkeypatch.setattr(engine, "_CHECK_EVERY", 7)
    monkeypatch.setattr(engine, "_MANY_PIECES", 50)
    text = '{{ define "x" }}{{ range until 30 }}y{{ end }}{{ end }}{{ range until 300 }}ab{{ include "x" $ }}{{ end }}'
    made = render({"x/templates/a.yaml": Template(text, {}, "")}, Options(max_output=10_000))
    assert made == {"x/templates/a.yaml": ("ab" + "y" * 30) * 300}
    with pytest.raises(RenderError, match="more than 9000 characters of output"):
        render({"x/templates/a.yaml": Template(text, {}, "")}, Options(max_output=9000))
