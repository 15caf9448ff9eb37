"""Faults of fields and how they are shown."""

from corral.api.fields import Errors, Path


def test_a_path_prints_as_people_write_it():
    assert Path("spec").child("a", "b").at(0).key("k.io/x") == "spec.a.b[0][k.io/x]"


def test_an_absent_value_is_shown_as_it_was_given():
    errors = Errors()
    errors.invalid("spec.list", None, "wrong")
    errors.unsupported("spec.items[1].labels[a.b/c]", None, ("x",))
    errors.invalid("spec.none", None, "wrong")
    errors.invalid("spec.full", None, "wrong")
    errors.required("spec.list")
    given = {"spec": {"list": [], "items": [{}, {"labels": {"a.b/c": {}}}], "full": [1]}}
    assert [e.body for e in errors.shown_as_given(given).items] == [
        "Invalid value: []: wrong",
        'Unsupported value: {}: supported values: "x"',
        "Invalid value: null: wrong",
        "Invalid value: null: wrong",
        "Required value",
    ]
    assert errors.shown_as_given([]).items == errors.shown_as_given(None).items == errors.items


def test_the_value_shown_may_be_another_fields():
    errors = Errors()
    errors.invalid("spec", None, "wrong", value_of="spec.rules")
    assert errors.shown_as_given({"spec": {}}).items == errors.items
    assert [str(e) for e in errors.shown_as_given({"spec": {"rules": []}}).items] == ["spec: Invalid value: []: wrong"]


def test_equal_faults_are_told_once_but_are_causes_each():
    errors = Errors()
    errors.required("a")
    errors.required("a")
    error = errors.to_error("Thing", "g", "x")
    assert error.message == 'Thing.g "x" is invalid: a: Required value'
    assert len(error.details["causes"]) == 2
