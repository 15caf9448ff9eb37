"""Selectors by labels and by fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corral.api.errors import ApiError
from corral.api.selectors import FieldTerm, matches, parse_fields, parse_labels


def chosen(text: str, labels: dict[str, str]) -> bool:
    return all(requirement.matches(labels) for requirement in parse_labels(text))


@pytest.mark.parametrize(
    ("text", "labels", "result"),
    [
        ("", {}, True),
        ("a=b", {"a": "b"}, True),
        ("a==b", {"a": "b"}, True),
        ("a = b , c", {"a": "b", "c": ""}, True),
        ("a=", {"a": ""}, True),
        ("a=b", {}, False),
        ("a!=b", {}, True),
        ("a!=b", {"a": "b"}, False),
        ("a in (b,c)", {"a": "c"}, True),
        ("a in (b,)", {"a": ""}, True),
        ("a in ()", {"a": ""}, True),
        ("a notin (b, c)", {"a": "d"}, True),
        ("a notin (b)", {}, True),
        ("a", {"a": "x"}, True),
        ("!a", {"a": "x"}, False),
        ("! a", {}, True),
        ("a>1", {"a": "2"}, True),
        ("a<1", {"a": "x"}, False),
        ("a>1", {}, False),
        ("in=notin", {"in": "notin"}, True),
        ("example.com/a=b", {"example.com/a": "b"}, True),
    ],
)
def test_label_selectors_choose(text: str, labels: dict[str, str], result: bool) -> None:
    assert chosen(text, labels) is result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
        ("=b", "found '=', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a=b c", "found 'c', expected: ',' or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        ("a in (b c)", "unable to parse requirement: found 'c', expected: ',' or ')'"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (b,=)", "unable to parse requirement: found '=', expected: ',', or identifier"),
        ("!", "unable to parse requirement: found '', expected: identifier"),
        (
            "a>b",
            'unable to parse requirement: values[0]: Invalid value: "b": '
            "for 'Gt', 'Lt' operators, the value must be an integer",
        ),
    ],
)
def test_bad_label_selectors_are_told(text: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_labels(text)
    assert (caught.value.code, caught.value.message) == (400, message)


def test_keys_and_values_are_checked() -> None:
    with pytest.raises(ApiError, match=r'^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of'):
        parse_labels("-a=b")
    with pytest.raises(ApiError, match=r'^unable to parse requirement: values\[0\]\[a\]: Invalid value: "b@": a valid label'):
        parse_labels("a=b@")


words = st.from_regex("[a-z0-9]{1,5}", fullmatch=True)
terms = st.one_of(
    st.builds("{}={}".format, words, words),
    st.builds("{}!={}".format, words, words),
    st.builds("!{}".format, words),
    words,
    st.builds(lambda key, values: f"{key} in ({','.join(values)})", words, st.lists(words, min_size=1, max_size=3)),
)


@given(st.lists(terms, max_size=4))
def test_what_is_read_prints_as_what_is_read_again(parts: list[str]) -> None:
    requirements = parse_labels(",".join(parts))
    assert parse_labels(",".join(str(r) for r in requirements)) == requirements


@given(st.text(alphabet="ab=!,() <>in\\", max_size=12))
def test_any_text_is_a_selector_or_a_400(text: str) -> None:
    for parse in (parse_labels, parse_fields):
        try:
            parse(text)
        except ApiError as error:
            assert error.code == 400


def test_field_selectors() -> None:
    assert parse_fields("") == ()
    assert parse_fields("spec.nodeName!=b,metadata.name=a,") == (
        FieldTerm("metadata.name", True, "a"),
        FieldTerm("spec.nodeName", False, "b"),
    )
    assert parse_fields(r"a==x\,y\=z\\") == (FieldTerm("a", True, r"x,y=z" + "\\"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        (r"a=\x", r"invalid field selector: invalid escape sequence: \x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
    ],
)
def test_bad_field_selectors_are_told(text: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_fields(text)
    assert caught.value.message == message


def test_selectors_of_objects() -> None:
    selector = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d"]}]}
    assert matches(selector, {"a": "b"})
    assert not matches(selector, {"a": "b", "c": "d"})
    assert matches({}, {"a": "b"})
    assert not matches(None, {"a": "b"})
    assert matches({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""})
    assert not matches({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""})
