"""What the built-in signers of certificates will sign: whom a request may name, and what its certificate may be for. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
"""

import base64
import binascii
from collections.abc import Callable

from cryptography import x509
from cryptography.x509.oid import NameOID
from msgspec import Struct

from corral.api.objects import Object

API_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"
SIGNERS = (API_CLIENT, KUBELET_CLIENT, KUBELET_SERVING, LEGACY_UNKNOWN)

NODE_PREFIX = "system:node:"
NODES_GROUP = "system:nodes"
_CLIENT = frozenset(("key encipherment", "digital signature", "client auth"))
_SERVING = frozenset(("key encipherment", "digital signature", "server auth"))


class Names(Struct, frozen=True):
    """What a certificate request names: its subject, and the kinds of alternative names."""

    common_name: str
    organizations: tuple[str, ...]
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    emails: tuple[str, ...]
    uris: tuple[str, ...]


def names_of(request: Object) -> Names | None:
    """What the PKCS#10 request in a CertificateSigningRequest names; None where it cannot be read."""
    try:
        csr = x509.load_pem_x509_csr(base64.b64decode(request["spec"].get("request", "")))
        subject = csr.subject
        common = [str(a.value) for a in subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        organizations = tuple(str(a.value) for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
        others = _alternatives(csr)
    except (ValueError, binascii.Error):
        return None
    if others is None:
        return Names(common[-1] if common else "", organizations, (), (), (), ())
    return Names(
        common[-1] if common else "",
        organizations,
        tuple(others.get_values_for_type(x509.DNSName)),
        tuple(map(str, others.get_values_for_type(x509.IPAddress))),
        tuple(others.get_values_for_type(x509.RFC822Name)),
        tuple(others.get_values_for_type(x509.UniformResourceIdentifier)),
    )


def fault(request: Object, names: Names) -> str:
    """Why the request's signer does not sign it, "" where it does."""
    spec = request["spec"]
    check = _CHECKS.get(spec.get("signerName", ""))
    return "" if check is None else check(names, frozenset(spec.get("usages") or ()), spec.get("username", ""))


def _alternatives(csr: x509.CertificateSigningRequest) -> x509.SubjectAlternativeName | None:
    try:
        return csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def _api_client(names: Names, usages: frozenset[str], _user: str) -> str:
    if "client auth" not in usages or not usages <= _CLIENT:
        return "usages did not match [client auth], and of the others only [digital signature, key encipherment]"
    return 'organization "system:masters" is not allowed' if "system:masters" in names.organizations else ""


def _kubelet_client(names: Names, usages: frozenset[str], _user: str) -> str:
    if names.organizations != (NODES_GROUP,):
        return "subject organization is not system:nodes"
    if not names.common_name.startswith(NODE_PREFIX):
        return "subject common name does not begin with system:node:"
    for kind, found in (("DNS", names.dns), ("email", names.emails), ("IP", names.addresses), ("URI", names.uris)):
        if found:
            return f"{kind} subjectAltNames are not allowed"
    return _usages_fault(usages, _CLIENT)


def _kubelet_serving(names: Names, usages: frozenset[str], user: str) -> str:
    if names.organizations != (NODES_GROUP,):
        return "subject organization is not system:nodes"
    if not names.common_name.startswith(NODE_PREFIX):
        return "subject common name does not begin with system:node:"
    if not names.dns and not names.addresses:
        return "DNS or IP subjectAltName is required"
    for kind, found in (("email", names.emails), ("URI", names.uris)):
        if found:
            return f"{kind} subjectAltNames are not allowed"
    if names.common_name != user:
        return "subject common name is not the name of the user who asks"
    return _usages_fault(usages, _SERVING)


def _usages_fault(usages: frozenset[str], wanted: frozenset[str]) -> str:
    """Elliptic-curve keys encipher no keys: that usage may be left out."""
    if usages in (wanted, wanted - {"key encipherment"}):
        return ""
    return f"usages did not match {sorted(wanted)}"


_CHECKS: dict[str, Callable[[Names, frozenset[str], str], str]] = {
    API_CLIENT: _api_client,
    KUBELET_CLIENT: _kubelet_client,
    KUBELET_SERVING: _kubelet_serving,
    LEGACY_UNKNOWN: lambda _names, _usages, _user: "",
}
