import base64

import pytest

from corral.node.facts import NodeFacts
from corral.node.references import Reference
from corral.node.volumes.content import Material, VolumeError, files_of, token_sources
from corral.testing.podstate import container, new_pod

OBJECTS = {
    Reference("configmaps", "default", "conf"): {"data": {"a": "1", "b": "2"}, "binaryData": {"c": "/w=="}},
    Reference("secrets", "default", "keys"): {"data": {"p": base64.b64encode(b"pass").decode()}},
}


def files(volume, pod=None, tokens=None):
    node = NodeFacts("n1", ("192.0.2.1",), 1000, 1024)
    made = files_of(pod or new_pod(), {"name": "v", **volume}, Material(OBJECTS.get, node, (), tokens or {}))
    return {path: (f.content, f.mode) for path, f in made.items()}


def test_a_config_map_whole_and_in_part():
    assert files({"configMap": {"name": "conf", "defaultMode": 0o400}}) == {
        "a": (b"1", 0o400),
        "b": (b"2", 0o400),
        "c": (b"\xff", 0o400),
    }
    items = [{"key": "a", "path": "x/y", "mode": 0o777}]
    assert files({"configMap": {"name": "conf", "items": items}}) == {"x/y": (b"1", 0o777)}


def test_a_secret():
    assert files({"secret": {"secretName": "keys"}}) == {"p": (b"pass", 0o644)}


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        ({"secret": {"secretName": "none"}}, 'secret "none" not found'),
        (
            {"configMap": {"name": "conf", "items": [{"key": "z", "path": "z"}]}},
            "configmap references non-existent config key: z",
        ),
    ],
)
def test_what_is_missing_is_named_unless_it_is_optional(volume, message):
    with pytest.raises(VolumeError) as caught:
        files(volume)
    assert str(caught.value) == message
    (kind, source) = next(iter(volume.items()))
    assert files({kind: source | {"optional": True}}) == {}


def test_a_source_of_another_kind_is_refused():
    with pytest.raises(VolumeError, match="clusterTrustBundle"):
        files({"projected": {"sources": [{"clusterTrustBundle": {"name": "b", "path": "ca.pem"}}]}})


def test_the_downward_api():
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "cpu", "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu", "divisor": "1m"}},
    ]
    pod = new_pod(container("c", resources={"limits": {"cpu": "2"}}), meta={"labels": {"b": 'x"y', "a": "1"}})
    assert files({"downwardAPI": {"items": items}}, pod) == {
        "labels": (b'a="1"\nb="x\\"y"', 0o644),
        "cpu": (b"2000", 0o644),
    }


PROJECTED = {
    "projected": {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
            {"configMap": {"name": "conf", "items": [{"key": "a", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        ],
    }
}


def test_a_projected_volume_joins_its_sources():
    assert files(PROJECTED, tokens={("v", 0): "secret"}) == {
        "token": (b"secret", 0o644),
        "ca.crt": (b"1", 0o644),
        "namespace": (b"default", 0o644),
    }
    assert [i for i, _ in token_sources(PROJECTED)] == [0]


def test_a_token_is_for_the_containers_user_or_the_pods_group():
    mine = new_pod(securityContext={"runAsUser": 5})
    assert files(PROJECTED, mine, {("v", 0): "t"})["token"] == (b"t", 0o600)
    group = new_pod(securityContext={"fsGroup": 7})
    made = files(PROJECTED, group, {("v", 0): "t"})
    assert made["token"] == (b"t", 0o640)
    assert made["namespace"][1] == 0o644
