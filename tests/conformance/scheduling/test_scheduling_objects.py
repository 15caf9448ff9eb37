"""LimitRanges and PriorityClasses."""

from tests.conformance.objects import pod
from tests.conformance.operations import everywhere, replace
from tests.conformance.rest import MERGE, STRATEGIC, Api

CLASSES = "/apis/scheduling.k8s.io/v1/priorityclasses"


def test_defaults_of_a_limit_range(api: Api) -> None:
    """[sig-scheduling] LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied. [Conformance]"""
    api.until_pods_can_be_made()
    limits = {
        "type": "Container",
        "min": {"cpu": "50m", "memory": "100Mi", "ephemeral-storage": "100Gi"},
        "max": {"cpu": "500m", "memory": "500Mi", "ephemeral-storage": "500Gi"},
        "default": {"cpu": "500m", "memory": "500Mi", "ephemeral-storage": "500Gi"},
        "defaultRequest": {"cpu": "100m", "memory": "200Mi", "ephemeral-storage": "200Gi"},
    }
    watch = api.watch("limitranges")
    api.create("limitranges", {"metadata": {"name": "lr"}, "spec": {"limits": [limits]}})
    assert watch.next()["type"] == "ADDED"
    bare = api.create("pods", pod("none"))["spec"]["containers"][0]["resources"]
    assert bare == {"requests": limits["defaultRequest"], "limits": limits["default"]}
    partial = {"resources": {"requests": {"cpu": "300m", "memory": "150Mi"}, "limits": {"cpu": "300m"}}}
    some = api.create("pods", pod("partial", container=partial))["spec"]["containers"][0]["resources"]
    assert (
        some["requests"]["cpu"] == "300m"
        and some["requests"]["memory"] == "150Mi"
        and some["requests"]["ephemeral-storage"] == "200Gi"
    )
    assert some["limits"] == {"cpu": "300m", "memory": "500Mi", "ephemeral-storage": "500Gi"}
    for amounts in ({"requests": {"cpu": "10m", "memory": "50Mi"}}, {"limits": {"cpu": "600m"}}):
        assert api.refused("POST", "pods", pod("no", container={"resources": amounts})).code == 403
    found = api.get("limitranges/lr")
    found["spec"]["limits"][0]["min"] = {"cpu": "9m", "memory": "49Mi"}
    replace(api, "limitranges/lr", found)
    api.create("pods", pod("yes", container={"resources": {"requests": {"cpu": "10m", "memory": "50Mi"}}}))
    api.delete("limitranges/lr")
    watch.until(lambda e: e["type"] == "DELETED")
    watch.close()


def test_collections_of_limit_ranges(api: Api) -> None:
    """[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection [Conformance]"""
    body = {
        "metadata": {"name": "lr", "labels": {"lr": api.namespace}},
        "spec": {"limits": [{"type": "Container", "max": {"cpu": "500m"}}]},
    }
    api.create("limitranges", body)
    assert api.names(everywhere(api, "limitranges"), labelSelector=f"lr={api.namespace}") == ["lr"]
    patch = {"metadata": {"labels": {"lr": "patched"}}, "spec": {"limits": [{"type": "Container", "max": {"cpu": "600m"}}]}}
    assert api.patch("limitranges/lr", patch, STRATEGIC)["metadata"]["labels"]["lr"] == "patched"
    api.delete("limitranges", labelSelector="lr=patched")
    assert api.names("limitranges") == []


def test_priority_classes(api: Api) -> None:
    """[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods [Conformance]"""
    names = [f"{n}-{api.namespace}" for n in ("p1", "p2")]
    for name, value in zip(names, (100, 200), strict=True):
        api.create(CLASSES, {"metadata": {"name": name, "labels": {"of": api.namespace}}, "value": value, "description": "a"})
    assert api.names(CLASSES, labelSelector=f"of={api.namespace}") == names
    for name in names:
        found = api.get(f"{CLASSES}/{name}")
        refused = api.refused("PUT", f"{CLASSES}/{name}", {**found, "value": found["value"] * 10})
        assert refused.code == 422 and "may not be changed in an update." in refused.message
        assert api.refused("PATCH", f"{CLASSES}/{name}", {"value": 1}, type=MERGE).code == 422
        assert replace(api, f"{CLASSES}/{name}", {**found, "description": "updated"})["description"] == "updated"
    api.delete(CLASSES, labelSelector=f"of={api.namespace}")
    assert api.names(CLASSES, labelSelector=f"of={api.namespace}") == []
