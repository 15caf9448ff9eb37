import pytest

from corral.api.resetfields import reset_fields


@pytest.mark.parametrize(
    ("group", "kind", "subresource", "paths"),
    [
        ("apps", "Deployment", "", {"f:status"}),
        ("apps", "Deployment", "scale", {"f:status"}),
        ("apps", "Deployment", "status", {"f:spec", "f:metadata"}),
        ("apps", "StatefulSet", "status", {"f:spec"}),
        ("certificates.k8s.io", "CertificateSigningRequest", "", {"f:spec", "f:status"}),
        ("certificates.k8s.io", "CertificateSigningRequest", "approval", {"f:spec", "f:status"}),
    ],
)
def test_endpoints_leave_alone_what_they_do_not_write(group: str, kind: str, subresource: str, paths: set[str]) -> None:
    assert set(reset_fields(group, kind, subresource, has_status=True) or {}) == paths


def test_kinds_without_status_write_everything() -> None:
    assert reset_fields("", "ConfigMap", "", has_status=False) is None


def test_the_status_of_a_custom_resource_leaves_metadata_alone() -> None:
    assert reset_fields("x.io", "Thing", "status", has_status=True, custom=True) == {"f:spec": {}, "f:metadata": {}}
