"""What the quick reader reads, the library reads alike; it leaves alone what it is not sure of."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corral.api import plainyaml, yamltext

# As they stand after a key or a dash.
# fmt: off
LEAVES = st.sampled_from([
    "a", "b c", "key: v", "'q'", '"d"', "'it''s'", '"\\n"', "1", "-3", "1.5", "1.0", "010", "0x1", "1e3", "10Gi", "1.2.3", "x:",
    "true", "no", "~", "null", "y", ".5", ".inf", "+1", "1_000", "{}", "[]", "[a, 1, 'x y']", "[a]x", "{a: b}", "http://x:80/",
    "a:b", "a #c", "a#c", "# c", "-", "--", "-x", "- x", "&a b", "*a", "!t x", ">", "|", "|-", "|+", "|2", "@", "%", "`", "? a",
    ": a", "=", "<<", "12:30", "2001-01-01", "'", '"', "x: y: z", "a:",
    "{a: 1, 'b c': [x, {y: z}], d: http://x:80/y}", "{a: {}}", "{a}", "{a:1}", "[a: b]", "[a b, 'c,d', \"e]\"]", "[a,]", "[,]",
    "{a: 1,}", "{a: ,b: 1}", "[[]]", "[x:y, z:]", "'it''s' # c", r'"a\tb\u00e9\x41\/"', r'"\q"', r'"\u12"', r'"\ud800"',
    r'"a\"b"', ">-", ">+", "> # c", "é", "ü: x", "1²", "{1: a}", "{y: a}", "{a: #}", "{a: b}c", "[a] b", "{ a: b , c: d }",
    "{a: x@y.z, b: ~, c:}", "{a: , b: 1}", "{a:,b: 1}", "[@a]", "[=, ~, +1, a=b]", "<nil>", "<<x", "==", "=x", "0755", "089", "[{a: }]",
    "[- a]", "[-]", "{'a':1}", "b, c", "a\tb", "# \t", r'"\\" # "',
    "-0.5", "-0", "0.50", "05.5", "1.", "{ }", "[  ]", "[]#", "{} ]", '"a"#b', "'a' 'b'", '"a\\', "'a\\'", "|+-", "| #c", "|#c",
])
# fmt: on
KEYS = st.sampled_from(
    ["a", "b/c", "a.b", "'q k'", '"d"', "x-y", "_z", "y", "1", "a b", "<<", "-a", "true", "null", "a:b", "?"]
)
LINES = st.lists(
    st.builds(lambda indent, dash, key, value: " " * indent + dash + key + value,
              st.integers(0, 6),
              st.sampled_from(["", "", "- ", "-  ", "- - "]),
              st.one_of(st.just(""), KEYS.map("{}:".format), KEYS.map("{}: ".format), KEYS.map("{}:  ".format)),
              st.one_of(st.sampled_from(["", "x", "y z", "  ", "\tq"]), LEAVES, LEAVES.map("{} ".format), LEAVES.map("{} # c".format))),
    max_size=9,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(LINES, st.sampled_from(["", "\n", "\n\n", "\n  \n"]), st.booleans())
def test_it_reads_what_the_library_reads(lines, end, marked):
    text = ("---\n" if marked else "") + "\n".join(lines) + end
    try:
        value = plainyaml.parse(text)
    except plainyaml.UnusualError:
        return
    assert repr(value) == repr(yamltext.parse(text.encode())[0])


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
    assert plainyaml.parse(MANIFEST) == yamltext.parse(MANIFEST.encode())[0]


@pytest.mark.parametrize(
    "text",
    [
        "a: &x b",
        "a: *x",
        "a: >\n  b\n   c",
        "a: >2\n  b",
        "a: [b,\n\n c]",
        "a: [b, # c\n c]",
        "a: [b,\nc]",
        "a: 'b\n  c'",
        "a: !t b",
        'a: "\\q"',
        "a: b\n c: d",
        "a: b\n - c",
        "a:\tb",
        "a: \u2028",
        "\ufeffa: b",
        "a: \x01",
        "a: 0x10",
        "a: b: c",
        "a:\n b: c\n  d: e",
    ],
)
def test_what_is_unusual_is_left_to_the_library(text):
    with pytest.raises(plainyaml.UnusualError):
        plainyaml.parse(text)


def test_what_is_wrong_is_told_in_the_words_of_the_reference():
    with pytest.raises(
        ValueError, match="error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this context"
    ):
        plainyaml.value_of(b"a: b\n c: d\n")
