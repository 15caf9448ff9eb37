"""The owners of the replicas, in the workload and in its Scale."""

from corral.api.scaleowners import in_parent, in_scale

PATH = ("spec", "replicas")
REPLICAS = {"f:spec": {"f:replicas": {}}}
TIME = "2026-01-01T00:00:00Z"


def entry(manager, fields, operation="Apply", version="apps/v1", subresource=""):
    made = {"manager": manager, "operation": operation, "apiVersion": version, "time": TIME, "fieldsType": "FieldsV1"}
    made["fieldsV1"] = fields
    return {**made, "subresource": subresource} if subresource else made


def obj(*entries):
    return {"metadata": {"name": "d", "managedFields": list(entries)}}


BOTH = {"f:spec": {"f:paused": {}, "f:replicas": {}}}


def test_only_owners_of_the_replicas_own_the_scale():
    given = obj(entry("one", BOTH), entry("two", {"f:spec": {"f:paused": {}}}), entry("three", REPLICAS, "Update"))
    assert in_scale(given, PATH) == [
        entry("one", REPLICAS, version="autoscaling/v1"),
        entry("three", REPLICAS, "Update", "autoscaling/v1"),
    ]


def test_who_lost_the_scale_loses_the_replicas_and_nothing_else():
    given = obj(entry("one", BOTH), entry("two", REPLICAS, "Update"))
    scale = obj(entry("hpa", REPLICAS, version="autoscaling/v1", subresource="scale"))
    assert in_parent(given, scale, PATH, "apps/v1") == [
        entry("hpa", REPLICAS, subresource="scale"),
        entry("one", {"f:spec": {"f:paused": {}}}),
    ]


def test_who_keeps_the_scale_keeps_what_it_owns():
    given = obj(entry("one", BOTH), entry("two", {"f:spec": {"f:paused": {}}}))
    scale = obj(entry("one", REPLICAS, version="autoscaling/v1"), entry("two", REPLICAS, version="autoscaling/v1"))
    assert in_parent(given, scale, PATH, "apps/v1") == [entry("one", BOTH), entry("two", BOTH)]


def test_replicas_of_custom_resources_stand_elsewhere():
    fields = {"f:spec": {"f:size": {"f:wanted": {}}}}
    given = obj(entry("one", fields, version="example.com/v1"))
    path = ("spec", "size", "wanted")
    assert in_scale(given, path) == [entry("one", REPLICAS, version="autoscaling/v1")]
    assert in_parent(given, obj(*in_scale(given, path)), path, "example.com/v1") == given["metadata"]["managedFields"]
