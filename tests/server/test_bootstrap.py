"""What a new cluster holds, and how later starts repair it."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from corral.api.objects import Object
from corral.server.authorization import Attributes, Authorizer
from corral.server.bootstrap import bootstrap, cluster_objects, repaired_binding, repaired_role
from corral.server.config import ServerConfig
from corral.server.lookup import MemoryLookup
from corral.server.request import ANONYMOUS, User
from corral.server.rolefiles import parse_roles
from corral.store.sqlite import SqliteStore

NOW_S = 1_800_000_000.0
RBAC = "rbac.authorization.k8s.io"


async def started(tmp_path: Path, config: ServerConfig, times: int = 1) -> tuple[list[int], dict[str, Object]]:
    counts = []
    tmp_path.mkdir(exist_ok=True)
    for _ in range(times):
        store = await SqliteStore.open(tmp_path / "store.db")
        counts.append(await bootstrap(store, config, NOW_S, port=6443))
        entries, _ = await store.list("")
        await store.close()
    return counts, {entry.key: orjson.loads(entry.value) for entry in entries}


def test_a_new_cluster_has_what_clients_expect(tmp_path: Path) -> None:
    _, found = asyncio.run(started(tmp_path, ServerConfig(tmp_path)))
    assert {key for key in found if key.startswith("namespaces/")} == {
        f"namespaces//{name}" for name in ("default", "kube-system", "kube-public", "kube-node-lease")
    }
    assert found["services/default/kubernetes"]["spec"]["clusterIP"] == "10.96.0.1"
    assert found["services/kube-system/kube-dns"]["spec"]["clusterIP"] == "10.96.0.10"
    assert found["endpoints/default/kubernetes"]["subsets"][0]["addresses"] == [{"ip": "127.0.0.1"}]
    assert found["priorityclasses.scheduling.k8s.io//system-node-critical"]["value"] == 2_000_001_000
    assert all(obj["metadata"]["uid"] for obj in found.values())


def test_a_cluster_with_a_node_has_a_default_class_for_claims(tmp_path: Path) -> None:
    classes = "storageclasses.storage.k8s.io//"
    _, without = asyncio.run(started(tmp_path / "a", ServerConfig(tmp_path)))
    assert not [key for key in without if key.startswith(classes)]
    counts, found = asyncio.run(started(tmp_path / "b", ServerConfig(tmp_path, node_disks=True), times=2))
    assert counts[1] == 0
    standard = found[f"{classes}standard"]
    assert standard["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert (standard["reclaimPolicy"], standard["volumeBindingMode"]) == ("Delete", "WaitForFirstConsumer")


def test_bytes_leave_room_for_the_revision(tmp_path: Path) -> None:
    async def raw() -> bytes:
        store = await SqliteStore.open(tmp_path / "store.db")
        await bootstrap(store, ServerConfig(tmp_path), NOW_S)
        entry = await store.get("namespaces//default")
        await store.close()
        assert entry is not None
        return entry.value

    assert b'"resourceVersion":""' in asyncio.run(raw())


def test_a_second_start_writes_nothing(tmp_path: Path) -> None:
    counts, _ = asyncio.run(started(tmp_path, ServerConfig(tmp_path), times=2))
    assert counts[0] > 180
    assert counts[1] == 0


def test_the_endpoint_follows_the_address(tmp_path: Path) -> None:
    asyncio.run(started(tmp_path, ServerConfig(tmp_path)))
    moved = ServerConfig(tmp_path, advertise_address="192.168.7.7")
    _, found = asyncio.run(started(tmp_path, moved))
    assert found["endpointslices.discovery.k8s.io/default/kubernetes"]["endpoints"][0]["addresses"] == ["192.168.7.7"]


@pytest.fixture(scope="module")
def authorizer() -> Authorizer:
    lookup = MemoryLookup()
    for want in cluster_objects(NOW_S):
        lookup.put(want.resource, want.object)
    return Authorizer(lookup)


def may(authorizer: Authorizer, user: User, verb: str, resource: str = "", group: str = "", **more: Any) -> bool:
    return authorizer.decide(Attributes(user, verb, group, "v1", resource, **more)).allowed


def test_nobody_sees_more_than_health_and_version(authorizer: Authorizer) -> None:
    for path in ("/healthz", "/livez", "/readyz", "/version"):
        assert may(authorizer, ANONYMOUS, "get", path=path)
    for path in ("/api", "/apis", "/metrics", "/openapi/v3", "/logs"):
        assert not may(authorizer, ANONYMOUS, "get", path=path)
    assert not may(authorizer, ANONYMOUS, "list", "pods", namespace="default")
    assert not may(authorizer, ANONYMOUS, "create", "selfsubjectaccessreviews", "authorization.k8s.io")


def test_every_user_may_ask_about_itself(authorizer: Authorizer) -> None:
    ann = User("ann", groups=("system:authenticated",))
    assert may(authorizer, ann, "create", "selfsubjectaccessreviews", "authorization.k8s.io")
    assert may(authorizer, ann, "get", path="/apis/apps")
    assert not may(authorizer, ann, "list", "pods", namespace="default")


def test_aggregated_roles_hold_the_rules_of_their_parts() -> None:
    roles = {w.object["metadata"]["name"]: w.object for w in cluster_objects(NOW_S) if w.resource == f"clusterroles.{RBAC}"}
    get_pods = [r for r in roles["view"]["rules"] if "pods" in r["resources"] and "list" in r["verbs"]]
    assert get_pods
    assert not [r for r in roles["view"]["rules"] if "secrets" in r["resources"]]
    assert [r for r in roles["admin"]["rules"] if "rolebindings" in r["resources"]]
    assert [r for r in roles["admin"]["rules"] if "pods/log" in r["resources"]]


def test_a_default_role_gets_back_what_it_lost() -> None:
    want = next(parse_roles(["view-pods", "  get,list - pods", "  get apps deployments"]))
    lame = {**want, "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}
    repaired = repaired_role(lame, want)
    assert repaired is not None
    assert repaired["rules"] == [
        *lame["rules"],
        {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments"]},
    ]
    assert repaired_role(repaired, want) is None


def test_what_people_added_stays_and_what_they_turned_off_is_left_alone() -> None:
    want = next(parse_roles(["r", "  get - pods"]))
    wider = {**want, "rules": [*want["rules"], {"verbs": ["*"], "apiGroups": ["x"], "resources": ["*"]}]}
    assert repaired_role(wider, want) is None
    annotations = {"rbac.authorization.kubernetes.io/autoupdate": "false"}
    off = {**want, "metadata": {**want["metadata"], "annotations": annotations}, "rules": []}
    assert repaired_role(off, want) is None


def test_a_default_binding_gets_back_its_subjects() -> None:
    group = {"kind": "Group", "name": "g"}
    want: Object = {"metadata": {"name": "b"}, "roleRef": {"name": "r"}, "subjects": [group]}
    extra = {"kind": "User", "name": "ann"}
    repaired = repaired_binding({**want, "subjects": [extra]}, want)
    assert repaired is not None
    assert repaired["subjects"] == [extra, group]


def test_a_line_that_is_no_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="before any role"):
        list(parse_roles(["  get - pods"]))
