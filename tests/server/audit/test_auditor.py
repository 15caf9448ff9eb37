"""Events say who asked for what and what came of it, in the reference's form, and nothing that is secret."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from corral.client.client import Client
from corral.server.request import User
from corral.testing.server import RunningServer, running_server

ALL = """
apiVersion: audit.k8s.io/v1
kind: Policy
rules: [{level: RequestResponse}]
"""
MAPS = "/api/v1/namespaces/default/configmaps"
CANARY = "tweet-tweet-tweet"


def told(tmp_path: Path, story: Any, policy: str = "") -> list[dict[str, Any]]:
    """The events of a story told to a server with that policy."""
    if policy:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "audit-policy.yaml").write_text(policy)

    async def run() -> None:
        async with asyncio.timeout(30), running_server(tmp_path, users={"bobs": User("bob")}) as server:
            await story(server)

    asyncio.run(run())
    return [json.loads(line) for line in (tmp_path / "server" / "audit.log").read_text().splitlines()]


def session(server: RunningServer, token: str = "", **headers: str) -> aiohttp.ClientSession:
    sent = {"Authorization": f"Bearer {token or server.token}", "User-Agent": "kubectl/v1.36"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return aiohttp.ClientSession(server.url, headers=sent, connector=aiohttp.TCPConnector(ssl=server.tls()))


def test_a_write_is_one_event_at_metadata(tmp_path: Path) -> None:
    async def story(server: RunningServer) -> None:
        body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "data": {"k": "hush"}}
        async with session(server, Audit_ID="mine") as http, http.post(MAPS, json=body) as answer:
            assert answer.headers["Audit-Id"] == "mine"

    (event,) = [e for e in told(tmp_path, story) if e["auditID"] == "mine"]
    received, stamped = event.pop("requestReceivedTimestamp"), event.pop("stageTimestamp")
    assert received.endswith("Z") and len(received) == 27 and received <= stamped
    assert event == {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "mine",
        "stage": "ResponseComplete",
        "requestURI": MAPS,
        "verb": "create",
        "user": {"username": "admin", "groups": ["system:masters", "system:authenticated"]},
        "sourceIPs": ["127.0.0.1"],
        "userAgent": "kubectl/v1.36",
        "objectRef": {"resource": "configmaps", "namespace": "default", "name": "a", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 201},
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }


def test_a_refusal_tells_why(tmp_path: Path) -> None:
    async def story(server: RunningServer) -> None:
        async with session(server, "bobs") as http, http.get(MAPS) as answer:
            assert answer.status == 403
        async with session(server, "nobodys") as http, http.get(MAPS) as answer:
            assert answer.status == 401

    forbidden, unknown = [e for e in told(tmp_path, story) if e["userAgent"] == "kubectl/v1.36"]
    assert forbidden["responseStatus"]["reason"] == "Forbidden"
    assert forbidden["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert (unknown["stage"], unknown["user"]) == ("ResponseStarted", {"username": ""})
    assert unknown["responseStatus"] == {"metadata": {}, "message": "Authentication failed, attempted: bearer", "code": 401}


def test_impersonation_names_both_and_what_allowed_it(tmp_path: Path) -> None:
    async def story(server: RunningServer) -> None:
        async with session(server, Impersonate_User="ann") as http, http.get(MAPS):
            pass

    (event,) = [e for e in told(tmp_path, story) if e.get("impersonatedUser")]
    assert (event["user"]["username"], event["impersonatedUser"]["username"]) == ("admin", "ann")
    assert event["authenticationMetadata"] == {"impersonationConstraint": "impersonate:user-info"}


def test_a_watch_begins_and_ends(tmp_path: Path) -> None:
    async def story(server: RunningServer) -> None:
        async with session(server, Audit_ID="w") as http, http.get(MAPS + "?watch=1&timeoutSeconds=1") as answer:
            await answer.read()

    events = [e for e in told(tmp_path, story) if e["auditID"] == "w"]
    assert [e["stage"] for e in events] == ["ResponseStarted", "ResponseComplete"]
    assert events[0]["verb"] == "watch"


def test_callers_in_this_process_are_written_down_and_counted(tmp_path: Path) -> None:
    async def story(server: RunningServer) -> None:
        client: Client = server.client("kube-controller-manager")
        await client.create("configmaps", {"metadata": {"name": "a", "namespace": "default"}})
        await client.list("configmaps")
        async with session(server) as http, http.get("/metrics") as answer:
            text = await answer.text()
        assert 'apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="configmaps"' in text

    events = [e for e in told(tmp_path, story) if e["userAgent"] == "kube-controller-manager"]
    assert [(e["verb"], e["objectRef"]["name"]) for e in events] == [("create", "a")]


def test_request_response_shows_bodies_and_every_stage(tmp_path: Path) -> None:
    async def story(server: RunningServer) -> None:
        body = f'{{"kind":"ConfigMap","apiVersion":"v1","metadata":{{"name":"a"}},"data":{{"k":"{CANARY}"}}}}'
        async with session(server, Audit_ID="w", Content_Type="application/yaml") as http:
            await http.post(MAPS, data=body)

    received, complete = [e for e in told(tmp_path, story, ALL) if e["auditID"] == "w"]
    assert (received["stage"], "responseStatus" in received) == ("RequestReceived", False)
    assert complete["requestObject"]["data"] == {"k": CANARY}
    assert complete["responseObject"]["metadata"]["uid"]
    assert complete["responseObject"]["metadata"]["managedFields"]


SECRETS = "/api/v1/namespaces/default/secrets"


@pytest.mark.parametrize("encoding", ["json", "yaml"])
def test_secrets_reach_no_log_at_the_highest_levels(tmp_path: Path, caplog: pytest.LogCaptureFixture, encoding: str) -> None:
    """Secrets, tokens asked for, tokens shown, tokens reviewed: not in the audit log, not in the server's own."""
    caplog.set_level(1)
    hidden: list[str] = [CANARY, "dHdlZXQtdHdlZXQtdHdlZXQ="]

    async def story(server: RunningServer) -> None:
        hidden.append(server.token)
        async with session(server, Content_Type=f"application/{encoding}") as http:
            secret = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a"}, "stringData": {"k": CANARY}}
            bodies: list[tuple[str, str, Any]] = [
                ("POST", SECRETS, secret),
                ("PUT", SECRETS + "/a", secret),
                ("PUT", SECRETS + "/a", {**secret, "data": {"k": CANARY}}),
                ("POST", SECRETS, {**secret, "kind": CANARY}),
                ("GET", SECRETS, None),
                ("GET", SECRETS + "/a", None),
                ("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "r"}}),
                ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": server.token}}),
                ("GET", f"/api/v1/pods?token={server.token}", None),
                ("DELETE", SECRETS + "/a", None),
            ]
            for method, path, body in bodies:
                data = None if body is None else json.dumps(body)
                async with http.request(method, path, data=data):
                    pass
            where = "/api/v1/namespaces/default/serviceaccounts/r/token"
            async with http.post(where, data='{"spec":{}}') as answer:
                hidden.append((await answer.json())["status"]["token"])
            async with session(server, hidden[-1]) as robot, robot.get("/api/v1/pods") as answer:
                assert answer.status == 403
        server.api.house.audit_log.flush()

    events = told(tmp_path, story, ALL)
    assert len(events) > 20
    logs = (tmp_path / "server" / "audit.log").read_text() + caplog.text
    assert [text for text in hidden if text in logs] == []


def test_a_token_leads_from_its_use_to_who_asked_for_it(tmp_path: Path) -> None:
    where = "/api/v1/namespaces/default/serviceaccounts"

    async def story(server: RunningServer) -> None:
        async with session(server, Audit_ID="asked") as http:
            await http.post(where, json={"metadata": {"name": "r"}})
            async with http.post(f"{where}/r/token", json={"spec": {}}) as answer:
                token = (await answer.json())["status"]["token"]
        async with session(server, token, Audit_ID="used") as http, http.get(MAPS):
            pass

    events = {
        (e["auditID"], e["verb"], e["objectRef"].get("subresource")): e for e in told(tmp_path, story) if "objectRef" in e
    }
    issued = events["asked", "create", "token"]["annotations"]["authentication.kubernetes.io/issued-credential-id"]
    used = events["used", "list", None]["user"]
    assert used["extra"]["authentication.kubernetes.io/credential-id"] == [issued]
