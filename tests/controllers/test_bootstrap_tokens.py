"""cluster-info is signed with every bootstrap token that may; tokens that have ended go."""

import asyncio
import base64
import hashlib
import hmac
from typing import Any

from corral.base.clock import rfc3339
from corral.controllers.actions import Again, Delete, Update
from corral.controllers.bootstrap_tokens import TYPE, plan_cleaning, plan_signatures, signature
from corral.testing.control import running_control
from corral.testing.objects import NOW_S, ago, meta
from corral.testing.server import running_server

ID, SECRET = "abcdef", "0123456789abcdef"


def token(**changes: str) -> dict[str, Any]:
    data = {"token-id": ID, "token-secret": SECRET, "usage-bootstrap-signing": "true"}
    data |= {name.replace("_", "-"): value for name, value in changes.items()}
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {**meta(f"bootstrap-token-{ID}"), "namespace": "kube-system"}, "type": TYPE, "data": encoded}


def info(**data: str) -> dict[str, Any]:
    return {"metadata": {"name": "cluster-info", "namespace": "kube-public"}, "data": {"kubeconfig": "content", **data}}


def test_a_signature_can_be_checked_with_the_token() -> None:
    head, nothing, tail = signature("content", ID, SECRET).split(".")
    assert nothing == ""
    payload = base64.urlsafe_b64encode(b"content").rstrip(b"=").decode()
    mac = hmac.new(SECRET.encode(), f"{head}.{payload}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(tail + "=" * (-len(tail) % 4)) == mac
    assert base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)) == b'{"alg":"HS256","kid":"abcdef"}'


def test_each_token_that_may_signs() -> None:
    (action,) = plan_signatures(info(**{"jws-kubeconfig-fedcba": "old"}), [token()], NOW_S)
    assert isinstance(action, Update)
    assert set(action.object["data"]) == {"kubeconfig", f"jws-kubeconfig-{ID}"}
    assert plan_signatures(action.object, [token()], NOW_S) == []
    for other in (
        token(usage_bootstrap_signing="false"),
        token(expiration=ago(1)),
        token(token_id="no"),
        token(expiration="?"),
    ):
        assert plan_signatures(info(), [other], NOW_S) == []


def test_a_token_goes_when_it_ends() -> None:
    assert plan_cleaning(token(), NOW_S) == []
    assert plan_cleaning(token(expiration=rfc3339(NOW_S + 60)), NOW_S) == [Again(60.0)]
    assert isinstance(plan_cleaning(token(expiration=ago(0)), NOW_S)[0], Delete)


def test_a_cluster_signs_its_cluster_info(tmp_path: Any) -> None:
    async def story() -> None:
        async with asyncio.timeout(30), running_server(tmp_path) as server, running_control(server) as control:
            secret = token(expiration="2999-01-01T00:00:00Z")
            secret["metadata"] = {"name": f"bootstrap-token-{ID}", "namespace": "kube-system"}
            await control.client.create("secrets", secret)

            def found() -> Any:
                (cluster_info,) = [
                    c for c in control.objects("configmaps", "kube-public") if c["metadata"]["name"] == "cluster-info"
                ]
                return cluster_info["data"]

            await control.until(lambda: f"jws-kubeconfig-{ID}" in found())
            assert f"server: {server.url}" in found()["kubeconfig"]
            assert found()[f"jws-kubeconfig-{ID}"] == signature(found()["kubeconfig"], ID, SECRET)

    asyncio.run(story())
