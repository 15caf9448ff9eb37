"""What an upgrade's patch promises: the new manifest holds, what only the old one had is gone, what others wrote stays."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from corral.api import facts
from corral.api.patch.merge import merge_patch
from corral.api.patch.strategic import strategic_merge_patch
from corral.charts.manifests.threeway import patch

DEPLOYMENT = facts.schema("apps", "v1", "Deployment")
Object = dict[str, Any]

#: Few names, so that the three objects share some of them.
NAMES = st.sampled_from("abcd")
WORDS = st.sampled_from(["x", "y", "", "1"])
MAPS = st.dictionaries(NAMES, WORDS, max_size=3)


def keyed(items: st.SearchStrategy[Object], key: str, size: int = 3) -> st.SearchStrategy[list[Object]]:
    return st.lists(items, max_size=size, unique_by=lambda item: item[key])


ENV = keyed(st.fixed_dictionaries({"name": NAMES}, optional={"value": WORDS}), "name")
CONTAINER = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "image": WORDS,
        "env": ENV,
        "args": st.lists(WORDS, max_size=3),
        "resources": st.fixed_dictionaries({}, optional={"limits": MAPS, "requests": MAPS}),
        "tty": st.booleans(),
        "ports": keyed(st.fixed_dictionaries({"containerPort": st.integers(1, 4)}, optional={"name": NAMES}), "containerPort"),
    },
)
VOLUME = st.one_of(
    st.fixed_dictionaries({"name": NAMES, "emptyDir": st.fixed_dictionaries({}, optional={"medium": WORDS})}),
    st.fixed_dictionaries({"name": NAMES, "configMap": st.fixed_dictionaries({"name": NAMES})}),
)
POD = st.fixed_dictionaries(
    {},
    optional={
        "containers": keyed(CONTAINER, "name"),
        "nodeSelector": MAPS,
        "tolerations": st.lists(st.fixed_dictionaries({"key": NAMES}), max_size=2),
        "volumes": keyed(VOLUME, "name"),
        "hostNetwork": st.booleans(),
        "terminationGracePeriodSeconds": st.integers(0, 2),
    },
)
OBJECT = st.fixed_dictionaries(
    {"apiVersion": st.just("apps/v1"), "kind": st.just("Deployment")},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "labels": MAPS,
                "annotations": MAPS,
                "finalizers": st.lists(NAMES, max_size=3, unique=True),
            },
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "replicas": st.integers(0, 2),
                "paused": st.booleans(),
                "template": st.fixed_dictionaries({}, optional={"spec": POD}),
            },
        ),
    },
)
#: The lists that merge, and by what ("" for lists of words); all others are replaced.
KEYS = {"containers": "name", "env": "name", "volumes": "name", "ports": "containerPort", "finalizers": ""}
#: Items of these have one of several fields: one that is not said any more goes, whoever wrote it.
UNIONS = frozenset(["volumes"])
MISSING = object()


def expected(old: Any, new: Any, live: Any, name: str = "") -> Any:
    """The three objects as one, by the rules of the documents; lists that merge come out as maps."""
    if isinstance(new, dict) and isinstance(live, dict):
        before = old if isinstance(old, dict) else {}
        kept = {k: v for k, v in live.items() if k not in new and k not in before and name not in UNIONS}
        made = {k: expected(before.get(k), new[k], live.get(k, MISSING), k) for k in new}
        return {k: by_key(v, k) for k, v in kept.items()} | made
    if isinstance(new, list) and isinstance(live, list) and name in KEYS:
        key = KEYS[name]
        olds, news, lives = ({(one[key] if key else one): one for one in some or ()} for some in (old, new, live))
        made = {k: by_key(v, "") for k, v in lives.items() if k not in news and k not in olds}
        if not key:
            return made | news
        return made | {
            k: expected(olds.get(k), v, lives.get(k, MISSING), name if name in UNIONS else "") for k, v in news.items()
        }
    return by_key(new, name)


def by_key(value: Any, name: str) -> Any:
    """A value whose lists that merge are maps: their order is another question."""
    if isinstance(value, dict):
        return {k: by_key(v, k) for k, v in value.items()}
    if isinstance(value, list) and name in KEYS:
        key = KEYS[name]
        return {(one[key] if key else one): by_key(one, "") for one in value}
    return value


def applied(old: Object, new: Object, live: Object) -> Object:
    kind, change = patch(old, new, live, DEPLOYMENT)
    assert kind == "strategic"
    return strategic_merge_patch(live, change, DEPLOYMENT)


@examples(300)
@given(OBJECT, OBJECT, OBJECT)
def test_three_become_one_as_the_rules_say(old: Object, new: Object, live: Object) -> None:
    assert by_key(applied(old, new, live), "") == expected(old, new, live)


@examples(150)
@given(OBJECT, OBJECT)
def test_what_is_as_it_is_to_be_needs_no_patch(new: Object, live: Object) -> None:
    there = applied(new, new, live)
    assert patch(new, new, there, DEPLOYMENT) == ("strategic", {})


@examples(150)
@given(OBJECT, OBJECT)
def test_an_object_that_nobody_else_wrote_to_becomes_the_new_manifest(old: Object, new: Object) -> None:
    assert by_key(applied(old, new, old), "") == by_key(new, "")


#: Of custom resources, which have no schema.
ANY = st.recursive(
    st.one_of(WORDS, st.integers(0, 2), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
CUSTOM = st.dictionaries(NAMES, ANY, max_size=3)


@examples(200)
@given(CUSTOM, CUSTOM)
def test_a_custom_resource_becomes_the_new_manifest(old: Object, new: Object) -> None:
    kind, change = patch(old, new, old, None)
    assert kind == "merge"
    assert json.dumps(merge_patch(old, change), sort_keys=True) == json.dumps(new, sort_keys=True)  # in JSON, true is not 1


@examples(150)
@given(CUSTOM, CUSTOM, CUSTOM)
def test_of_a_custom_resource_what_others_wrote_beside_it_stays(old: Object, new: Object, live: Object) -> None:
    result = merge_patch(live, patch(old, new, live, None)[1])
    for key in live:
        if key not in old and key not in new:
            assert result[key] == live[key]
    for key in old:
        assert key in new or key not in result
