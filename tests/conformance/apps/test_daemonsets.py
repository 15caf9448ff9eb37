"""DaemonSets on nodes that say of their pods what the test wants."""

import json
from typing import Any

from tests.conformance.hollow import NODES, HollowNodes
from tests.conformance.objects import workload
from tests.conformance.rest import STRATEGIC, Api

Object = dict[str, Any]
PATH = "daemonsets.apps/ds"
HASH = "controller-revision-hash"


def _nodes(hollow: HollowNodes) -> dict[str, Object]:
    """The pods of the set that stay and have a node, by it."""
    stay = (p for p in hollow.pods("app=ds") if not p["metadata"].get("deletionTimestamp"))
    return {p["spec"]["nodeName"]: p for p in stay if p["spec"].get("nodeName")}


def _running_on(hollow: HollowNodes, *nodes: str) -> bool:
    found = _nodes(hollow)
    return found.keys() == set(nodes) and all(p["status"]["phase"] == "Running" for p in found.values())


def _create(hollow: HollowNodes, **spec: Any) -> Object:
    hollow.api.until_pods_can_be_made()
    made: Object = hollow.api.create(
        "daemonsets.apps", workload("DaemonSet", "ds", replicas=None, labels={"app": "ds"}, **spec)
    )
    return made


def test_a_pod_on_every_node_and_again_when_it_is_deleted(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Daemon set [Serial] should run and stop simple daemon [Conformance]"""
    nodes = [hollow.add("one"), hollow.add("two")]
    _create(hollow)
    hollow.until(lambda: _running_on(hollow, *nodes))
    hollow.until(lambda: api.get(PATH)["status"].get("numberReady") == 2)
    first = _nodes(hollow)[nodes[0]]["metadata"]
    api.delete(f"pods/{first['name']}")
    hollow.until(lambda: _running_on(hollow, *nodes) and _nodes(hollow)[nodes[0]]["metadata"]["uid"] != first["uid"])
    api.delete(PATH, {"propagationPolicy": "Foreground"})
    hollow.until(lambda: api.find(PATH) is None)
    assert hollow.pods("app=ds") == []


def test_only_on_nodes_with_the_label(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Daemon set [Serial] should run and stop complex daemon [Conformance]"""
    key = f"color-{api.namespace}"
    one, _ = hollow.add("one"), hollow.add("two")

    def colored(color: str | None) -> None:
        api.patch(f"{NODES}/{one}", {"metadata": {"labels": {key: color}}})

    api.until_pods_can_be_made()
    body = workload("DaemonSet", "ds", replicas=None, labels={"app": "ds"})
    body["spec"]["template"]["spec"]["nodeSelector"] = {key: "blue"}
    api.create("daemonsets.apps", body)
    hollow.until(lambda: api.get(PATH)["status"].get("observedGeneration") == 1)
    assert _nodes(hollow) == {}
    colored("blue")
    hollow.until(lambda: _running_on(hollow, one))
    status = hollow.until(lambda: (s := api.get(PATH)["status"]).get("currentNumberScheduled") == 1 and s)
    assert (status["desiredNumberScheduled"], status["numberMisscheduled"]) == (1, 0)
    colored("green")
    hollow.until(lambda: hollow.pods("app=ds") == [])
    patch = {"spec": {"template": {"spec": {"nodeSelector": {key: "green"}}}, "updateStrategy": {"type": "RollingUpdate"}}}
    api.patch(PATH, patch)
    hollow.until(lambda: _running_on(hollow, one))


def test_a_failed_pod_is_made_again(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Daemon set [Serial] should retry creating failed daemon pods [Conformance]"""
    nodes = [hollow.add("one"), hollow.add("two")]
    _create(hollow)
    hollow.until(lambda: _running_on(hollow, *nodes))
    failed = _nodes(hollow)[nodes[0]]["metadata"]
    hollow.says(failed["name"], "failed")
    hollow.until(lambda: api.find(f"pods/{failed['name']}") is None)
    hollow.until(lambda: _running_on(hollow, *nodes))
    where = {"fieldSelector": "involvedObject.name=ds,reason=FailedDaemonPod"}
    events = hollow.until(lambda: api.get("events", **where)["items"])
    assert [(e["type"], failed["name"] in e["message"]) for e in events] == [("Warning", True)]


def test_an_update_node_by_node(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Daemon set [Serial] should update pod when spec was updated and update strategy is RollingUpdate [Conformance]"""
    nodes = [hollow.add("one"), hollow.add("two")]
    _create(hollow, updateStrategy={"type": "RollingUpdate"})
    hollow.until(lambda: _running_on(hollow, *nodes))
    revisions = api.get("controllerrevisions.apps", labelSelector="app=ds")["items"]
    hashes = {r["revision"]: r["metadata"]["labels"][HASH] for r in revisions}
    assert hashes.keys() == {1}
    # Clients compare the bytes with those that Go makes of the template.
    template = {**api.get(PATH)["spec"]["template"], "$patch": "replace"}
    assert json.dumps(revisions[0]["data"]) == json.dumps({"spec": {"template": template}}, sort_keys=True)
    assert {p["metadata"]["labels"][HASH] for p in _nodes(hollow).values()} == {hashes[1]}
    api.patch(PATH, {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "i:2"}]}}}}, STRATEGIC)
    least = 2

    def updated() -> bool:
        nonlocal least
        found = _nodes(hollow)
        least = min(least, len(found))
        return len(found) == 2 and all(p["spec"]["containers"][0]["image"] == "i:2" for p in found.values())

    hollow.until(updated)
    assert least >= 1
    hollow.until(lambda: _running_on(hollow, *nodes))
    hollow.until(lambda: api.get(PATH)["status"].get("updatedNumberScheduled") == 2)
    revisions = api.get("controllerrevisions.apps", labelSelector="app=ds")["items"]
    newest = {r["revision"]: r["metadata"]["labels"][HASH] for r in revisions}
    assert newest.keys() == {1, 2} and newest[1] == hashes[1]
    assert {p["metadata"]["labels"][HASH] for p in _nodes(hollow).values()} == {newest[2]}


def test_the_way_back_leaves_alone_what_was_not_updated(api: Api, hollow: HollowNodes) -> None:
    """[sig-apps] Daemon set [Serial] should rollback without unnecessary restarts [Conformance]"""
    nodes = [hollow.add("one"), hollow.add("two")]
    _create(hollow, updateStrategy={"type": "RollingUpdate"})
    hollow.until(lambda: _running_on(hollow, *nodes))
    before = {node: p["metadata"]["uid"] for node, p in _nodes(hollow).items()}
    old = api.get(PATH)["spec"]["template"]["spec"]["containers"][0]["image"]
    hollow.fate = lambda pod: None if pod["spec"]["containers"][0]["image"] == "foo:non-existent" else "ready"
    change = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "foo:non-existent"}]}}}}
    api.patch(PATH, change, STRATEGIC)

    def mixed() -> bool:
        images = sorted(p["spec"]["containers"][0]["image"] for p in _nodes(hollow).values())
        return images == sorted(["foo:non-existent", old])

    hollow.until(mixed)
    untouched = {p["metadata"]["uid"] for p in _nodes(hollow).values()} & set(before.values())
    assert len(untouched) == 1
    change["spec"]["template"]["spec"]["containers"][0]["image"] = old
    api.patch(PATH, change, STRATEGIC)
    hollow.until(lambda: _running_on(hollow, *nodes))
    hollow.until(lambda: api.get(PATH)["status"].get("updatedNumberScheduled") == 2)
    after = _nodes(hollow)
    assert untouched <= {p["metadata"]["uid"] for p in after.values()}
    assert {p["spec"]["containers"][0]["image"] for p in after.values()} == {old}
