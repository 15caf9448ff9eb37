"""Certificates are for the subject, key and names of their request, and for the usages asked for."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from corral.server import pki
from corral.server.certificatesigning import CertificateSigner

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SUBJECT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bob")])


@pytest.fixture
def signer(tmp_path: Path) -> CertificateSigner:
    authority = pki.Authority.load(pki.ensure(tmp_path, server_hosts=(), now=NOW))
    return CertificateSigner(authority, NOW.timestamp)


def request(key: ec.EllipticCurvePrivateKey) -> bytes:
    names = x509.SubjectAlternativeName([x509.DNSName("bob.example")])
    builder = x509.CertificateSigningRequestBuilder().subject_name(SUBJECT).add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_certificate_is_what_was_asked_for(signer: CertificateSigner) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = signer.sign(request(key), ["digital signature", "client auth", "s/mime", "email protection"], 600)
    certificate = x509.load_pem_x509_certificate(pem)
    extensions = certificate.extensions
    assert (certificate.subject, certificate.public_key()) == (SUBJECT, key.public_key())
    assert certificate.not_valid_after_utc == NOW + timedelta(minutes=10)
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_encipherment and not usage.key_cert_sign
    extended = list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert extended == [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["bob.example"]


def test_a_certificate_whose_request_names_no_use_of_its_key_forbids_none(signer: CertificateSigner) -> None:
    pem = signer.sign(request(ec.generate_private_key(ec.SECP256R1())), ["client auth"], 600)
    with pytest.raises(x509.ExtensionNotFound):
        x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(x509.KeyUsage)


def test_nothing_outlives_its_authority(signer: CertificateSigner) -> None:
    pem = signer.sign(request(ec.generate_private_key(ec.SECP256R1())), ["client auth"], 100 * 365 * 24 * 3600)
    assert x509.load_pem_x509_certificate(pem).not_valid_after_utc == NOW + timedelta(days=pki.CA_DAYS)


def test_what_is_no_request_is_refused(signer: CertificateSigner) -> None:
    der = x509.load_pem_x509_csr(request(ec.generate_private_key(ec.SECP256R1()))).public_bytes(serialization.Encoding.DER)
    forged = x509.load_der_x509_csr(der[:-1] + bytes([der[-1] ^ 1])).public_bytes(serialization.Encoding.PEM)
    for bad in (b"", forged):
        with pytest.raises(ValueError):
            signer.sign(bad, ["client auth"], 600)
