import json
from typing import Any

import pytest

from corral.api import facts
from corral.api.errors import ApiError
from corral.api.managedfields import update_managed_fields
from corral.api.patch.apply import LAST_APPLIED, apply

SCHEMA = facts.schema("apps", "v1", "Deployment")


def wanted(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"}, "spec": spec}


def applied(live: Any, new: dict[str, Any], manager: str = "one", now_s: float = 0, force: bool = False) -> dict[str, Any]:
    made = apply(live, new, manager, "apps/v1", "Deployment", "", now_s, SCHEMA, force=force, reset={"f:status": {}})
    made["metadata"]["uid"] = "u"
    return made


def updated(live: dict[str, Any], manager: str, **spec: Any) -> dict[str, Any]:
    new = {**live, "metadata": dict(live["metadata"]), "spec": {**live["spec"], **spec}}
    update_managed_fields(live, new, manager, "apps/v1", "", 0, SCHEMA)
    return new


def template(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


def owners(obj: dict[str, Any]) -> dict[str, Any]:
    return {e["manager"]: e["fieldsV1"] for e in obj["metadata"]["managedFields"]}


def test_a_first_apply_creates_and_owns_the_leaves() -> None:
    made = applied(None, wanted(replicas=1, template=template({"name": "a", "image": "x"})))
    containers = {'k:{"name":"a"}': {".": {}, "f:image": {}, "f:name": {}}}
    assert owners(made) == {"one": {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": containers}}}}}
    assert made["metadata"]["managedFields"][0]["operation"] == "Apply"


def test_what_is_applied_no_more_is_removed() -> None:
    made = applied(None, wanted(replicas=1, paused=True, template=template({"name": "a"}, {"name": "b"})))
    again = applied(made, wanted(replicas=1, template=template({"name": "b"})))
    assert again["spec"] == {"replicas": 1, "template": template({"name": "b"})}


def test_what_another_manager_also_owns_stays() -> None:
    made = applied(None, wanted(replicas=1, paused=True))
    made = applied(made, wanted(paused=True), "two")
    again = applied(made, wanted(replicas=1))
    assert again["spec"]["paused"] is True
    assert owners(again) == {"one": {"f:spec": {"f:replicas": {}}}, "two": {"f:spec": {"f:paused": {}}}}


def test_an_item_goes_even_when_an_updater_set_a_field_below_it() -> None:
    made = applied(None, wanted(template=template({"name": "a"}, {"name": "b"})))
    live = updated(made, "human", template=template({"name": "a", "image": "x"}, {"name": "b"}))
    again = applied(live, wanted(template=template({"name": "b"})))
    assert again["spec"]["template"]["spec"]["containers"] == [{"name": "b"}]
    assert list(owners(again)) == ["one"]


def test_changing_what_another_owns_is_a_conflict_that_names_the_field() -> None:
    made = applied(None, wanted(replicas=1, template=template({"name": "a", "image": "x"})))
    with pytest.raises(ApiError) as caught:
        applied(made, wanted(replicas=2, template=template({"name": "a", "image": "y"})), "two")
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    image = '.spec.template.spec.containers[name="a"].image'
    assert caught.value.message == f'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.replicas\n- {image}'
    assert caught.value.details == {
        "causes": [
            {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".spec.replicas"},
            {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": image},
        ]
    }


def test_a_conflict_with_an_updater_names_its_version_and_subresource() -> None:
    live = updated(applied(None, wanted(paused=True)), "human", replicas=3)
    with pytest.raises(ApiError, match=r'Apply failed with 1 conflict: conflict with "human" using apps/v1: .spec.replicas'):
        applied(live, wanted(paused=True, replicas=2))


def test_force_takes_the_fields() -> None:
    made = applied(None, wanted(replicas=1))
    forced = applied(made, wanted(replicas=2), "two", force=True)
    assert forced["spec"]["replicas"] == 2
    assert owners(forced) == {"two": {"f:spec": {"f:replicas": {}}}}


def test_the_same_value_is_shared() -> None:
    made = applied(applied(None, wanted(replicas=1)), wanted(replicas=1), "two")
    assert owners(made) == {"one": {"f:spec": {"f:replicas": {}}}, "two": {"f:spec": {"f:replicas": {}}}}


def test_applying_the_same_again_changes_nothing() -> None:
    made = applied(None, wanted(replicas=1, template=template({"name": "a"})))
    assert applied(made, wanted(replicas=1, template=template({"name": "a"})), now_s=60) == made


def test_other_values_of_the_same_fields_take_nothing_from_others() -> None:
    made = applied(None, wanted(replicas=1, template=template({"name": "a", "image": "x"})))
    made = applied(made, wanted(template=template({"name": "a", "stdin": True}, {"name": "b"})), "two")
    again = applied(made, wanted(replicas=2, template=template({"name": "a", "image": "y"})))
    containers = [{"name": "a", "image": "y", "stdin": True}, {"name": "b"}]
    assert again["spec"] == {"replicas": 2, "template": template(*containers)}
    assert owners(again) == owners(made)


def test_an_object_without_owners_belongs_to_before_first_apply() -> None:
    live = wanted(replicas=1, paused=True)
    live["metadata"]["uid"] = "u"
    made = applied(live, wanted(replicas=1))
    assert owners(made) == {
        "one": {"f:spec": {"f:replicas": {}}},
        "before-first-apply": {"f:spec": {"f:replicas": {}, "f:paused": {}}},
    }


def test_lists_follow_the_order_applied() -> None:
    made = applied(None, wanted(template=template({"name": "a"}, {"name": "b"})))
    live = updated(made, "human", template=template({"name": "z"}, {"name": "a"}, {"name": "b"}))
    again = applied(live, wanted(template=template({"name": "b"}, {"name": "a"})))
    assert [c["name"] for c in again["spec"]["template"]["spec"]["containers"]] == ["z", "b", "a"]


def test_kubectl_takes_over_what_it_set_from_the_clients_side() -> None:
    live = updated(applied(None, wanted(paused=True), "x"), "kubectl-client-side-apply", replicas=1)
    live["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(wanted(replicas=1))}
    made = applied(live, wanted(replicas=2), "kubectl")
    assert made["spec"]["replicas"] == 2
    assert json.loads(made["metadata"]["annotations"][LAST_APPLIED])["spec"] == {"replicas": 2}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"foo": 1}, ".spec.foo: field not declared in schema"),
        ({"replicas": "x"}, ".spec.replicas: expected numeric (int or float), got string"),
        (
            {"template": template({"name": "a"}, {"name": "a"})},
            '.spec.template.spec.containers: duplicate entries for key [name="a"]',
        ),
    ],
)
def test_what_does_not_fit_the_schema_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        applied(None, wanted(**spec))
    assert caught.value.message == f"failed to create typed patch object (n/d; apps/v1, Kind=Deployment): {message}"
    assert (caught.value.code, caught.value.reason) == (500, "")


def test_nothing_is_applied_over_a_list_whose_items_have_no_key() -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "d", "namespace": "n"}}
    live = {**account, "secrets": [{"namespace": "x"}]}
    new = {**account, "secrets": [{"name": "s"}]}
    with pytest.raises(ApiError) as caught:
        apply(live, new, "one", "v1", "ServiceAccount", "", 0, facts.schema("", "v1", "ServiceAccount"))
    assert (caught.value.code, caught.value.reason) == (500, "")
    assert caught.value.message == (
        "failed to create typed live object (n/d; /v1, Kind=ServiceAccount): .secrets: element 0: "
        'associative list with keys has an element that omits key field "name" (and doesn\'t have default value)'
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [({"kind": "Pod"}, "apps/v1, Kind=Pod"), ({"apiVersion": True}, "/, Kind=Deployment"), ({"kind": None}, "apps/v1, Kind=")],
)
def test_what_is_applied_is_of_the_kind_of_its_endpoint(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError) as caught:
        applied(None, {**wanted(), **change})
    assert (caught.value.code, caught.value.message) == (400, f"invalid object type: {told}")


def test_managed_fields_may_not_be_applied() -> None:
    bad = wanted()
    bad["metadata"]["managedFields"] = []
    with pytest.raises(ApiError, match=r"metadata.managedFields must be nil"):
        applied(None, bad)
