"""Templates as Python: what does not fit into one function, and that errors name their place wherever it is."""

import pytest
from tests.charts.render.test_engine import failure, one, rendered

from corral.charts.render import units

DEEP = 150


def nested(open_: str, inner: str, depth: int = DEEP) -> str:
    return open_ * depth + inner + "{{ end }}" * depth


@pytest.mark.parametrize("depth", [1, 12, 13, 14, 15, 16, DEEP])
def test_branches_nest_as_deep_as_anyone_wants(depth: int) -> None:
    assert one(nested("{{ if .Values.yes }}", "x{{ .Values.name }}", depth), {"yes": True, "name": "n"}) == "xn"
    assert one(nested("{{ with $.Values }}", "{{ .name }}", depth), {"name": "n"}) == "n"
    assert one(nested("{{ range $.Values.once }}", "{{ $.Values.name }}", depth), {"once": [1], "name": "n"}) == "n"
    assert one(nested("{{ if .Values.no }}{{ else }}", "y", depth), {}) == "y"


@pytest.mark.parametrize("depth", [2, 13, 14, 15, 40])
def test_a_loop_is_left_from_however_deep_within(depth: int) -> None:
    template = (
        "{{ range $i, $x := .Values.l }}"
        + nested("{{ if true }}", "{{ if eq $i 1 }}{{ LEAVE }}{{ end }}", depth)
        + "{{ $x }}{{ end }}"
    )
    values = {"l": ["a", "b", "c"]}
    assert one(template.replace("LEAVE", "break"), values) == "a"
    assert one(template.replace("LEAVE", "continue"), values) == "ac"


@pytest.mark.parametrize("depth", [3, 14, 60])
def test_variables_are_assigned_from_however_deep_within(depth: int) -> None:
    template = '{{ $v := "before" }}' + nested("{{ if true }}", '{{ $v = print $v "-after" }}', depth) + "{{ $v }}"
    assert one(template) == "before-after"


@pytest.mark.parametrize("depth", [3, 14, 15, 80])
def test_conditions_nest(depth: int) -> None:
    condition = "(or .Values.no (and .Values.yes " * depth + ".Values.name" + "))" * depth
    assert one(f"{{{{ {condition} }}}}", {"yes": True, "name": "n"}) == "n"
    assert one(f"{{{{ {condition} }}}}", {"yes": False, "name": "n"}) == "false"


def test_an_argument_that_decides_keeps_the_others_from_being_evaluated() -> None:
    assert one('{{ or .Values.a (fail "b") }}{{ and .Values.none (fail "c") }}', {"a": "a"}) == "a"
    assert one('{{ "x" | or .Values.none (print "") }}{{ and 1 2 3 }}{{ or 0 "" 3 }}') == "x33"


@pytest.mark.parametrize("depth", [1, 9, 10, 11, 30, 200])
def test_methods_with_arguments_nest(depth: int) -> None:
    call = '.Values.PathValue "a"'
    for _ in range(depth):
        call = f".Values.PathValue ({call})"
    assert one(f"{{{{ {call} }}}}", {"a": "a"}) == "a"


@pytest.mark.parametrize("depth", [1, 9, 10, 11, 40, 41, 42, 300])
@pytest.mark.parametrize(
    ("begin", "end"),
    [("(print ", ")"), ("(", " | print)"), ("(.Values.none | default ", ")"), ("(", ' | printf "%s" | trim)'), ("((", ").x)")],
)
def test_parentheses_nest(begin: str, end: str, depth: int) -> None:
    values: dict[str, object] = {"name": "n"}
    if end == ").x)":
        for _ in range(depth):
            values = {"name": {"x": values["name"]}}
    assert one(f"{{{{ {begin * depth}.Values.name{end * depth} }}}}", values) == "n"


@pytest.mark.parametrize("stages", [1, 38, 39, 40, 41, 42, 43, 81, 1000])
def test_a_pipeline_is_as_long_as_anyone_wants(stages: int) -> None:
    around = ' | trim | upper | printf "%s" | print | lower' * stages
    assert one(f"{{{{ $x := .Values.name{around} }}}}{{{{ $x }}}}", {"name": "n"}) == "n"
    error = failure(lambda: one(f"{{{{ .Values.name{around} | fail }}}}", {"name": "no"}))
    assert error.message.endswith("): no")


def test_nothing_of_python_is_within_reach() -> None:
    names = units.unit_of("n", "{{ .x }}").function(0).__globals__
    assert names["__builtins__"] == {}


def test_a_text_that_defines_another_files_name_means_itself_elsewhere() -> None:
    text = '{{ define "app/templates/b.yaml" }}x{{ end }}'
    assert rendered({"b.yaml": text, "a.yaml": text}) == {"b.yaml": "x", "a.yaml": ""}


def test_a_long_template_is_several_functions() -> None:
    count = 3 * 2000
    template = '{{ $x := "v" }}' + "".join(f"{{{{ $x }}}}{i}\n" for i in range(count))
    assert one(template) == "".join(f"v{i}\n" for i in range(count))
    unit = units.unit_of("n", template)
    assert len(unit.code((0,)).source.texts) > 1


@pytest.mark.parametrize("depth", [1, 14, 15, 60])
def test_an_error_names_its_place_in_whichever_function_it_is(depth: int) -> None:
    template = nested("{{ if true }}\n", "  {{ index .Values.l 7 }}", depth)
    error = failure(lambda: one(template, {"l": [1]}))
    expected = f'template: app/templates/x.yaml:{depth + 1}:5: executing "app/templates/x.yaml" at <index .Values.l 7>'
    assert error.message == f"{expected}: error calling index: index out of range: 7"


def test_the_same_text_elsewhere_fails_elsewhere() -> None:
    """It is compiled once, and told under the name that it has."""
    text = "{{ .Values.a.b }}"
    for name in ("x.yaml", "y.yaml"):
        error = failure(lambda name=name: rendered({name: text}, {}))  # type: ignore[misc]
        assert error.path == f"app/templates/{name}"
        assert f'executing "app/templates/{name}" at <.Values.a.b>' in error.message


def test_the_same_action_elsewhere_fails_elsewhere() -> None:
    text = '{{ if .Values.first }}{{ required "r" .Values.x }}{{ end }}\n{{ required "r" .Values.x }}'
    assert failure(lambda: one(text, {"first": True})).line == 1
    assert failure(lambda: one(text)).line == 2


def test_a_text_that_defines_what_its_own_name_is_in_another_chart() -> None:
    text = '{{ define "app/templates/a.yaml" }}x{{ end }}y'
    assert rendered({"b.yaml": text})["b.yaml"] == "y"
    assert "multiple definition" in failure(lambda: rendered({"a.yaml": text})).message


def test_what_stands_before_a_pipe_is_evaluated_first() -> None:
    assert one('{{ $x := 1 }}{{ $x | printf "%d%d" ($x = 2) }}{{ $x }}') == "212"
    assert one("{{ $x := 1 }}{{ print $x ($x = 2) $x }}") == "1 2 2"


def test_a_function_of_a_branch_that_is_not_taken_is_not_loaded() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from corral.charts.render import Template, render;"
        "render({'x': Template('{{ if false }}{{ genCA \"a\" 1 }}{{ end }}{{ define \"d\" }}{{ now }}{{ end }}', {}, '')});"
        "print('cryptography' in sys.modules, 'corral.charts.render.functions.dates' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False False\n"


def test_a_variable_means_the_one_before_until_its_value_is_there() -> None:
    assert one("{{ $m := list 1 }}{{ $m := append $m 2 }}{{ $m }}") == "[1 2]"
    assert (
        one('{{ $m := 1 }}{{ with $m := print $m "x" }}{{ $m }}{{ end }}{{ range $m := list $m 2 }}{{ $m }}{{ end }}{{ $m }}')
        == "1x121"
    )
    assert one("{{ $m := print ($m := 1) $m }}{{ $m }}") == "1 1"
    assert one("{{ if false }}{{ $m := $m }}{{ end }}") == ""
    error = failure(lambda: one("{{ $m := append $m 2 }}"))
    assert (
        error.message == 'template: app/templates/x.yaml:1:16: executing "app/templates/x.yaml" at <$m>: undefined variable: $m'
    )
    assert "at <$m.a.b>: undefined variable: $m" in failure(lambda: one("{{ $m := $m.a.b }}")).message


@pytest.mark.parametrize(
    "inner", ["{{ LEAVE }}", "{{ if true }}{{ LEAVE }}{{ end }}", "{{ range $.none }}{{ else }}{{ LEAVE }}{{ end }}"]
)
def test_what_leaves_a_range_that_has_nothing(inner: str) -> None:
    """A break there leaves the range that is over, as with Go 1.18, a continue goes on with the one around it."""
    template = "{{ range list 1 2 }}<{{ range $.none }}{{ else }}a" + inner + "b{{ end }}>{{ end }}"
    after_inner = "b" if "range" in inner else ""
    assert one(template.replace("LEAVE", "break")) == f"<a{after_inner}>" * 2
    assert one(template.replace("LEAVE", "continue")) == "<a<a"


def test_a_variable_that_was_never_declared_fails_when_it_is_assigned() -> None:
    assert one("{{ if false }}{{ $y = 2 }}{{ $y }}{{ end }}") == ""
    assert "at <2>: undefined variable: $y" in failure(lambda: one("{{ $y = 2 }}")).message
    assert failure(lambda: one("{{ $y = }}")).message == "parse error at (app/templates/x.yaml:1): missing value for command"


def test_what_a_function_gives_has_its_type() -> None:
    assert "at <now>: can't evaluate field Nope in type time.Time" in failure(lambda: one("{{ now.Nope }}")).message


def test_texts_that_take_other_fields_are_compiled_once_and_fail_each_at_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    units.forget()
    compiled = []

    def counted(source: str, *how: object, **more: object) -> object:
        compiled.append(source)
        return compile(source, *how, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(units, "compile", counted, raising=False)
    assert one("{{ .Values.a.b }}-", {"a": {"b": "x"}}) == "x-"
    assert one("{{ .Values.other.name }}-", {"other": {"name": "y"}}) == "y-"
    assert len(compiled) == 1
    error = failure(lambda: one("{{ .Values.c.d.e }}-", {"c": {}}))
    assert "x.yaml:1:" in error.message
    assert "<.Values.c.d.e>" in error.message
    assert one("{{ .Values.c }}+", {"c": "z"}) == "z+"
    assert len(compiled) == 2


def test_what_is_written_once_is_right_wherever_it_stands() -> None:
    define = '{{ define "d" }}{{ . }}{{ end }}'
    again = '{{ include "d" . | quote }}'
    text = f"{define}{again}{{{{ with .Values.a }}}}{again}{{{{ range .b }}}}{again}{{{{ end }}}}{{{{ end }}}}{again}"
    made = one(text.replace(again, '{{ printf "%s" (kindOf .) | quote }}'), {"a": {"b": ["x", 1]}})
    assert made == '"map""map""string""int""map"'
    assert one(
        f"{define}{{{{ with .Values.a }}}}{again}{{{{ range .b }}}}{again}{{{{ end }}}}{{{{ end }}}}", {"a": {"b": ["x"]}}
    ) == ('"map[b:[x]]""x"')
