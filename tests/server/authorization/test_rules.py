"""Which rules cover which, and how they are written."""

from corral.server.authorization import rules

READ_PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods", "pods/log"]}


def test_wildcards_cover_everything() -> None:
    assert rules.uncovered(rules.FULL_AUTHORITY, [READ_PODS, {"verbs": ["get"], "nonResourceURLs": ["/x"]}]) == []


def test_what_is_missing_is_named_part_by_part() -> None:
    owned = [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    missing = rules.uncovered(owned, [READ_PODS])
    assert [rules.describe(r) for r in rules.compact(missing)] == [
        '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}',
        '{APIGroups:[""], Resources:["pods/log"], Verbs:["get" "list"]}',
    ]


def test_a_right_to_names_does_not_cover_all_names() -> None:
    owned = [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["a", "b"]}]
    wanted = {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}
    assert rules.uncovered(owned, [wanted])
    assert not rules.uncovered(owned, [{**wanted, "resourceNames": ["b"]}])
    assert rules.uncovered(owned, [{**wanted, "resourceNames": ["b", "c"]}])


def test_a_star_subresource_covers_that_subresource_of_all() -> None:
    owned = [{"verbs": ["update"], "apiGroups": ["apps"], "resources": ["*/scale"]}]
    wanted = {"verbs": ["update"], "apiGroups": ["apps"], "resources": ["deployments/scale"]}
    assert not rules.uncovered(owned, [wanted])
    assert rules.uncovered(owned, [{**wanted, "resources": ["deployments"]}])
