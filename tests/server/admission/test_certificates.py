"""Who may approve and sign certificate requests, and whom they must not name."""

import asyncio
import base64
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.server.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
    ClusterTrustBundleAttest,
)
from corral.server.authorization import Authorizer
from corral.server.lookup import MemoryLookup
from corral.server.request import Admission

Write = Callable[..., Admission]

RESOURCE = "certificatesigningrequests.certificates.k8s.io"
RBAC = "rbac.authorization.k8s.io"
SIGNER = "example.com/serving"


def request_for(organization: str) -> str:
    names = [
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, "a"),
    ]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    pem = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return base64.b64encode(pem).decode()


def csr(signer: str = SIGNER, certificate: str = "", request: str = "") -> Object:
    status = {"certificate": certificate} if certificate else {}
    return {"metadata": {"name": "c"}, "spec": {"signerName": signer, "request": request}, "status": status}


def authorizer(*verbs: str, name: str = "example.com/*") -> Authorizer:
    lookup = MemoryLookup()
    rule = {"verbs": list(verbs), "apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "resourceNames": [name]}
    lookup.put(f"clusterroles.{RBAC}", {"metadata": {"name": "r"}, "rules": [rule]})
    subjects = [{"kind": "User", "name": "ann"}]
    binding = {"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": subjects}
    lookup.put(f"clusterrolebindings.{RBAC}", binding)
    return Authorizer(lookup)


def test_approval_needs_the_right_on_the_signer(write: Write) -> None:
    admission = write(RESOURCE, csr(), csr(), subresource="approval")
    asyncio.run(CertificateApproval(authorizer("approve")).validate(admission))
    with pytest.raises(ApiError, match=r'user not permitted to approve requests with signerName "example\.com/serving"'):
        asyncio.run(CertificateApproval(authorizer("approve", name="other.com/*")).validate(admission))


def test_signing_needs_the_right_on_the_signer(write: Write) -> None:
    admission = write(RESOURCE, csr(certificate="new"), csr(), subresource="status")
    asyncio.run(CertificateSigning(authorizer("sign", name=SIGNER)).validate(admission))
    with pytest.raises(ApiError, match="user not permitted to sign"):
        asyncio.run(CertificateSigning(authorizer("approve")).validate(admission))
    asyncio.run(CertificateSigning(authorizer()).validate(write(RESOURCE, csr(), csr(), subresource="status")))


def test_nobody_asks_to_be_a_master(write: Write) -> None:
    client = "kubernetes.io/kube-apiserver-client"
    CertificateSubjectRestriction().validate(write(RESOURCE, csr(client, request=request_for("dev"))))
    with pytest.raises(ApiError, match="signer with system:masters group is not allowed"):
        CertificateSubjectRestriction().validate(write(RESOURCE, csr(client, request=request_for("system:masters"))))


def test_trust_anchors_of_a_signer_need_the_right_on_it(write: Write) -> None:
    bundle = {"metadata": {"name": "example.com:serving:a"}, "spec": {"signerName": SIGNER, "trustBundle": "x"}}
    resource = "clustertrustbundles.certificates.k8s.io"
    asyncio.run(ClusterTrustBundleAttest(authorizer("attest")).validate(write(resource, bundle)))
    refuses = ClusterTrustBundleAttest(authorizer("sign"))
    with pytest.raises(ApiError, match=r'user not permitted to attest for signerName "example\.com/serving"'):
        asyncio.run(refuses.validate(write(resource, bundle)))
    kept = {**bundle, "metadata": {**bundle["metadata"], "finalizers": ["a.example.com/b"]}}
    asyncio.run(refuses.validate(write(resource, kept, bundle)))
    asyncio.run(refuses.validate(write(resource, {"metadata": {"name": "a"}, "spec": {"trustBundle": "x"}})))
