"""Signs certificate requests with the cluster's authority: the request's subject, key and names, for the usages asked for.

Whether it may be signed has been decided by then (`controllers.csr_approving`, `controllers.signers`). Usages are those of
certificates.k8s.io; what they are in X.509: RFC 5280, sections 4.2.1.3 and 4.2.1.12.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from corral.server.pki import CLOCK_SKEW, Authority

_KEY_USAGES = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
    "cert sign": "key_cert_sign",
    "crl sign": "crl_sign",
    "encipher only": "encipher_only",
    "decipher only": "decipher_only",
}
_EXTENDED = {
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    "server auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "s/mime": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timestamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp signing": ExtendedKeyUsageOID.OCSP_SIGNING,
    "ipsec end system": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.5"),
    "ipsec tunnel": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.6"),
    "ipsec user": x509.ObjectIdentifier("1.3.6.1.5.5.7.3.7"),
    "microsoft sgc": x509.ObjectIdentifier("1.3.6.1.4.1.311.10.3.3"),
    "netscape sgc": x509.ObjectIdentifier("2.16.840.1.113730.4.1"),
}


class CertificateSigner:
    """Signs with `authority`. `now_s` gives the seconds since the epoch."""

    def __init__(self, authority: Authority, now_s: Callable[[], float]) -> None:
        self._authority = authority
        self._now_s = now_s

    def sign(self, request: bytes, usages: Sequence[str], lifetime_s: float) -> bytes:
        """The certificate (PEM) for a request (PEM). Raises ValueError where it is malformed or its signature is wrong."""
        csr = x509.load_pem_x509_csr(request)
        if not csr.is_signature_valid:
            raise ValueError("the signature of the certificate request is not valid")
        now = datetime.fromtimestamp(self._now_s(), UTC)
        ca = self._authority.certificate
        builder = (
            x509.CertificateBuilder()
            .subject_name(csr.subject)
            .issuer_name(ca.subject)
            .public_key(csr.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SKEW)
            .not_valid_after(min(now + timedelta(seconds=lifetime_s), ca.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._authority.key.public_key()), critical=False)
        )
        allowed = _key_usage(usages)
        if allowed is not None:
            builder = builder.add_extension(allowed, critical=True)
        extended = list(dict.fromkeys(_EXTENDED[usage] for usage in usages if usage in _EXTENDED))
        if extended:
            builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
        try:
            names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            builder = builder.add_extension(names.value, critical=names.critical)
        except x509.ExtensionNotFound:
            pass
        signed = builder.sign(self._authority.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _key_usage(usages: Sequence[str]) -> x509.KeyUsage | None:
    """None where no use of the key is named: an extension without any would forbid all of them."""
    wanted = {_KEY_USAGES[usage] for usage in usages if usage in _KEY_USAGES}
    if not wanted:
        return None
    bits = {name: name in wanted for name in _KEY_USAGES.values()}
    if not bits["key_agreement"]:
        bits["encipher_only"] = bits["decipher_only"] = False
    return x509.KeyUsage(**bits)
