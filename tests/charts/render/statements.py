"""Random templates of branches, ranges, variables and templates, around expressions that do not fail."""

import re

from hypothesis import strategies as st
from tests.charts.render import expressions

Draw = st.DrawFn

#: Dot is not the top everywhere in here.
_TOP = re.compile(r"(?<![\w$)])\.Values")
_VALUES = st.one_of(expressions.strings, expressions.anything).map(lambda text: _TOP.sub("$.Values", text))
_RANGES = [
    "$.Values.l",
    "$.Values.none",
    "(dict)",
    "(until 3)",
    '(list 1 "a" nil)',
    '(dict "b" 1 "a" 2)',
    "(list (list 1 2) (list))",
]
_OPEN, _CLOSE = st.sampled_from(["{{", "{{ ", "{{- "]), st.sampled_from(["}}", " }}", " -}}"])
DEFINED = '{{ define "shown" }}[{{ . }}]{{ end }}{{ define "chosen" }}{{ if .x }}{{ .x | toJson }}{{ else }}{{ .y }}{{ end }}{{ end }}'


@st.composite
def templates(draw: Draw) -> str:
    """A whole template; what it defines is in it."""
    return DEFINED + draw(_body(3, ("$",), 0))


def _action(draw: Draw, text: str) -> str:
    return draw(_OPEN) + text + draw(_CLOSE)


def _value(draw: Draw, variables: tuple[str, ...]) -> str:
    kind = draw(st.integers(0, 9))
    if kind < 3 and len(variables) > 1:
        return draw(st.sampled_from(variables[1:]))
    if kind == 3:
        return f'(include "chosen" (dict "x" {draw(_VALUES)} "y" {draw(_VALUES)}))'
    return f"({draw(_VALUES)})" if kind < 9 else "(kindOf .)"


@st.composite
def _body(draw: Draw, depth: int, variables: tuple[str, ...], ranges: int) -> str:
    made = ""
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(
            st.sampled_from(
                ["text", "print", "print", "declare", "assign", "template", "leave", "if", "with", "range", "range"]
            )
        )
        value = _value(draw, variables)
        if kind == "text":
            made += draw(st.sampled_from(["text ", "\n  a\n", " ; ", "\n"]))
        elif kind == "print":
            made += _action(draw, value)
        elif kind == "declare":
            name = draw(st.sampled_from(["$a", "$b", "$c"]))
            made += _action(draw, f"{name} := {value}")
            variables = (*variables, name)
        elif kind == "assign":
            if len(variables) > 1:
                made += _action(draw, f"{draw(st.sampled_from(variables[1:]))} = {value}")
        elif kind == "template":
            made += _action(draw, f'template "shown" {value}')
        elif kind == "leave":
            if ranges:
                word = draw(st.sampled_from(["break", "continue"]))
                made += _action(draw, f"if {value}") + _action(draw, word) + _action(draw, "end")
        elif depth:
            made += draw(_block(kind, value, depth - 1, variables, ranges))
    return made


@st.composite
def _block(draw: Draw, kind: str, value: str, depth: int, variables: tuple[str, ...], ranges: int) -> str:
    inside = variables
    head = f"{kind} {value}"
    if kind == "range":
        named = draw(st.sampled_from([(), ("$e",), ("$i", "$e")]))
        inside = (*variables, *named)
        head = f"range {', '.join(named)}{' := ' if named else ''}{draw(st.sampled_from(_RANGES))}"
    elif draw(st.booleans()):
        inside = (*variables, "$w")
        head = f"{kind} $w := {value}"
    made = _action(draw, head) + draw(_body(depth, inside, ranges + (kind == "range")))
    while kind == "if" and draw(st.integers(0, 3)) == 0:
        made += _action(draw, f"else if {_value(draw, inside)}") + draw(_body(depth, inside, ranges))
    if draw(st.booleans()):
        made += _action(draw, "else") + draw(_body(depth, inside, ranges))
    return made + _action(draw, "end")
