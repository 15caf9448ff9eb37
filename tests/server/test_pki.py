"""The cluster's certificate authority."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from corral.base.errors import CorralError
from corral.server import pki as pki_module

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def ensure(tmp_path: Path, now: datetime = NOW, hosts: tuple[str, ...] = ("10.96.0.1",)) -> pki_module.Pki:
    return pki_module.ensure(tmp_path / "pki", server_hosts=hosts, now=now)


def test_all_files_are_private(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    assert stat.S_IMODE(pki.dir.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in pki.dir.iterdir()} == {0o600}


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    first = {p.name: p.read_bytes() for p in ensure(tmp_path).dir.iterdir()}
    second = {p.name: p.read_bytes() for p in ensure(tmp_path, NOW + timedelta(days=100)).dir.iterdir()}
    assert first == second


def test_leaves_near_their_end_are_renewed_and_the_authority_stays(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    ca, server = pki.ca_certificate.read_bytes(), pki.server_certificate.read_bytes()
    ensure(tmp_path, NOW + timedelta(days=300))
    assert pki.ca_certificate.read_bytes() == ca
    assert pki.server_certificate.read_bytes() != server


def test_a_new_host_name_renews_the_server_certificate_only(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    server, admin = pki.server_certificate.read_bytes(), pki.admin_certificate.read_bytes()
    ensure(tmp_path, hosts=("10.96.0.1", "192.168.7.7", "box.lan"))
    assert pki.server_certificate.read_bytes() != server
    assert pki.admin_certificate.read_bytes() == admin
    names = x509.load_pem_x509_certificate(pki.server_certificate.read_bytes())
    san = names.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"kubernetes.default.svc", "localhost", "box.lan"} <= set(san.get_values_for_type(x509.DNSName))
    assert "192.168.7.7" in {str(a) for a in san.get_values_for_type(x509.IPAddress)}


def test_a_lost_authority_key_is_reported_not_replaced(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    pki.ca_key.unlink()
    with pytest.raises(CorralError, match="missing"):
        ensure(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    pki.ca_certificate.write_bytes(b"nonsense")
    with pytest.raises(CorralError, match=r"ca\.crt"):
        ensure(tmp_path)


def test_a_crash_between_key_and_certificate_heals(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    other = pki_module.issue_client(pki, "x", now=NOW)
    pki.admin_key.write_bytes(other.key)
    ensure(tmp_path)
    ssl.create_default_context().load_cert_chain(pki.admin_certificate, pki.admin_key)


def test_client_certificates_carry_user_and_groups(tmp_path: Path) -> None:
    issued = pki_module.issue_client(ensure(tmp_path), "ann", ("dev", "ops"), 30, now=NOW)
    certificate = x509.load_pem_x509_certificate(issued.certificate)
    assert certificate.subject.rfc4514_string() == "CN=ann,O=ops,O=dev"
    assert certificate.not_valid_after_utc == NOW + timedelta(days=30)


def test_a_rotated_signing_key_stays_known(tmp_path: Path) -> None:
    pki = ensure(tmp_path)
    first = pki.service_account_public.read_bytes()
    pki_module.rotate_service_account_key(pki.dir)
    second = pki.service_account_public.read_bytes()
    pki_module.rotate_service_account_key(pki.dir)
    assert (pki.dir / "sa-retired.pub").read_bytes() == second + first
    assert pki.service_account_public.read_bytes() not in (first, second)


def test_kubeconfig_names_one_context() -> None:
    config = pki_module.kubeconfig("https://127.0.0.1:6443", b"ca", b"cert", b"key", "corral")
    assert config["current-context"] == config["contexts"][0]["name"] == "corral"
    assert config["clusters"][0]["cluster"] == {"server": "https://127.0.0.1:6443", "certificate-authority-data": "Y2E="}


def test_what_nodes_are_shown_opens_nothing_here(tmp_path: Path) -> None:
    shown = x509.load_pem_x509_certificate(ensure(tmp_path).kubelet_client_certificate.read_bytes())
    assert shown.subject.rfc4514_string() == "CN=kube-apiserver-kubelet-client"


def test_a_certificate_of_another_subject_is_made_anew(tmp_path: Path) -> None:
    authority = ensure(tmp_path)
    greater = pki_module.issue_client(authority, "kube-apiserver-kubelet-client", ("system:masters",), now=NOW)
    authority.kubelet_client_certificate.write_bytes(greater.certificate)
    authority.kubelet_client_key.write_bytes(greater.key)
    test_what_nodes_are_shown_opens_nothing_here(tmp_path)
