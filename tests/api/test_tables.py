"""Columns of tables."""

from corral.api import facts, tables


def test_columns_have_type_format_and_priority() -> None:
    columns = tables.columns(facts.catalog().named("pods"))
    assert [c["name"] for c in columns][:5] == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert (columns[0]["type"], columns[0]["format"], columns[0]["priority"]) == ("string", "name", 0)
    assert {c["name"]: c["priority"] for c in columns}["Node"] == 1
    replica_sets = tables.columns(facts.catalog().named("replicasets.apps"))
    assert {c["name"]: c["type"] for c in replica_sets}["Desired"] == "integer"


def test_what_has_no_columns_of_its_own_shows_name_and_age() -> None:
    assert [c["name"] for c in tables.columns(facts.catalog().named("serviceaccounts"))] == ["Name", "Age"]


def test_every_line_belongs_to_a_resource() -> None:
    known = {resource.group_resource for resource in facts.catalog()}
    assert set(tables._table()) <= known


def test_the_age_of_what_was_never_created_is_unknown() -> None:
    assert tables.age({"metadata": {}}, 10.0) == "<unknown>"
    assert tables.age({"metadata": {"creationTimestamp": "1970-01-01T00:00:05Z"}}, 10.0) == "5s"
