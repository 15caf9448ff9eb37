"""Branches that are compiled when they are first taken: which these are, and that nothing else shows."""

import pytest
from tests.charts.render.test_engine import failure, one

from corral.charts.render import units
from corral.charts.render.branches import MIN_NODES, is_large, read_by
from corral.charts.render.nodes import Branch, Node
from corral.charts.render.parser import Actions, parse

LONG = "{{ .Values.a }}" * MIN_NODES


def body(text: str) -> list[Node]:
    """What is in the first branch of a text."""
    tree = parse("t", text, Actions({"print", "list"}))["t"]
    (branch,) = (node for node in tree.body if isinstance(node, Branch))
    return branch.body


@pytest.mark.parametrize(
    ("inside", "large"),
    [
        ("text", False),
        ("{{ . }}" * (MIN_NODES - 1), False),
        ("{{ . }}" * MIN_NODES, True),
        ("{{ if . }}" + "{{ . }}" * (MIN_NODES - 2) + "{{ else }}{{ . }}{{ end }}", True),
        ("{{ if . }}" + "{{ . }}" * (MIN_NODES - 2) + "{{ end }}", False),
    ],
)
def test_large_is_what_has_many_nodes(inside: str, large: bool) -> None:
    assert is_large(body(f"{{{{ if . }}}}{inside}{{{{ end }}}}")) == large


@pytest.mark.parametrize(
    ("inside", "read"),
    [
        ("{{ . }}", []),
        ("{{ $.a }}", [0]),
        ("{{ $x }}{{ print $ ($y.a) }}{{ $x.b }}", [0, 1, 2]),
        ("{{ (print $x).a.b }}", [1]),
        ("{{ $z := $x }}{{ $z }}{{ $z = $y }}", [1, 2]),
        ("{{ template `t` $x }}", [1]),
        ("{{ range $i, $e := $y }}{{ $i }}{{ $e }}{{ break }}{{ end }}", [2]),
        ("{{ $x = 1 }}", None),
        ("{{ if ($x = 1) }}{{ end }}", None),
        ("{{ print (print ($x = 1)) }}", None),
        ("{{ with $x = 1 }}{{ end }}", None),
    ],
)
def test_a_branch_is_given_what_it_reads(inside: str, read: list[int] | None) -> None:
    text = f"{{{{ $x := 1 }}}}{{{{ $y := 2 }}}}{{{{ if . }}}}{inside}{{{{ end }}}}"
    assert read_by(body(text)) == read


@pytest.mark.parametrize(
    "inside", ["{{ break }}", "{{ if . }}{{ continue }}{{ end }}", "{{ range . }}{{ else }}{{ break }}{{ end }}"]
)
def test_what_leaves_a_range_around_it_stays_in_it(inside: str) -> None:
    (loop,) = body(f"{{{{ if . }}}}{{{{ range . }}}}{{{{ if . }}}}{inside}{{{{ end }}}}{{{{ end }}}}{{{{ end }}}}")
    assert isinstance(loop, Branch)
    (inner,) = loop.body
    assert isinstance(inner, Branch)
    assert read_by(inner.body) is None
    assert read_by([loop]) == []


def test_a_branch_that_is_not_taken_is_not_compiled() -> None:
    text = f"{{{{ if .Values.yes }}}}{LONG}{{{{ else }}}}no{LONG}{{{{ end }}}}"
    assert one(text, {"a": "b"}) == "no" + "b" * MIN_NODES
    unit = units.unit_of("n", text)
    ((_, _, compiled),) = unit.parts
    assert compiled is not None
    taken, other = compiled[3][1], compiled[3][0]
    assert taken is not None
    assert other is None
    unit.changed = False
    assert one(text, {"a": "b", "yes": True}) == "b" * MIN_NODES
    assert compiled[3][0] is not None
    assert unit.changed, "it is to be kept"


def test_variables_dot_and_loops_are_those_around_it() -> None:
    template = (
        "{{ $x := `x` }}{{ range $i, $e := .Values.l }}{{ with $e }}{{ if true }}"
        "{{ $x }}{{ $i }}{{ . }}{{ $e }}{{ $y := print $x $i }}{{ $y = print $y . }}{{ $y }}{{ $.Values.n }};"
        "{{ end }}{{ end }}{{ end }}"
    )
    assert one(template, {"l": ["a", "b"], "n": "n"}) == "x0aax0an;x1bbx1bn;"


def test_nil_of_an_element_is_an_interface_in_there_too() -> None:
    template = "{{ range .Values.l }}{{ if true }}" + LONG.replace("Values", "x") + "{{ end }}{{ end }}"
    error = failure(lambda: one(template, {"l": [None]}))
    assert "at <.x.a>: nil pointer evaluating interface {}.x" in error.message


def test_an_error_within_branches_within_branches_names_its_place() -> None:
    template = f"{{{{ if true }}}}{LONG}\n{{{{ with .Values }}}}{LONG.replace('.Values', '')}\n {{{{ index .l 7 }}}}{{{{ end }}}}{{{{ end }}}}"
    for _ in range(2):  # the first time they are compiled on the way
        error = failure(lambda: one(template, {"l": [1]}))
        assert ":3:4: executing" in error.message
        assert error.message.endswith("at <index .l 7>: error calling index: index out of range: 7")


def test_what_is_left_needs_no_room_for_its_depth() -> None:
    deep = "".join(f"{{{{ if .Values.a }}}}{LONG}" for _ in range(60)) + "{{ end }}" * 60
    assert one(deep, {"a": "a"}) == "a" * 60 * MIN_NODES
