"""YAML as Kubernetes reads it."""

import re

import pytest

from corral.api import plainyaml, yamltext
from corral.api.jsontext import TextError
from corral.api.plainquotes import UnusualError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"yes", True),
        (b"off", False),
        (b"~", None),
        (b"", None),
        (b"0777", 511),
        (b"0x1F", 31),
        (b"08", 8),
        (b"1_000", 1000),
        (b"_0", "_0"),
        (b"._1", "._1"),
        (b"-_1_.1_0", -1.1),
        (b".1_0", 0.1),
        (b"1e3", 1000),
        (b"1e400", "1e400"),
        (b"'.inf'", ".inf"),
        (b".inF", ".inF"),
        (b".Inf: a\n-.INF: b\n.NaN: c", {".inf": "a", "-.inf": "b", ".nan": "c"}),
        (b"1.5", 1.5),
        (b"12:30", "12:30"),
        (b"2001-01-01", "2001-01-01"),
        (b"2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        (b'"yes"', "yes"),
        (b"500m", "500m"),
        (b"<none>", "<none>"),
        (b"1: a\ntrue: b", {"1": "a", "true": "b"}),
        (b"a: &x {b: c}\nd: {<<: *x, e: f}", {"a": {"b": "c"}, "d": {"b": "c", "e": "f"}}),
        (b"a: 1\n---\na: 2", {"a": 1}),
        (b"a: |\n  text\n", {"a": "text\n"}),
    ],
)
def test_scalars_and_keys(text: bytes, value: object) -> None:
    assert yamltext.parse(text) == (value, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"{a: true, b:}", {"a": True, "b:": None}),
        (b"[a:, b]", ["a:", "b"]),
        (b"{a: {b:}, c: d:}", {"a": {"b:": None}, "c": "d:"}),
        ("{\u00e9 b:, it's:}".encode(), {"\u00e9 b:": None, "it's:": None}),
        (b"a:\n- {b:}\n- {c: 1, d:}\n", {"a": [{"b:": None}, {"c": 1, "d:": None}]}),
    ],
)
def test_a_colon_before_a_bracket_is_part_of_the_text(text: bytes, value: object) -> None:
    """So it is in go-yaml; libyaml refuses it."""
    assert yamltext.parse(text) == (value, [])


def test_colons_are_not_mended_without_end() -> None:
    with pytest.raises(TextError, match="found unexpected ':'"):
        yamltext.parse(b"[" + b"{a:}," * 2000 + b"]")


@pytest.mark.parametrize(
    ("text", "told"), [(b"a: [.inf]", "+Inf"), (b"+.INF", "+Inf"), (b"-.Inf", "-Inf"), (b"a: .NaN", "NaN")]
)
def test_numbers_that_json_does_not_have_are_refused(text: bytes, told: str) -> None:
    with pytest.raises(TextError, match=re.escape(f"json: unsupported value: {told}")):
        yamltext.parse(text)
    with pytest.raises(UnusualError):
        plainyaml.parse(text.decode())


def test_repeated_keys_are_told_with_their_line() -> None:
    value, repeated = yamltext.parse(b"a: 1\nb: 2\na: 3\n")
    assert value == {"a": 3, "b": 2}
    assert repeated == ['yaml: unmarshal errors:\n  line 3: key "a" already set in map']


def test_what_is_no_yaml_is_refused_with_the_line() -> None:
    with pytest.raises(TextError, match="yaml: line 2: did not find expected key"):
        yamltext.parse(b"a:\n  - b\n c: d")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {{ .x }}", 'yaml: invalid map key: map[interface {}]interface {}{".x":interface {}(nil)}'),
        (
            '? [a, 1, 1.5, true, null, "q\\"\\t"]\n: x',
            'yaml: invalid map key: []interface {}{"a", 1, 1.5, true, interface {}(nil), "q\\"\\t"}',
        ),
        (
            "? {b: {}, 1: []}\n",
            'yaml: invalid map key: map[interface {}]interface {}{1:[]interface {}{}, "b":map[interface {}]interface {}{}}',
        ),
        ("a: [{~: [x]}]", 'Unsupported map key of type: %!s(<nil>), key: <nil>, value: []interface {}{"x"}'),
        ("~: 1\n? {}\n", "yaml: invalid map key: map[interface {}]interface {}{}"),
    ],
)
def test_what_is_no_key_is_shown_as_the_reference_shows_it(text: str, told: str) -> None:
    with pytest.raises(TextError) as caught:
        yamltext.parse(text.encode())
    assert str(caught.value) == told


def test_foreign_tags_are_refused() -> None:
    with pytest.raises(TextError):
        yamltext.parse(b"!!python/object/apply:os.system ['true']")


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 1_000_000,
        b"- " * 100_000 + b"1",
        b"? " * 100_000,
        b"{a: " * 5_000 + b"1" + b"}" * 5_000,
    ],
)
def test_a_text_that_nests_too_deep_is_refused_before_the_loader_overflows(text: bytes) -> None:
    with pytest.raises(TextError):
        yamltext.parse(text)


def test_deep_indentation_is_refused_too() -> None:
    with pytest.raises(TextError, match="exceeded max depth"):
        yamltext.parse(b"".join(b" " * level + b"a:\n" for level in range(1000)))


def _bomb(step: str) -> bytes:
    lines = ["a0: &a0 {x: loooooooooooooooong}"]
    lines += [f"a{i}: &a{i} " + step % ", ".join([f"*a{i - 1}"] * 9) for i in range(1, 10)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("step", ["[%s]", "{<<: [%s]}"])
def test_aliases_that_grow_are_refused(step: str) -> None:
    with pytest.raises(TextError, match="excessive aliasing"):
        yamltext.parse(_bomb(step))


def test_a_value_that_contains_itself_is_refused() -> None:
    with pytest.raises(TextError, match="anchor 'a' value contains itself"):
        yamltext.parse(b"&a [*a]")


def test_many_small_aliases_are_fine() -> None:
    value, _ = yamltext.parse(b"a: &a {x: 1}\nb: [" + b", ".join([b"*a"] * 500) + b"]")
    assert value["b"] == [{"x": 1}] * 500
