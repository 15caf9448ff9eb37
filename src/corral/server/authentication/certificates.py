"""Client certificates: the common name is the user, the organizations are the groups.

The TLS handshake has checked the chain, the dates and the usage by then.
"""

import hashlib

from cryptography import x509
from cryptography.x509.oid import NameOID

from corral.server.request import User

CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"


def ends_of(certificate: bytes) -> float:
    """When a DER certificate ends, in seconds since the epoch."""
    return x509.load_der_x509_certificate(certificate).not_valid_after_utc.timestamp()


def user_of(certificate: bytes) -> User | None:
    """The user of a DER certificate; None where it names nobody."""
    subject = x509.load_der_x509_certificate(certificate).subject
    names = [str(a.value) for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if not names or not names[-1]:
        return None
    groups = tuple(str(a.value) for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    fingerprint = hashlib.sha256(certificate).hexdigest()
    return User(names[-1], groups=groups, extra={CREDENTIAL_ID: (f"X509SHA256={fingerprint}",)})
