"""Secrets of service accounts are filled with tokens that are good, and go with their accounts.

[sig-auth] ServiceAccounts: tokens in Secrets that are asked for by annotation.
"""

import asyncio
import base64
from typing import Any

import aiohttp

from corral.controllers.actions import Delete, Update
from corral.controllers.serviceaccount_tokens import ACCOUNT_NAME, ACCOUNT_UID, TYPE, forget, plan
from corral.testing.control import running_control
from corral.testing.objects import ago, meta
from corral.testing.server import running_server

ACCOUNT = {"metadata": {**meta("robot"), "uid": "sa-uid"}}


def secret(data: Any = None, **annotations: str) -> dict[str, Any]:
    found = {ACCOUNT_NAME: "robot", **annotations}
    return {"kind": "Secret", "metadata": meta("token", annotations=found), "type": TYPE, "data": data or {}}


def sign(account: Any, found: Any) -> str:
    return f"{account['metadata']['name']} by {found['metadata']['name']}"


def test_a_secret_gets_what_it_lacks_and_keeps_its_token() -> None:
    (action,) = plan(secret(), ACCOUNT, "CA", sign)
    assert isinstance(action, Update)
    data = {key: base64.b64decode(value).decode() for key, value in action.object["data"].items()}
    assert data == {"ca.crt": "CA", "namespace": "default", "token": "robot by token"}
    assert action.object["metadata"]["annotations"][ACCOUNT_UID] == "sa-uid"
    assert plan(action.object, ACCOUNT, "CA", sign) == []
    (again,) = plan(action.object, ACCOUNT, "CA 2", sign)
    assert isinstance(again, Update)
    assert again.object["data"]["token"] == action.object["data"]["token"]


def test_a_secret_goes_with_its_account() -> None:
    for account in (None, {"metadata": {**ACCOUNT["metadata"], "uid": "another"}}):
        (action,) = plan(secret(**{ACCOUNT_UID: "sa-uid"}), account, "CA", sign)
        assert isinstance(action, Delete)
    leaving = {"metadata": {**ACCOUNT["metadata"], "deletionTimestamp": ago(1)}}
    assert plan(secret(), leaving, "CA", sign) == []


def test_an_account_forgets_a_secret_that_is_gone() -> None:
    listing = {**ACCOUNT, "secrets": [{"name": "token"}, {"name": "other"}]}
    (action,) = forget([listing, ACCOUNT], "token")
    assert isinstance(action, Update)
    assert action.object["secrets"] == [{"name": "other"}]


def test_the_token_is_good_until_the_account_goes(tmp_path: Any) -> None:
    async def story() -> None:
        async with asyncio.timeout(30), running_server(tmp_path) as server, running_control(server) as control:
            client = control.client
            await control.until(lambda: control.objects("serviceaccounts", "default"))
            await client.create("serviceaccounts", {"metadata": {"name": "robot", "namespace": "default"}})
            wanted = {"metadata": {"name": "t", "namespace": "default", "annotations": {ACCOUNT_NAME: "robot"}}, "type": TYPE}
            await client.create("secrets", wanted)

            def token() -> str:
                found = [s for s in control.objects("secrets", "default") if (s.get("data") or {}).get("token")]
                return base64.b64decode(found[0]["data"]["token"]).decode() if found else ""

            await control.until(token)
            good = token()
            assert await status(server, good) == (403, "system:serviceaccount:default:robot")
            used = "kubernetes.io/legacy-token-last-used"
            await control.until(lambda: used in (control.objects("secrets", "default")[0]["metadata"].get("labels") or {}))
            await client.delete("serviceaccounts", "robot", "default")
            await control.until(lambda: not control.objects("secrets", "default"))
            assert await status(server, good) == (401, "")

    asyncio.run(story())


async def status(server: Any, token: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(server.url, headers=headers, connector=aiohttp.TCPConnector(ssl=server.tls())) as http,
        http.get("/api/v1/nodes") as answer,
    ):
        message = (await answer.json())["message"]
    return answer.status, message.split('User "')[1].split('"')[0] if 'User "' in message else ""
