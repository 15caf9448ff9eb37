"""The bytes of an object and the revision in them."""

import orjson

from corral.api import facts, serialize


def pod() -> dict[str, object]:
    return {
        "spec": {"nodeName": "n"},
        "metadata": {"labels": {"a": "b"}, "resourceVersion": "7", "name": "p", "uid": "u", "namespace": "default"},
        "apiVersion": "v1",
        "kind": "Pod",
    }


def test_kind_version_and_metadata_come_first_and_the_revision_is_open() -> None:
    assert serialize.serialize(pod()).startswith(
        b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","namespace":"default","uid":"u","resourceVersion":"","labels"'
    )


def test_the_revision_is_filled_in_once() -> None:
    given = pod()
    given["data"] = {"resourceVersion": ""}
    filled = serialize.with_revision(serialize.serialize(given), 42)
    assert orjson.loads(filled) == {
        **given,
        "metadata": {**given["metadata"], "resourceVersion": "42"},  # type: ignore[dict-item]
    }


def test_a_name_cannot_take_the_revisions_place() -> None:
    given = pod()
    given["metadata"]["name"] = '","resourceVersion":"'  # type: ignore[index]
    filled = orjson.loads(serialize.with_revision(serialize.serialize(given), 3))
    assert filled["metadata"]["resourceVersion"] == "3"


def test_dumping_leaves_the_object_alone() -> None:
    given = pod()
    serialize.serialize(given)
    assert given == pod()


def test_fields_that_go_always_writes_are_there() -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"}}
    raw = serialize.serialize(role, facts.schema("rbac.authorization.k8s.io", "v1", "Role"))
    assert orjson.loads(raw)["rules"] is None
    assert "rules" not in role
    replica_set = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r"}, "spec": {}}
    raw = serialize.serialize(replica_set, facts.schema("apps", "v1", "ReplicaSet"))
    assert orjson.loads(raw)["status"] == {"replicas": 0}


def test_texts_are_escaped_as_go_escapes_them() -> None:
    given = pod()
    given["spec"] = {"command": ["a && b <c> \u2028 ü \\u0026"]}
    raw = serialize.serialize(given)
    assert rb'["a \u0026\u0026 b \u003cc\u003e \u2028 ' + "ü".encode() + rb' \\u0026"]' in raw
    assert orjson.loads(raw)["spec"] == given["spec"]
