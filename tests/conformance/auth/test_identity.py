"""Service accounts, tokens, certificate requests and reviews."""

import base64
import subprocess

import pytest
from tests.conformance.objects import pod
from tests.conformance.operations import all_verbs, everywhere, in_discovery, replace
from tests.conformance.rest import STRATEGIC, Api
from tests.waiting import eventually

from corral.testing.cluster import ControlPlane


def test_the_life_of_a_service_account(api: Api) -> None:
    """[sig-auth] ServiceAccounts should run through the lifecycle of a ServiceAccount [Conformance]"""
    body = {"metadata": {"name": "sa", "labels": {"test-serviceaccount-static": "true"}}, "automountServiceAccountToken": False}
    watch = api.watch("serviceaccounts", labelSelector="test-serviceaccount-static=true")
    api.create("serviceaccounts", body)
    assert watch.next()["type"] == "ADDED"
    assert (
        api.patch("serviceaccounts/sa", {"automountServiceAccountToken": True}, STRATEGIC)["automountServiceAccountToken"]
        is True
    )
    assert api.names(everywhere(api, "serviceaccounts"), labelSelector="test-serviceaccount-static=true") == ["sa"]
    api.delete("serviceaccounts", labelSelector="test-serviceaccount-static=true")
    watch.until(lambda e: e["type"] == "DELETED")
    watch.close()


def test_a_service_account_is_updated(api: Api) -> None:
    """[sig-auth] ServiceAccounts should update a ServiceAccount [Conformance]"""
    found = api.create("serviceaccounts", {"metadata": {"name": "sa"}, "automountServiceAccountToken": False})
    found["automountServiceAccountToken"] = True
    replace(api, "serviceaccounts/sa", found)
    assert api.get("serviceaccounts/sa")["automountServiceAccountToken"] is True


def test_every_namespace_has_the_root_certificate(api: Api) -> None:
    """[sig-auth] ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace [Conformance]"""
    first = eventually(lambda: api.find("configmaps/kube-root-ca.crt"))
    api.delete("configmaps/kube-root-ca.crt")
    again = api.until("configmaps/kube-root-ca.crt", lambda c: c["metadata"]["uid"] != first["metadata"]["uid"])
    assert again["data"] == first["data"]
    again["data"] = {"ca.crt": ""}
    replace(api, "configmaps/kube-root-ca.crt", again)
    api.until("configmaps/kube-root-ca.crt", lambda c: c["data"] == first["data"])


@pytest.mark.parametrize(
    ("account", "spec", "mounted"),
    [
        (None, None, True),
        (None, True, True),
        (None, False, False),
        (True, None, True),
        (True, True, True),
        (True, False, False),
        (False, None, False),
        (False, True, True),
        (False, False, False),
    ],
)
def test_tokens_are_mounted_unless_said_otherwise(api: Api, account: bool | None, spec: bool | None, mounted: bool) -> None:
    """[sig-auth] ServiceAccounts should allow opting out of API token automount [Conformance]"""
    api.create(
        "serviceaccounts",
        {"metadata": {"name": "sa"}, **({} if account is None else {"automountServiceAccountToken": account})},
    )
    more = {} if spec is None else {"automountServiceAccountToken": spec}
    made = api.create("pods", pod("p", serviceAccountName="sa", **more))
    paths = [m["mountPath"] for m in made["spec"]["containers"][0].get("volumeMounts", [])]
    assert ("/var/run/secrets/kubernetes.io/serviceaccount" in paths) == mounted


def test_a_token_is_reviewed(api: Api) -> None:
    """[sig-auth] ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview [Conformance]"""
    api.create("serviceaccounts", {"metadata": {"name": "sa"}})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    token = api.create("serviceaccounts/sa/token", request)["status"]["token"]
    review = api.create("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token}})
    assert review["status"]["authenticated"] is True and "error" not in review["status"]
    user = review["status"]["user"]
    assert user["username"] == f"system:serviceaccount:{api.namespace}:sa"
    assert "system:serviceaccounts" in user["groups"] and f"system:serviceaccounts:{api.namespace}" in user["groups"]
    wrong = api.create("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": token[:-4] + "AAAA"}})
    assert not wrong["status"].get("authenticated")


def test_reviews_of_access(api: Api, corral: ControlPlane) -> None:
    """[sig-auth] SubjectReview should support SubjectReview API operations [Conformance]"""
    in_discovery(api, "authorization.k8s.io", "v1", "subjectaccessreviews", "localsubjectaccessreviews")
    attributes = {"group": "", "verb": "get", "resource": "configmaps", "namespace": api.namespace}
    user = f"system:serviceaccount:{api.namespace}:e2e"
    spec = {"resourceAttributes": attributes, "user": user, "groups": ["system:authenticated"]}
    local = f"/apis/authorization.k8s.io/v1/namespaces/{api.namespace}/localsubjectaccessreviews"
    for path in ("/apis/authorization.k8s.io/v1/subjectaccessreviews", local):
        assert not api.create(path, {"metadata": {"namespace": api.namespace} if path == local else {}, "spec": spec})[
            "status"
        ]["allowed"]
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    api.create("roles.rbac.authorization.k8s.io", {"metadata": {"name": "reader"}, "rules": [rule]})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    subject = {"kind": "ServiceAccount", "name": "e2e", "namespace": api.namespace}
    api.create(
        "rolebindings.rbac.authorization.k8s.io", {"metadata": {"name": "b"}, "roleRef": reference, "subjects": [subject]}
    )
    eventually(lambda: api.create(local, {"metadata": {"namespace": api.namespace}, "spec": spec})["status"]["allowed"])
    found = api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
    assert found["status"]["allowed"] is True


def test_issuer_discovery(api: Api, corral: ControlPlane) -> None:
    """[sig-auth] ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer [Conformance]"""
    import jwt

    configuration = api.get("/.well-known/openid-configuration")
    keys = api.call("GET", "/openid/v1/jwks", accept="application/jwk-set+json")
    api.create("serviceaccounts", {"metadata": {"name": "oidc"}})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["oidc-discovery-test"]}}
    token = api.create("serviceaccounts/oidc/token", request)["status"]["token"]
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    algorithms = configuration["id_token_signing_alg_values_supported"]
    claims = jwt.decode(token, key, algorithms=algorithms, audience="oidc-discovery-test", issuer=configuration["issuer"])
    assert claims["sub"] == f"system:serviceaccount:{api.namespace}:oidc"
    # Service accounts may read both.
    mine = api.with_token(
        api.create("serviceaccounts/oidc/token", {**request, "spec": {}})["status"]["token"], corral.data_dir / "pki" / "ca.crt"
    )
    assert mine.get("/.well-known/openid-configuration")["issuer"] == configuration["issuer"]
    mine.close()


def test_certificate_requests(api: Api, tmp_path) -> None:
    """[sig-auth] Certificates API [Privileged:ClusterAdmin] should support CSR API operations [Conformance]"""
    in_discovery(
        api,
        "certificates.k8s.io",
        "v1",
        "certificatesigningrequests",
        "certificatesigningrequests/approval",
        "certificatesigningrequests/status",
    )
    command = [
        "openssl",
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        str(tmp_path / "key"),
        "-subj",
        "/CN=e2e-csr",
    ]
    pem = subprocess.run(command, capture_output=True, check=True).stdout
    spec = {
        "request": base64.b64encode(pem).decode(),
        "signerName": "example.com/e2e-" + api.namespace,
        "usages": ["digital signature", "key encipherment", "server auth"],
        "expirationSeconds": 600,
    }
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    all_verbs(api, path, {"metadata": {"name": f"csr-{api.namespace}"}, "spec": spec})
    made = api.create(path, {"metadata": {"name": f"csr-{api.namespace}"}, "spec": spec})
    one = f"{path}/csr-{api.namespace}"
    approved = {"type": "Approved", "status": "True", "reason": "E2E", "message": "Set from an e2e test"}
    patched = api.patch(f"{one}/approval", {"status": {"conditions": [approved]}})
    assert patched["status"]["conditions"][0]["type"] == "Approved"
    found = api.get(f"{one}/approval")
    found["status"]["conditions"].append({**approved, "type": "ApprovalUpdate"})
    assert len(replace(api, f"{one}/approval", found)["status"]["conditions"]) == 2
    patched = api.patch(
        f"{one}/status", {"status": {"conditions": [*found["status"]["conditions"], {**approved, "type": "StatusPatch"}]}}
    )
    assert (
        "StatusPatch" in [c["type"] for c in patched["status"]["conditions"]]
        and patched["metadata"]["uid"] == made["metadata"]["uid"]
    )
    api.delete(one)
