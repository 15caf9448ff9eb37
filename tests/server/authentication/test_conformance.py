"""What the conformance suite asks of identity, over TLS: each test names its entry of [sig-auth]."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from corral.testing.server import RunningServer, running_server

ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
MERGE = "application/merge-patch+json"


class Api:
    """The API as somebody sees it."""

    def __init__(self, server: RunningServer, **headers: str) -> None:
        self.server = server
        sent = {"Authorization": f"Bearer {server.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        connector = aiohttp.TCPConnector(ssl=server.tls())
        self.http = aiohttp.ClientSession(server.url, headers=sent, connector=connector)

    async def ask(self, method: str, path: str, body: Any = None, media: str = "application/json") -> tuple[int, Any]:
        data = None if body is None else json.dumps(body)
        async with self.http.request(method, path, data=data, headers={"Content-Type": media}) as answer:
            return answer.status, await answer.json(content_type=None)


def told(tmp_path: Path, story: Callable[[Api], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), running_server(tmp_path) as server:
            api = Api(server)
            await story(api)
            await api.http.close()

    asyncio.run(run())


async def token_of(api: Api, account: str, **spec: Any) -> str:
    status, answer = await api.ask("POST", f"{ACCOUNTS}/{account}/token", {"spec": spec})
    assert status == 201
    token: str = answer["status"]["token"]
    return token


def test_create_and_review_token(tmp_path: Path) -> None:
    """[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview."""

    async def story(api: Api) -> None:
        assert (await api.ask("POST", ACCOUNTS, {"metadata": {"name": "robot"}}))[0] == 201
        token = await token_of(api, "robot", expirationSeconds=600)
        for spec, audiences in (
            ({"token": token}, ["https://kubernetes.default.svc"]),
            ({"token": token, "audiences": ["else", "https://kubernetes.default.svc"]}, ["https://kubernetes.default.svc"]),
        ):
            _, review = await api.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": spec})
            assert review["status"]["authenticated"] is True and "error" not in review["status"]
            assert review["status"]["user"]["username"] == "system:serviceaccount:default:robot"
            assert review["status"]["audiences"] == audiences

    told(tmp_path, story)


def test_issuer_discovery(tmp_path: Path) -> None:
    """[sig-auth] ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer."""

    async def story(api: Api) -> None:
        await api.ask("POST", ACCOUNTS, {"metadata": {"name": "robot"}})
        token = await token_of(api, "robot", audiences=["oidc-discovery-test"])
        own = Api(api.server, Authorization=f"Bearer {await token_of(api, 'robot')}")
        _, document = await own.ask("GET", "/.well-known/openid-configuration")
        where = document["jwks_uri"].removeprefix(api.server.url)
        _, keys = await own.ask("GET", where)
        key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token,
            key.key,
            algorithms=document["id_token_signing_alg_values_supported"],
            audience="oidc-discovery-test",
            issuer=document["issuer"],
        )
        assert claims["sub"] == "system:serviceaccount:default:robot"
        assert claims["kubernetes.io"]["serviceaccount"]["name"] == "robot"
        await own.http.close()

    told(tmp_path, story)


def test_service_account_lifecycle(tmp_path: Path) -> None:
    """[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount; should update a ServiceAccount."""

    async def story(api: Api) -> None:
        _, before = await api.ask("GET", ACCOUNTS)
        account = {"metadata": {"name": "robot", "labels": {"static": "yes"}}}
        _, made = await api.ask("POST", ACCOUNTS, account)
        _, patched = await api.ask("PATCH", f"{ACCOUNTS}/robot", {"automountServiceAccountToken": False}, MERGE)
        assert patched["automountServiceAccountToken"] is False
        _, updated = await api.ask("PUT", f"{ACCOUNTS}/robot", {**patched, "automountServiceAccountToken": True})
        assert updated["automountServiceAccountToken"] is True
        _, listed = await api.ask("GET", "/api/v1/serviceaccounts?labelSelector=static=yes")
        assert [item["automountServiceAccountToken"] for item in listed["items"]] == [True]
        assert (await api.ask("DELETE", f"{ACCOUNTS}?labelSelector=static=yes"))[0] == 200
        version = before["metadata"]["resourceVersion"]
        path = f"{ACCOUNTS}?watch=1&timeoutSeconds=1&labelSelector=static=yes&resourceVersion={version}"
        async with api.http.get(path) as answer:
            events = [json.loads(line) for line in (await answer.text()).splitlines()]
        assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
        assert {event["object"]["metadata"]["uid"] for event in events} == {made["metadata"]["uid"]}

    told(tmp_path, story)


def test_subject_reviews(tmp_path: Path) -> None:
    """[sig-auth] SubjectReview should support SubjectReview API operations: what they say is what happens."""

    async def story(api: Api) -> None:
        await api.ask("POST", ACCOUNTS, {"metadata": {"name": "robot"}})
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
        where = f"{RBAC}/namespaces/default"
        assert (await api.ask("POST", f"{where}/roles", {"metadata": {"name": "r"}, "rules": rules}))[0] == 201
        subjects = [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}]
        ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}
        binding = {"metadata": {"name": "r"}, "roleRef": ref, "subjects": subjects}
        assert (await api.ask("POST", f"{where}/rolebindings", binding))[0] == 201
        robot = Api(api.server, Impersonate_User="system:serviceaccount:default:robot")
        for resource, allowed in (("configmaps", True), ("secrets", False)):
            status, _ = await robot.ask("GET", f"/api/v1/namespaces/default/{resource}")
            assert (status == 200) is allowed
            asked = {"verb": "list", "resource": resource, "namespace": "default"}
            spec = {"user": "system:serviceaccount:default:robot", "resourceAttributes": asked}
            for path in ("subjectaccessreviews", "namespaces/default/localsubjectaccessreviews"):
                _, review = await api.ask("POST", f"{REVIEWS}/{path}", {"metadata": {}, "spec": spec})
                assert review["status"]["allowed"] is allowed
            _, own = await robot.ask("POST", f"{REVIEWS}/selfsubjectaccessreviews", {"spec": {"resourceAttributes": asked}})
            assert own["status"]["allowed"] is allowed
        await robot.http.close()

    told(tmp_path, story)


def request_of(name: str) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(subject)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    return base64.b64encode(csr.public_bytes(serialization.Encoding.PEM)).decode()


def test_certificate_requests(tmp_path: Path) -> None:
    """[sig-auth] Certificates API should support CSR API operations."""

    async def story(api: Api) -> None:
        spec = {"request": request_of("ann"), "signerName": "example.com/e2e", "usages": ["client auth"]}
        for name in ("a", "b"):
            body = {"metadata": {"name": name, "labels": {"special": "yes"}}, "spec": spec}
            status, made = await api.ask("POST", REQUESTS, body)
            assert (status, made["spec"]["username"]) == (201, "admin")
        _, listed = await api.ask("GET", f"{REQUESTS}?fieldSelector=spec.signerName=example.com/e2e")
        assert [item["metadata"]["name"] for item in listed["items"]] == ["a", "b"]
        _, patched = await api.ask("PATCH", f"{REQUESTS}/a", {"metadata": {"annotations": {"patched": "yes"}}}, MERGE)
        assert patched["metadata"]["annotations"] == {"patched": "yes"}
        condition = {"type": "ApprovalPatch", "status": "True", "reason": "r", "message": "m"}
        for subresource, type in (("approval", "ApprovalPatch"), ("status", "StatusPatch")):
            conditions = {"status": {"conditions": [{**condition, "type": type}]}}
            _, answer = await api.ask("PATCH", f"{REQUESTS}/a/{subresource}", conditions, MERGE)
            assert [c["type"] for c in answer["status"]["conditions"]][-1:] == [type]
            status, read = await api.ask("GET", f"{REQUESTS}/a/{subresource}")
            assert (status, read["kind"]) == (200, "CertificateSigningRequest")
            updated = {**read, "status": {"conditions": [*read["status"]["conditions"], {**condition, "type": f"{type}2"}]}}
            status, answer = await api.ask("PUT", f"{REQUESTS}/a/{subresource}", updated)
            assert status == 200 and f"{type}2" in [c["type"] for c in answer["status"]["conditions"]]
        assert (await api.ask("DELETE", f"{REQUESTS}/a"))[0] == 200
        assert (await api.ask("GET", f"{REQUESTS}/a"))[0] == 404
        assert (await api.ask("DELETE", f"{REQUESTS}?labelSelector=special=yes"))[0] == 200
        _, left = await api.ask("GET", REQUESTS)
        assert left["items"] == []

    told(tmp_path, story)


#: What a pod says of mounting tokens, what its account says, and whether one is mounted then.
MOUNTS: tuple[tuple[bool | None, bool | None, bool], ...] = (
    (None, None, True),
    (None, True, True),
    (None, False, False),
    (True, None, True),
    (True, True, True),
    (True, False, True),
    (False, None, False),
    (False, True, False),
    (False, False, False),
)


def test_opting_out_of_tokens(tmp_path: Path) -> None:
    """[sig-auth] ServiceAccounts should allow opting out of API token automount."""

    async def story(api: Api) -> None:
        found = []
        for i, (of_pod, of_account, _) in enumerate(MOUNTS):
            account: dict[str, Any] = {"metadata": {"name": f"robot{i}"}, "automountServiceAccountToken": of_account}
            await api.ask("POST", ACCOUNTS, account)
            spec = {"serviceAccountName": f"robot{i}", "containers": [{"name": "c", "image": "i"}]}
            body = {"metadata": {"name": f"p{i}"}, "spec": {**spec, "automountServiceAccountToken": of_pod}}
            _, pod = await api.ask("POST", "/api/v1/namespaces/default/pods", body)
            paths = [mount["mountPath"] for mount in pod["spec"]["containers"][0].get("volumeMounts") or ()]
            found.append((of_pod, of_account, "/var/run/secrets/kubernetes.io/serviceaccount" in paths))
        assert found == list(MOUNTS)

    told(tmp_path, story)
