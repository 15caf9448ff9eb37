"""Plain actions mean what they mean token by token, and each is read once."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.charts.render import corpus, statements

from corral.charts.render import actions as plain
from corral.charts.render import functions, nodes
from corral.charts.render.actions import Actions
from corral.charts.render.errors import ParseError
from corral.charts.render.nodes import Prepared
from corral.charts.render.parser import parse

TEMPLATES = [case.template for feature in corpus.features() for case in corpus.read(feature)]
#: What actions are made of, in any order.
WORDS = (
    '.a .a.b.c . $ $.a.b $x $x.a $y "s" "" "a\tb" 1 -2 1.5 0x1F 1+2i true nil .Values.é eq print quote nope | , := = ( ) (.a) (eq'
    " ((print .b) `r` 'c' '\"' .) if with range else end define template break \\ - -}} }} {{ {{- /* */ : + ..a a.b .a( }a \x0b ²"
)
PIECES = WORDS.split(" ")
STARTS = ["", "if ", "with ", "range ", "range $i, $x := ", "range $i, ", "$x := ", "$x = ", "$y := ", "else if ", "$ := "]


#: What is known of a pipeline beside what it says.
KNOWN_OF_PIPES = ("base", "has_fields", "has_variables", "written")


class TokenByToken(Actions):
    """Takes no action for plain."""

    def prepare(self, text: str) -> Prepared | None:
        return None


def shown(value: object, base: int = 0) -> object:
    """A tree as lists, its positions in the text."""
    if isinstance(value, list):
        return [shown(one, base) for one in value]
    if not isinstance(value, nodes.Node):
        return repr(value)
    if isinstance(value, nodes.Text | nodes.Action | nodes.Branch | nodes.Invocation | nodes.Leave):
        base = 0
    inner = getattr(value, "base", base)
    fields = [field for field in value.__slots__ if field not in KNOWN_OF_PIPES]  # type: ignore[attr-defined]
    # An action's own position is never told.
    pos = 0 if isinstance(value, nodes.Action) else value.pos + base
    made = [type(value).__name__, pos, *(shown(getattr(value, field), inner) for field in fields)]
    assert not (isinstance(value, nodes.Pipe) and not value.has_variables and "['Variable', " in repr(made))
    assert not (isinstance(value, nodes.Pipe) and not value.has_fields and "['Field', " in repr(made))
    return made


def read(text: str, actions: Actions) -> object:
    try:
        return [(tree.name, tree.slots, tree.contended, shown(tree.body)) for tree in parse("n", text, actions).values()]
    except ParseError as error:
        return str(error)


def agrees(text: str) -> bool:
    return read(text, Actions(functions.HOMES)) == read(text, TokenByToken(functions.HOMES))


def test_templates_mean_what_they_mean_token_by_token() -> None:
    known = Actions(functions.HOMES)
    for text in TEMPLATES:
        assert (text, read(text, known)) == (text, read(text, TokenByToken(functions.HOMES)))


@settings(suppress_health_check=list(HealthCheck))  # Templates that grow too large are given up, and many may be.
@given(statements.templates(), st.lists(st.tuples(st.integers(0, 400), st.sampled_from(PIECES)), max_size=2))
def test_statements_and_what_is_wrong_with_them_too(text: str, wrong: list[tuple[int, str]]) -> None:
    for at, piece in wrong:
        text = text[:at] + piece + text[at:]
    assert agrees(text)


@given(
    st.sampled_from(STARTS),
    st.lists(st.tuples(st.sampled_from([" ", " ", " ", "", "\n"]), st.sampled_from(PIECES)), max_size=6),
)
def test_words_in_any_order_too(start: str, pieces: list[tuple[str, str]]) -> None:
    action = start + "".join(space + piece for space, piece in pieces)
    assert agrees(f"{{{{ $x := 1 }}}}{{{{ {action} }}}}{{{{ .b }}}}")


def test_the_same_action_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    actions = Actions(functions.HOMES)
    made = actions.prepare(' include "a" . ')
    monkeypatch.setattr(actions, "_read", pytest.fail)
    assert made is not None
    assert actions.prepare(' include "a" . ') is made


def test_an_action_whose_variables_are_elsewhere_is_another() -> None:
    actions = Actions(functions.HOMES)
    one = parse("n", "{{ $x := 1 }}{{ print $x }}", actions)["n"].body
    same = parse("n", "{{ $x := 1 }}{{ print $x }}", actions)["n"].body
    two = parse("n", "{{ $y := 0 }}{{ $x := 1 }}{{ range $y := .a }}{{ print $x }}{{ end }}", actions)["n"].body

    def slot(node: nodes.Node) -> int:
        assert isinstance(node, nodes.Action)
        variable = node.pipe.commands[0].args[1]
        assert isinstance(variable, nodes.Variable)
        return variable.slot

    assert isinstance(two[2], nodes.Branch)
    assert isinstance(one[1], nodes.Action)
    assert isinstance(same[1], nodes.Action)
    assert one[1].pipe is same[1].pipe
    assert (slot(one[1]), slot(two[2].body[0])) == (1, 2)


def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MAX_ACTIONS", 3)
    monkeypatch.setattr(plain, "MAX_WORDS", 3)
    actions = Actions(functions.HOMES)
    text = "".join(f"{{{{ .a{i}.b }}}}" for i in range(20))
    assert len(parse("n", text, actions)["n"].body) == 20
    assert max(len(actions._known), len(actions._words)) <= 3


def test_what_nests_deep_is_not_plain() -> None:
    actions = Actions(functions.HOMES)
    assert actions.prepare(" " + "(" * 50 + "1" + ")" * 50) is not None
    assert actions.prepare(" " + "(" * 5000 + "1" + ")" * 5000) is None


def test_plain_charts_are_parsed_without_regular_expressions() -> None:
    starter = Path(functions.__file__).parents[2] / "chart/data/starter/templates"
    texts = [path.read_text() for path in starter.rglob("*") if path.is_file()]
    program = f"""
import sys
before = set(sys.modules)
from corral.charts.render import functions, parser
actions = parser.Actions(functions.HOMES)
for text in {texts!r}:
    parser.parse("n", text.replace("<CHARTNAME>", "c"), actions)
print(*sys.modules.keys() - before)
"""
    said = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True, check=True
    )
    loaded = set(said.stdout.split())
    assert "corral.charts.render.parser" in loaded
    assert not loaded & {"re", "enum", "functools", "collections", "contextlib"}
