"""What the quick reader reads, the library reads alike; it leaves alone what it is not sure of."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.api.alike import read_here, read_here_or_left
from tests.examples import examples

from corral.api import plainyaml, yamltext
from corral.api.plainquotes import UnusualError

# As they stand after a key or a dash.
# fmt: off
LEAVES = st.sampled_from([
    "a", "b c", "key: v", "'q'", '"d"', "'it''s'", '"\\n"', "1", "-3", "1.5", "1.0", "010", "0x1", "1e3", "10Gi", "1.2.3", "x:",
    "true", "no", "~", "null", "y", ".5", ".inf", "+1", "1_000", "{}", "[]", "[a, 1, 'x y']", "[a]x", "{a: b}", "http://x:80/",
    "a:b", "a #c", "a#c", "# c", "-", "--", "-x", "- x", "&a b", "*a", "!t x", ">", "|", "|-", "|+", "|2", "@", "%", "`", "? a",
    ": a", "=", "<<", "12:30", "2001-01-01", "'", '"', "x: y: z", "a:", "&a", "&b", "*b", "*a # c", "&a # c", "&a *b", "&a [x", "]",
    "{a: 1, 'b c': [x, {y: z}], d: http://x:80/y}", "{a: {}}", "{a}", "{a:1}", "[a: b]", "[a b, 'c,d', \"e]\"]", "[a,]", "[,]",
    "{a: 1,}", "{a: ,b: 1}", "[[]]", "[x:y, z:]", "'it''s' # c", r'"a\tb\u00e9\x41\/"', r'"\q"', r'"\u12"', r'"\ud800"',
    r'"a\"b"', ">-", ">+", "> # c", "é", "ü: x", "1²", "{1: a}", "{y: a}", "{a: #}", "{a: b}c", "[a] b", "{ a: b , c: d }",
    "{a: x@y.z, b: ~, c:}", "{a: , b: 1}", "{a:,b: 1}", "[@a]", "[=, ~, +1, a=b]", "<nil>", "<<x", "==", "=x", "0755", "089", "[{a: }]",
    "[- a]", "[-]", "{'a':1}", "b, c", "a\tb", "# \t", r'"\\" # "', "a 'b", "{{ .x }}", "a\t# c", "'a\t'", "|2-", ">1+", "[*a, *b]",
    "-0.5", "-0", "0.50", "05.5", "1.", "{ }", "[  ]", "[]#", "{} ]", '"a"#b', "'a' 'b'", '"a\\', "'a\\'", "|+-", "| #c", "|#c",
])
# fmt: on
KEYS = st.sampled_from(
    [
        "a",
        "b/c",
        "a.b",
        "'q k'",
        '"d"',
        "x-y",
        "_z",
        "y",
        "1",
        "a b",
        "<<",
        "-a",
        "true",
        "null",
        "a:b",
        "?",
        "1.5",
        "é",
        ":80",
        "b ",
    ]
)
LINES = st.lists(
    st.builds(lambda indent, dash, key, value: " " * indent + dash + key + value,
              st.integers(0, 6),
              st.sampled_from(["", "", "- ", "-  ", "- - "]),
              st.one_of(st.just(""), KEYS.map("{}:".format), KEYS.map("{}: ".format), KEYS.map("{}:  ".format)),
              st.one_of(st.sampled_from(["", "x", "y z", "  ", "\tq", "'", '"', "\\", "# c", "text\t"]),
                        LEAVES, LEAVES.map("{} ".format), LEAVES.map("{} # c".format))),
    max_size=9,
)  # fmt: skip


@examples(300)
@given(
    LINES,
    st.sampled_from(["", "\n", "\n\n", "\n  \n", "\n---\na: [", "\n...\n"]),
    st.sampled_from(["", "---\n", "# c\n--- # c\n", "\ufeff"]),
    st.sampled_from(["\n", "\n", "\r\n"]),
)
def test_it_reads_what_the_library_reads(lines, end, start, line_end):
    read_here_or_left((start + "\n".join(lines) + end).replace("\n", line_end))


PIECES = st.sampled_from(
    [
        *"ab1y~=?%@`!|>-#:,[]{}'\"\\\t ",
        "x y",
        "*x",
        "&x ",
        "'q'",
        '"d e"',
        ": ",
        "- ",
        "\n",
        "\n ",
        "\n  ",
        "\n\n",
        "|-\n  ",
        "<<: *x",
    ]
)


@examples(300)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_it_reads_alike_whatever_the_signs(text):
    read_here_or_left(text)


TEXT = st.text(st.sampled_from("ab ,:#'\"\n-[]{}\\é\t"), max_size=90)
VALUES = st.recursive(
    st.one_of(TEXT, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=12,
)


@examples(300)
@given(VALUES, st.integers(10, 80), st.sampled_from([None, "|", ">", "'", '"']), st.sampled_from([None, True, False]))
def test_what_programs_write_is_read_alike(value, width, style, flow):
    read_here_or_left(yaml.safe_dump(value, width=width, default_style=style, default_flow_style=flow, allow_unicode=True))


MANIFEST = """\
# Source: x/templates/a.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "web"
  labels:
    app.kubernetes.io/name: web
  annotations: {}
spec:
  replicas: 3
  template:
    spec:
      securityContext:
        {}
      containers:
      - name: web
        image: "nginx:1.25"
        args: ['-c', "x"]
        ports:
        - containerPort: 80
          name: http
        - {}
      -   name: side
          command: [sh]
data:
  text: |
    line one
      line two

    # not a comment
  stripped: |-
    end
  folded: >-
    one
    two

    three
  long: a text that
    goes on é
  escaped: "a\\n\\u00e9"
  quoted: 'it''s'
  flow: {a: 1, b: [x, "y, z"]}
  lines: [
    a, 'b c', "d
    e",
    {x: y}
  ]
  empty:
"""


def test_an_ordinary_manifest_is_read_here():
    assert read_here(MANIFEST)["data"]["lines"] == ["a", "b c", "d e", {"x": True}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing\n", None),
        ("a text\n  of two lines", "a text of two lines"),
        ("a: b\n  - 'c' |\n\n  \"d\"", {"a": "b - 'c' |\n\"d\""}),
        ("a:\n  b c\n  d # e\n# f\ng: h", {"a": "b c d", "g": "h"}),
        ("enum:\n- '!='\n- =\n- =~", {"enum": ["!=", "=", "=~"]}),
        ("a b : c\n'd' : e\nhttp://x: z", {"a b": "c", "d": "e", "http://x": "z"}),
        ("n: 1\n1.0: 2\n0x10: 3", {"false": 1, "1": 2, "16": 3}),
        ("port: :80\nmore: ?x\nless: -x", {"port": ":80", "more": "?x", "less": "-x"}),
        ("a: b\t# c\nd:\t\ne: f\t", {"a": "b", "d": None, "e": "f"}),
        ("a: b\r\nc: |\r\n  d\r\n  e\r\n", {"a": "b", "c": "d\ne\n"}),
        ("\ufeffa: b\xa0\u200b", {"a": "b\xa0\u200b"}),
        ("--- # c\na: 1\n--- \na: [", {"a": 1}),
        ("a: |+\n  x\n\n---\nb: 1", {"a": "x\n\n"}),
        ("a: 1\n...\n%", {"a": 1}),
        ("a: 1\na: 2", {"a": 2}),
    ],
)
def test_what_is_read_here(text, value):
    assert read_here(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: &x {b: 1}\nc: *x # d", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x\n- b\nc: *x", {"a": ["b"], "c": ["b"]}),
        ("a: &x\nc: *x", {"a": None, "c": None}),
        ("a: &x-1 |\n  b\nc: [*x-1, *x-1 ]", {"a": "b\n", "c": ["b\n", "b\n"]}),
        ("a: &x\n  b: 1\n  c: 2\nd:\n  c: 3\n  <<: *x\n  e: 4", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3, "e": 4}}),
        ("- &x {a: 1, b: 1}\n- &y {b: 2}\n- <<: [*x, *y]\n- {c: 3, <<: *y}",
         [{"a": 1, "b": 1}, {"b": 2}, {"b": 1, "a": 1}, {"b": 2, "c": 3}]),
        ("- &x {a: 1}\n- &y\n  <<: *x\n  b: 2\n- '<<': 1\n  <<: *y", [{"a": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 2, "<<": 1}]),
    ],
)  # fmt: skip
def test_anchors_aliases_and_merges_are_read_here(text, value):
    assert read_here(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "a: *x",
        "a: &x [*x]",
        "a: &x 1\nb: &x 2",
        "a: &x &y b",
        "a: &x\n  &y b",
        "a: &x 1\n<<: *x",
        "a: &x.y b",
        "&x a: b",
        "a: !t b",
        'a: "\\q"',
        "a: b\n c: d",
        "a: [b, c\nd: e",
        "a: 'b\n---\nc'",
        "a: b\n  # c\n  d",
        "a: b # c\n  d",
        "a:\tb",
        "a:\n\tb: c",
        "a: \u2028",
        "a: \x01",
        "a: b\rc",
        "a: b: c",
        "a:\n b: c\n  d: e",
        "a: |\n  b\n c",
        "~: a",
        "? a\n: b",
        "%YAML 1.1\n---\na: b",
        "a: " + "9" * 5000,
        "b" * 1200 + ": a",
    ],
)
def test_what_is_unusual_is_left_to_the_library(text):
    with pytest.raises(UnusualError):
        plainyaml.parse(text)


def test_what_is_deep_or_stands_for_much_is_left_to_the_library():
    for text in ("- " * 150 + "a", "a:" + "\n ".join(" " * n + "a:" for n in range(150)), "[" * 50 + "]" * 50):
        with pytest.raises(UnusualError):
            plainyaml.parse(text)
    bomb = "x0: &x0 [a, b]\n" + "\n".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 9))
    with pytest.raises(UnusualError):
        plainyaml.parse(bomb)
    with pytest.raises(ValueError, match="yaml: document contains excessive aliasing"):
        plainyaml.value_of(bomb.encode())


def test_a_text_of_many_lines_takes_no_time_for_each_line_before():
    for line in ("- 'a''\n", "- [a,\n", '- "a\\\n', "- a\n  b\n", "- &x a\n", "- >\n"):
        read_here_or_left("a:\n" + line * 20_000)


def test_what_is_wrong_is_told_in_the_words_of_the_reference():
    with pytest.raises(
        ValueError, match="error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context"
    ):
        plainyaml.value_of(b"a: b\n c: d\n")


def test_a_mark_of_byte_order_shifts_no_colon():
    assert yamltext.parse("\ufeff{a:}".encode())[0] == {"a:": None}
