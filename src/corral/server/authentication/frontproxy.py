"""Front proxies: who shows a certificate of their authority says in headers whom he speaks for.

The same headers tell extension API servers who asks (`aggregation.identity`). See
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from cryptography import x509
from cryptography.x509.oid import NameOID

from corral.server.aggregation.identity import EXTRA, GROUP, UID, USERNAME
from corral.server.request import User


class FrontProxies:
    """Knows front proxies by their certificates: of `authority` (PEM), for one of the names."""

    def __init__(self, authority: bytes, names: Sequence[str]) -> None:
        self._authority = x509.load_pem_x509_certificate(authority)
        self.names = tuple(names)

    def signed(self, certificate: bytes) -> bool:
        """Whether a DER certificate is of the proxies' authority."""
        try:
            x509.load_der_x509_certificate(certificate).verify_directly_issued_by(self._authority)
        except Exception:
            return False
        return True

    def allows(self, certificate: bytes) -> bool:
        """Whether its holder may speak for others."""
        subject = x509.load_der_x509_certificate(certificate).subject
        return any(str(name.value) in self.names for name in subject.get_attributes_for_oid(NameOID.COMMON_NAME))


def user_of_headers(headers: Mapping[str, str]) -> User | None:
    """The user that a front proxy names; None where it names nobody."""
    name = headers.get(USERNAME, "")
    if not name:
        return None
    extra: dict[str, tuple[str, ...]] = {}
    for header in headers:
        if header.lower().startswith(EXTRA.lower()):
            extra[unquote(header[len(EXTRA) :].lower())] = tuple(all_of(headers, header))
    return User(name, headers.get(UID, ""), tuple(all_of(headers, GROUP)), extra)


def all_of(headers: Mapping[str, str], name: str) -> list[str]:
    """Every value of a header that may be repeated; plain mappings have one."""
    getall = getattr(headers, "getall", None)
    if getall is not None:
        return list(getall(name, []))
    return [headers[name]] if name in headers else []
