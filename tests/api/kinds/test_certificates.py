"""CertificateSigningRequests, ClusterTrustBundles and APIServices."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from corral.api.kinds import rules
from corral.api.rules import Context

CSR = rules("certificates.k8s.io", "CertificateSigningRequest")
APISERVICE = rules("apiregistration.k8s.io", "APIService")
NOW = Context(1e9, user="ann", groups=("dev",))


@pytest.fixture(scope="module")
def request_text():
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return base64.b64encode(signed.public_bytes(serialization.Encoding.PEM)).decode()


def csr(request, **spec):
    whole = {"request": request, "usages": ["client auth"], "signerName": "example.com/any", "username": "root", **spec}
    return {"metadata": {"name": "a"}, "spec": whole}


def faults(obj):
    return [str(e) for e in CSR.validate_create(obj).items]


def test_who_asks_is_the_user(request_text):
    obj = csr(request_text)
    CSR.prepare_create(obj, NOW)
    assert (obj["spec"]["username"], obj["spec"]["groups"]) == ("ann", ["dev"])
    assert faults(obj) == []
    assert CSR.cells(obj, 0.0) == ["a", "<unknown>", "example.com/any", "ann", "<none>", "Pending"]


def test_a_request_is_one(request_text):
    assert faults(csr("bm8=")) == ['spec.request: Invalid value: "bm8=": PEM block type must be CERTIFICATE REQUEST']
    assert faults(csr(request_text, usages=["x", "any", "any"], signerName="a", expirationSeconds=1))[1:] == [
        'spec.usages[2]: Duplicate value: "any"',
        'spec.signerName: Invalid value: "a": must be a fully qualified domain and path of the form'
        " 'example.com/signer-name'",
        "spec.expirationSeconds: Invalid value: 1: may not specify a duration less than 600 seconds (10 minutes)",
    ]


def test_only_an_approval_approves():
    old = csr("bm8=")
    given = {"conditions": [{"type": "Approved", "status": "True"}], "certificate": "Yw=="}
    for subresource, approved, issued in (("", False, False), ("status", False, True), ("approval", True, False)):
        new = {**csr("other"), "status": given}
        CSR.prepare_update(new, old, subresource, NOW)
        assert new["spec"] == old["spec"]
        assert bool(new["status"].get("conditions")) is approved
        assert ("certificate" in new["status"]) is issued


def test_conditions_get_times():
    new = {**csr("x"), "status": {"conditions": [{"type": "Denied", "status": "True"}]}}
    CSR.prepare_update(new, csr("x"), "approval", NOW)
    (condition,) = new["status"]["conditions"]
    assert condition["lastUpdateTime"] == condition["lastTransitionTime"] == "2001-09-09T01:46:40Z"


def test_nothing_is_both_approved_and_denied():
    conditions = [{"type": "Approved", "status": "True"}, {"type": "Denied", "status": "False"}]
    errors = CSR.validate_update({"status": {"conditions": conditions}}, {}, "approval")
    assert [str(e) for e in errors.items] == [
        'status.conditions[1].status: Unsupported value: "False": supported values: "True"',
        'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    ]


def service(**spec):
    obj = {
        "metadata": {"name": "v1.example.com"},
        "spec": {"group": "example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10, **spec},
    }
    APISERVICE.default(obj)
    return obj


def test_what_is_served_here_is_available_at_once():
    obj = service()
    APISERVICE.prepare_create(obj, NOW)
    assert APISERVICE.validate_create(obj).items == []
    assert APISERVICE.cells(obj, 0.0) == ["v1.example.com", "Local", "True", "<unknown>"]


def test_a_service_is_named_after_version_and_group():
    obj = service(version="v2", versionPriority=0, service={"name": "s"}, insecureSkipTLSVerify=True, caBundle="YQ==")
    assert [str(e) for e in APISERVICE.validate_create(obj).items] == [
        'metadata.name: Invalid value: "v1.example.com": must be `spec.version+"."+spec.group`: "v2.example.com"',
        "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
        "spec.service.namespace: Required value",
        "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
    ]


def test_a_bundle_is_named_after_its_signer():
    bundles = rules("certificates.k8s.io", "ClusterTrustBundle")
    spec = {"signerName": "example.com/any", "trustBundle": "-----BEGIN CERTIFICATE-----"}
    assert bundles.validate_create({"metadata": {"name": "example.com:any:a"}, "spec": spec}).items == []
    assert len(bundles.validate_create({"metadata": {"name": "a"}, "spec": spec}).items) == 1


def test_bundles_and_pods_requests_are_selected_by_their_signer():
    bundles, requests = (
        rules("certificates.k8s.io", "ClusterTrustBundle"),
        rules("certificates.k8s.io", "PodCertificateRequest"),
    )
    spec = {"signerName": "example.com/any", "podName": "p", "nodeName": "n", "trustBundle": "x"}
    assert bundles.selectable_fields({"spec": spec}) == {"spec.signerName": "example.com/any"}
    expected = {"spec.signerName": "example.com/any", "spec.podName": "p", "spec.nodeName": "n"}
    assert requests.selectable_fields({"spec": spec}) == expected
