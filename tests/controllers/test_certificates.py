"""Certificate requests are approved where RBAC says so, signed where they are right, and deleted when they are of no more use.

[sig-auth] Certificates API [Privileged:ClusterAdmin]: a client built with an approved request's certificate is who it says.
"""

import asyncio
import base64
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from corral.controllers import csr_approving, csr_cleaner, csr_signing
from corral.controllers.actions import Again, Delete, Update
from corral.controllers.signers import API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, fault, names_of
from corral.server.request import User
from corral.testing.control import running_control
from corral.testing.objects import NOW_S, ago
from corral.testing.server import running_server

CLIENT = ["digital signature", "client auth"]
SERVING = ["digital signature", "server auth"]
REQUESTS = csr_signing.REQUESTS


def pem_of(common_name: str, *organizations: str, hosts: tuple[str, ...] = (), key: Any = None) -> bytes:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations]
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts]), critical=False)
    return builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(
        serialization.Encoding.PEM
    )


def request(signer: str, pem: bytes, usages: list[str], *conditions: str, user: str = "ann", **more: Any) -> dict[str, Any]:
    spec = {"signerName": signer, "request": base64.b64encode(pem).decode(), "usages": usages, "username": user}
    found = [{"type": type, "status": "True", "lastUpdateTime": ago(0)} for type in conditions]
    meta = {"name": "r", "uid": "u", "creationTimestamp": ago(0)}
    return {"metadata": meta, "spec": {**spec, **more}, "status": {"conditions": found} if found else {}}


NODE = ("system:node:n1", "system:nodes")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (request(KUBELET_CLIENT, pem_of(*NODE), CLIENT), ""),
        (request(KUBELET_CLIENT, pem_of(*NODE), [*CLIENT, "key encipherment"]), ""),
        (request(KUBELET_CLIENT, pem_of(*NODE), [*CLIENT, "server auth"]), "usages"),
        (request(KUBELET_CLIENT, pem_of("n1", "system:nodes"), CLIENT), "common name"),
        (request(KUBELET_CLIENT, pem_of(*NODE, "system:masters"), CLIENT), "organization"),
        (request(KUBELET_CLIENT, pem_of(*NODE, hosts=("n1",)), CLIENT), "DNS"),
        (request(KUBELET_SERVING, pem_of(*NODE, hosts=("n1",)), SERVING, user="system:node:n1"), ""),
        (request(KUBELET_SERVING, pem_of(*NODE), SERVING, user="system:node:n1"), "required"),
        (request(KUBELET_SERVING, pem_of(*NODE, hosts=("n1",)), SERVING, user="system:node:n2"), "user who asks"),
        (request(API_CLIENT, pem_of("ann", "dev"), CLIENT), ""),
        (request(API_CLIENT, pem_of("ann", "system:masters"), CLIENT), "system:masters"),
        (request(API_CLIENT, pem_of("ann"), ["server auth"]), "usages"),
    ],
)
def test_what_a_signer_signs(found: dict[str, Any], why: str) -> None:
    names = names_of(found)
    assert names is not None
    assert (why in fault(found, names)) if why else fault(found, names) == ""


def signed(_request: bytes, _usages: Any, lifetime_s: float) -> bytes:
    return f"for {lifetime_s:.0f}".encode()


def test_only_what_is_approved_is_signed() -> None:
    pem = pem_of("ann")
    for conditions in ((), ("Denied",), ("Approved", "Failed")):
        found = request(API_CLIENT, pem, CLIENT, *conditions)
        assert csr_signing.plan(found, names_of(found), signed) == []
    found = request("example.com/own", pem, CLIENT, "Approved")
    assert csr_signing.plan(found, names_of(found), signed) == []
    found = request(API_CLIENT, pem, CLIENT, "Approved", expirationSeconds=700)
    (action,) = csr_signing.plan(found, names_of(found), signed)
    assert isinstance(action, Update)
    assert base64.b64decode(action.object["status"]["certificate"]) == b"for 700"


def test_what_must_not_be_signed_has_failed() -> None:
    found = request(KUBELET_CLIENT, pem_of("ann"), CLIENT, "Approved")
    (action,) = csr_signing.plan(found, names_of(found), signed)
    assert isinstance(action, Update)
    failed = action.object["status"]["conditions"][-1]
    assert (failed["type"], failed["reason"]) == ("Failed", "SignerValidationFailure")
    assert "certificate" not in action.object["status"]


def test_a_node_may_renew_its_own_and_a_bootstrapper_ask_for_a_new_one() -> None:
    own = request(KUBELET_CLIENT, pem_of(*NODE), CLIENT, user="system:node:n1")
    new = request(KUBELET_CLIENT, pem_of(*NODE), CLIENT, user="system:bootstrap:abcdef")
    assert csr_approving.recognize(own, names_of(own)) == [csr_approving.SELF, csr_approving.NEW]
    assert csr_approving.recognize(new, names_of(new)) == [csr_approving.NEW]
    other = request(KUBELET_CLIENT, pem_of("eve", "system:nodes"), CLIENT)
    decided = request(KUBELET_CLIENT, pem_of(*NODE), CLIENT, "Denied")
    for found in (other, decided, request(API_CLIENT, pem_of(*NODE), CLIENT)):
        assert csr_approving.recognize(found, names_of(found)) == []


def test_requests_that_are_of_no_more_use_go() -> None:
    pending = request(API_CLIENT, pem_of("ann"), CLIENT)
    assert csr_cleaner.plan(pending, NOW_S) == [Again(24 * 3600.0)]
    assert isinstance(csr_cleaner.plan(pending, NOW_S + 24 * 3600)[0], Delete)
    for condition in ("Approved", "Denied", "Failed"):
        decided = request(API_CLIENT, pem_of("ann"), CLIENT, condition)
        assert csr_cleaner.plan(decided, NOW_S) == [Again(3600.0)]
        assert isinstance(csr_cleaner.plan(decided, NOW_S + 3600)[0], Delete)


def test_people_and_new_nodes_get_certificates_and_are_who_they_say(tmp_path: Any) -> None:
    async def story() -> None:
        bootstrapper = User("system:bootstrap:abcdef", groups=("system:bootstrappers",))
        async with (
            asyncio.timeout(30),
            running_server(tmp_path, users={"boot": bootstrapper}) as server,
            running_control(server) as control,
        ):
            for role in ("system:node-bootstrapper", "system:certificates.k8s.io:certificatesigningrequests:nodeclient"):
                await control.client.create(
                    "clusterrolebindings.rbac.authorization.k8s.io",
                    {
                        "metadata": {"name": role.replace(":", "-")},
                        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                        "subjects": [
                            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:bootstrappers"}
                        ],
                    },
                )
            person = ec.generate_private_key(ec.SECP256R1())
            pem = base64.b64encode(pem_of("ann", "dev", key=person)).decode()
            asked = {"signerName": API_CLIENT, "usages": ["client auth"], "request": pem}
            made = await control.client.create(REQUESTS, {"metadata": {"name": "ann"}, "spec": asked})
            made["status"] = {"conditions": [{"type": "Approved", "status": "True", "reason": "r", "message": "m"}]}
            await control.client.update(REQUESTS, made, subresource="approval")
            await control.until(lambda: issued(control, "ann"))
            found = await whoami(server, tmp_path, issued(control, "ann"), person)
            assert found == {"username": "ann", "groups": ["dev", "system:authenticated"]}

            key = ec.generate_private_key(ec.SECP256R1())
            spec = {
                "signerName": KUBELET_CLIENT,
                "usages": CLIENT,
                "request": base64.b64encode(pem_of(*NODE, key=key)).decode(),
                "expirationSeconds": 3600,
            }
            node = server.https(token="boot")
            await node.create(REQUESTS, {"metadata": {"name": "n1"}, "spec": spec})
            await node.close()

            await control.until(lambda: issued(control, "n1"))
            assert await whoami(server, tmp_path, issued(control, "n1"), key) == {
                "username": "system:node:n1",
                "groups": ["system:nodes", "system:authenticated"],
            }

    asyncio.run(story())


def issued(control: Any, name: str) -> bytes:
    for found in control.objects(REQUESTS):
        if found["metadata"]["name"] == name:
            return base64.b64decode((found.get("status") or {}).get("certificate", ""))
    return b""


async def whoami(server: Any, folder: Any, certificate: bytes, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    file = folder / "client.pem"
    kind = serialization.PrivateFormat.PKCS8
    file.write_bytes(certificate + key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))
    tls = server.tls()
    tls.load_cert_chain(file)
    async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(ssl=tls)) as http:
        path, body = "/apis/authentication.k8s.io/v1/selfsubjectreviews", {"kind": "SelfSubjectReview"}
        async with http.post(path, json=body) as answer:
            info: dict[str, Any] = (await answer.json())["status"]["userInfo"]
    info.pop("extra")
    return info
