"""Texts that hold only fields come out as they would compiled, and what is more than that is compiled."""

import pytest
from tests.charts.render.test_engine import failure, one

from corral.charts.render import simpletexts, units

VALUES = {"s": "str", "n": 3.0, "m": {"a": {"b": "deep"}, "l": [1.0, "x"]}, "nul": None, "f": "{{ .Values.s }}"}
SIMPLE = [
    "",
    "plain",
    "{{ .Values.s }}",
    "{{.Values.s}}-{{ .Release.Name }}}",
    "a}}b{{ .Values.m }} {{ .Values.m.l }} {{ .Values.n }}",
    "{{ .Values.none }}[{{ .Values.nul }}]<no value>",
    "{{ .Chart.Name }} {{ .Template.Name }} {{ .Template.BasePath }} {{ .Capabilities.KubeVersion.Minor }}",
    "{{ .Values.f }}",
]
MORE = [
    "{{ .Values.s | upper }}",
    "{{- .Values.s }}",
    "{{ .Values.s -}} ",
    "{{ $.Values.s }}",
    "{{ . | len }}",
    '{{ "x" }}',
    "{{{{ .a }}",
]


@pytest.mark.parametrize(
    "text", [*SIMPLE, *MORE, "{{ .Values.s.x }}", "{{ .Values.none.x.y }}", "{{", "{{ .Values.s", "{{ .Chart.Nope }}"]
)
def test_it_makes_no_difference(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def rendered() -> str:
        units.forget()
        try:
            return one("{{ tpl .Values.text . }}", {**VALUES, "text": text})
        except Exception as error:
            return f"{type(error)}: {error}"

    quick = rendered()
    monkeypatch.setattr("corral.charts.render.simpletexts.filled", lambda run, text, dot: None)
    assert quick == rendered()


@pytest.mark.parametrize(("text", "simple"), [*((t, True) for t in SIMPLE), *((t, False) for t in MORE)])
def test_only_texts_of_fields_are_simple(text: str, simple: bool) -> None:
    assert (simpletexts.parts_of(text) is not None) == simple


def test_a_text_in_a_file_whose_name_another_file_defines_is_not_quick() -> None:
    template = '{{ define "app/templates/y.yaml" }}other{{ end }}{{ tpl "x" (dict "Template" (dict "Name" "app/templates/y.yaml" "BasePath" "b")) }}'
    assert one(template) == "other"


def test_errors_are_told_as_ever() -> None:
    message = failure(lambda: one("{{ tpl .Values.t . }}", {"t": "{{ .Values.a.b.c }}"})).message
    assert "error calling tpl: error during tpl function execution" in message
    assert "nil pointer evaluating interface {}.b" in message
