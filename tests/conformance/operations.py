"""What every "API operations" behaviour asks of a resource: all verbs, seen by a watch."""

import json
from typing import Any

from tests.conformance.rest import Api

Object = dict[str, Any]


def all_verbs(api: Api, path: str, body: Object, patch: Object | None = None, *, gone_at_once: bool = True) -> None:
    """Create, get, list, watch, patch, update, delete and deletecollection of the collection at `path`.

    `patch` is a merge patch that must change something (default: an annotation). `body` has a name.
    """
    label = {"conformance": body["metadata"]["name"][:60]}
    selector = ",".join(f"{k}={v}" for k, v in label.items())
    body = {**body, "metadata": {**body["metadata"], "labels": {**body["metadata"].get("labels", {}), **label}}}
    name = body["metadata"]["name"]
    listed = api.get(path, labelSelector=selector)
    assert listed["items"] == [] or listed["items"] is None
    watch = api.watch(path, labelSelector=selector, resourceVersion=listed["metadata"]["resourceVersion"])
    try:
        made = api.create(path, body)
        assert made["metadata"]["uid"] and made["metadata"]["creationTimestamp"]
        assert api.get(f"{path}/{name}")["metadata"]["uid"] == made["metadata"]["uid"]
        assert api.refused("POST", path, body).reason == "AlreadyExists"
        assert api.names(path, labelSelector=selector) == [name]
        if "/namespaces/" in api.path(path):
            assert api.names(everywhere(api, path), labelSelector=selector) == [name]
        assert watch.next()["type"] == "ADDED"

        patched = api.patch(f"{path}/{name}", patch or {"metadata": {"annotations": {"patched": "true"}}})
        assert patched["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
        assert api.refused("PUT", f"{path}/{name}", made).reason == "Conflict"
        current = api.get(f"{path}/{name}")
        current["metadata"].setdefault("annotations", {})["updated"] = "true"
        updated = replace(api, f"{path}/{name}", current)
        assert updated["metadata"]["annotations"]["updated"] == "true"
        event = watch.until(lambda event: event["object"]["metadata"].get("annotations", {}).get("updated") == "true")
        assert event["type"] == "MODIFIED"

        api.delete(f"{path}/{name}")
        if gone_at_once:
            assert api.refused("GET", f"{path}/{name}").code == 404
        else:
            api.until_gone(f"{path}/{name}")
        assert watch.until(lambda event: event["type"] == "DELETED")["object"]["metadata"]["name"] == name

        again = json.loads(json.dumps(body))
        api.create(path, again)
        api.delete(path, labelSelector=selector)
        api.until_gone(f"{path}/{name}")
    finally:
        watch.close()


def replace(api: Api, path: str, body: Object) -> Any:
    """PUT, again where a controller was faster, with what `body` says beside its resourceVersion."""
    for _ in range(20):
        code, answer, _headers = api.raw("PUT", path, body)
        if code != 409:
            assert code < 400, answer
            return answer
        body = {**body, "metadata": {**body["metadata"], "resourceVersion": api.get(path)["metadata"]["resourceVersion"]}}
    raise AssertionError(f"PUT {path} conflicts for ever")


def status_verbs(api: Api, path: str, condition: Object | None = None) -> None:
    """GET, PATCH and PUT of the `status` of the object at `path`: they change it, and nothing else.

    `condition` is what is added to `status.conditions`, which must be a list of such things.
    """
    before = api.get(f"{path}/status")
    assert before["metadata"]["uid"]
    condition = condition or {"type": "StatusPatched", "status": "True", "reason": "Test", "message": "by patch"}
    patched = api.patch(f"{path}/status", {"status": {"conditions": [condition]}})
    assert [c["type"] for c in patched["status"]["conditions"] if c["type"] == condition["type"]]
    controlled = {"taints"}  # A node's, which its controller writes meanwhile.
    assert patched["spec"].keys() - controlled == before["spec"].keys() - controlled
    current = api.get(f"{path}/status")
    current["status"]["conditions"] = [c for c in current["status"].get("conditions") or [] if c["type"] != "StatusUpdate"] + [
        {**condition, "type": "StatusUpdate", "message": "by update"}
    ]
    updated = replace(api, f"{path}/status", current)
    assert "StatusUpdate" in [c["type"] for c in updated["status"]["conditions"]]


def everywhere(api: Api, path: str) -> str:
    """The collection of all namespaces."""
    return api.path(path).replace(f"/namespaces/{api.namespace}", "")


def in_discovery(api: Api, group: str, version: str, *resources: str) -> None:
    """The group, its version and its resources are in the discovery documents."""
    assert group in [g["name"] for g in api.get("/apis")["groups"]]
    assert version in [v["version"] for v in api.get(f"/apis/{group}")["versions"]]
    assert set(resources) <= {r["name"] for r in api.get(f"/apis/{group}/{version}")["resources"]}
