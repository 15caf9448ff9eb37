"""The cluster's own certificate authority and what it signs: the keys and certificates under DATA_DIR/pki.

Names, subjects and extended key usages are those of a kubeadm cluster
(https://kubernetes.io/docs/setup/best-practices/certificates/), so that tools which look for them feel at home.
Everything is ECDSA P-256: making all of it takes milliseconds.
"""

import ipaddress
from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from corral.base.errors import CorralError
from corral.base.files import replace

CA_DAYS = 3650
LEAF_DAYS = 365
#: A leaf certificate that has less than this left is issued anew at the next start.
RENEW_BEFORE = timedelta(days=90)
#: Certificates start this long before they are made: the clocks of two machines differ.
CLOCK_SKEW = timedelta(minutes=5)

SERVER_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    "127.0.0.1",
    "::1",
)

#: The common name of the one front proxy.
FRONT_PROXY_CLIENT = "front-proxy-client"
#: The public keys that signed service-account tokens before.
RETIRED_FILE = "sa-retired.pub"

Usage = Literal["client", "server"]
_USAGES: dict[Usage, x509.ObjectIdentifier] = {
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
}


class _Profile(NamedTuple):
    """What a certificate says of its holder."""

    common_name: str
    organizations: Sequence[str] = ()
    usages: Sequence[Usage] = ("client",)
    hosts: Sequence[str] = ()


class Issued(NamedTuple):
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


class Pki(Struct, frozen=True):
    """The files of one cluster. All of them exist once `ensure` has returned."""

    dir: Path

    @property
    def ca_certificate(self) -> Path:
        """The authority's certificate: what clients trust."""
        return self.dir / "ca.crt"

    @property
    def ca_key(self) -> Path:
        """The authority's private key."""
        return self.dir / "ca.key"

    @property
    def server_certificate(self) -> Path:
        """What the API server shows."""
        return self.dir / "apiserver.crt"

    @property
    def server_key(self) -> Path:
        """The key of the API server."""
        return self.dir / "apiserver.key"

    @property
    def admin_certificate(self) -> Path:
        """The administrator's client certificate (CN kubernetes-admin, O system:masters)."""
        return self.dir / "admin.crt"

    @property
    def admin_key(self) -> Path:
        """The key of the administrator."""
        return self.dir / "admin.key"

    @property
    def kubelet_client_certificate(self) -> Path:
        """What the API server shows to nodes (CN kube-apiserver-kubelet-client)."""
        return self.dir / "apiserver-kubelet-client.crt"

    @property
    def kubelet_client_key(self) -> Path:
        """The key with which the API server calls nodes."""
        return self.dir / "apiserver-kubelet-client.key"

    @property
    def front_proxy_ca_certificate(self) -> Path:
        """The authority whose client certificates may say on whose behalf they ask: extension servers trust it."""
        return self.dir / "front-proxy-ca.crt"

    @property
    def front_proxy_ca_key(self) -> Path:
        """The key of that authority."""
        return self.dir / "front-proxy-ca.key"

    @property
    def front_proxy_client_certificate(self) -> Path:
        """What the API server shows to extension servers (CN front-proxy-client)."""
        return self.dir / "front-proxy-client.crt"

    @property
    def front_proxy_client_key(self) -> Path:
        """The key with which the API server calls extension servers."""
        return self.dir / "front-proxy-client.key"

    @property
    def service_account_key(self) -> Path:
        """The private key that signs service-account tokens."""
        return self.dir / "sa.key"

    @property
    def service_account_public(self) -> Path:
        """The public key that checks service-account tokens."""
        return self.dir / "sa.pub"

    def authorities(self) -> "Authorities":
        """The certificates of both authorities. Raises OSError."""
        return Authorities(self.ca_certificate.read_text("ascii"), self.front_proxy_ca_certificate.read_text("ascii"))


class Authorities(NamedTuple):
    """Whose client certificates are taken: PEM."""

    clients: str
    front_proxy: str


def ensure(pki_dir: Path, *, server_hosts: Sequence[str], now: datetime) -> Pki:
    """Make what is missing, renew what ends soon, keep the rest.

    `server_hosts` are names and addresses that the API server answers to, beside the usual ones. Raises CorralError where a
    file cannot be read or is not what its name says.
    """
    pki_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    pki_dir.chmod(0o700)
    pki = Pki(pki_dir)
    _ensure_ca("kubernetes", pki.ca_certificate, pki.ca_key, now)
    _ensure_ca("front-proxy-ca", pki.front_proxy_ca_certificate, pki.front_proxy_ca_key, now)
    _ensure_service_account_key(pki)
    ca = Authority.load(pki)
    hosts = tuple(dict.fromkeys((*SERVER_NAMES, *server_hosts)))
    server = _Profile("kube-apiserver", usages=("server",), hosts=hosts)
    admin = _Profile("kubernetes-admin", ("system:masters",))
    # No group: nodes know it by its name. A node that says it is at the API server's own address gains nothing by that.
    kubelet_client = _Profile("kube-apiserver-kubelet-client")
    _ensure_leaf(ca, pki.server_certificate, pki.server_key, server, now=now)
    _ensure_leaf(ca, pki.admin_certificate, pki.admin_key, admin, now=now)
    _ensure_leaf(ca, pki.kubelet_client_certificate, pki.kubelet_client_key, kubelet_client, now=now)
    front = Authority.load_files(pki.front_proxy_ca_certificate, pki.front_proxy_ca_key)
    profile = _Profile(FRONT_PROXY_CLIENT)
    _ensure_leaf(front, pki.front_proxy_client_certificate, pki.front_proxy_client_key, profile, now=now)
    return pki


def renewal(pki: Pki) -> datetime:
    """When the first of the certificates that `ensure` looks after is to be renewed. Raises CorralError."""
    leaves = (
        pki.server_certificate,
        pki.admin_certificate,
        pki.kubelet_client_certificate,
        pki.front_proxy_client_certificate,
    )
    return min(_load_certificate(path).not_valid_after_utc for path in leaves) - RENEW_BEFORE


def rotate_service_account_key(pki_dir: Path) -> None:
    """Sign tokens with a new key from the next start on; what the present one signed stays good until it ends.

    The present key's public half joins those in `sa-retired.pub`, first of all: whatever happens then, tokens stay good.
    """
    pki = Pki(pki_dir)
    _load_key(pki.service_account_key)
    retired = pki.dir / RETIRED_FILE
    known = retired.read_bytes() if retired.exists() else b""
    public = pki.service_account_public.read_bytes()
    if public not in known:
        replace(retired, public + known, durable=True)
    replace(pki.service_account_key, _key_pem(ec.generate_private_key(ec.SECP256R1())), durable=True)
    _ensure_service_account_key(pki)


def issue_client(
    pki: Pki, common_name: str, organizations: Sequence[str] = (), days: int = LEAF_DAYS, *, now: datetime | None = None
) -> Issued:
    """A client certificate: the user `common_name` in the groups `organizations`."""
    return Authority.load(pki).issue(_Profile(common_name, organizations), days, now or datetime.now(UTC))


def issue_server(
    pki: Pki,
    common_name: str,
    hosts: Sequence[str],
    days: int = LEAF_DAYS,
    *,
    organizations: Sequence[str] = (),
    client_too: bool = False,
    now: datetime | None = None,
) -> Issued:
    """A serving certificate for names and addresses; with `client_too`, one that also identifies its holder (nodes)."""
    usages: tuple[Usage, ...] = ("server", "client") if client_too else ("server",)
    return Authority.load(pki).issue(_Profile(common_name, organizations, usages, hosts), days, now or datetime.now(UTC))


def kubeconfig(server_url: str, ca: bytes, cert: bytes, key: bytes, name: str) -> dict[str, Any]:
    """A kubeconfig with one cluster, user and context, all called `name`; `ca`, `cert` and `key` are PEM."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server_url, "certificate-authority-data": base64_of(ca)}}],
        "users": [{"name": name, "user": {"client-certificate-data": base64_of(cert), "client-key-data": base64_of(key)}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
        "preferences": {},
    }


class Authority:
    """A loaded certificate authority."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self.key = key

    @classmethod
    def load(cls, pki: Pki) -> "Authority":
        """The cluster's own. Raises CorralError."""
        return cls.load_files(pki.ca_certificate, pki.ca_key)

    @classmethod
    def load_files(cls, certificate: Path, key: Path) -> "Authority":
        """The one in these files. Raises CorralError."""
        return cls(_load_certificate(certificate), _load_key(key))

    def issue(self, profile: _Profile, days: int, now: datetime) -> Issued:
        """A certificate with a new key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName(_general_names(profile.hosts)) if profile.hosts else None
        subject = _subject(profile.common_name, profile.organizations)
        ends = now + timedelta(days=days)
        return Issued(self.sign(subject, key.public_key(), profile.usages, names, now=now, ends=ends), _key_pem(key))

    def sign(
        self,
        subject: x509.Name,
        public_key: Any,
        usages: Sequence[Usage],
        names: x509.SubjectAlternativeName | None,
        *,
        now: datetime,
        ends: datetime,
    ) -> bytes:
        """A certificate (PEM) for a key."""
        ends = min(ends, self.certificate.not_valid_after_utc)
        builder = (
            _builder(subject, self.certificate.subject, public_key, now, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_USAGES[u] for u in usages]), critical=False)
            .add_extension(_key_identifier(self.key), critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def signed(self, certificate: x509.Certificate) -> bool:
        """Whether a certificate is of this authority."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except Exception:
            return False
        return True


def _ensure_ca(name: str, certificate_path: Path, key_path: Path, now: datetime) -> None:
    if certificate_path.exists():
        if not key_path.exists():
            raise CorralError(f"{key_path} is missing", f"put it back, or remove {certificate_path} to start a new authority")
        certificate = _load_certificate(certificate_path)
        if certificate.public_key() != _load_key(key_path).public_key():
            raise CorralError(f"{key_path} does not belong to {certificate_path}", "put the right key back")
        return
    if key_path.exists():
        key = _load_key(key_path)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        replace(key_path, _key_pem(key), durable=True)
    subject = _subject(name, ())
    certificate = (
        _builder(subject, subject, key.public_key(), now, now + timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    replace(certificate_path, certificate.public_bytes(serialization.Encoding.PEM), durable=True)


def _ensure_service_account_key(pki: Pki) -> None:
    if pki.service_account_key.exists():
        key = _load_key(pki.service_account_key)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        replace(pki.service_account_key, _key_pem(key), durable=True)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    if not pki.service_account_public.exists() or pki.service_account_public.read_bytes() != public:
        replace(pki.service_account_public, public)


def _ensure_leaf(ca: Authority, certificate_path: Path, key_path: Path, profile: _Profile, *, now: datetime) -> None:
    if certificate_path.exists() and key_path.exists():
        certificate = _load_certificate(certificate_path)
        fresh = certificate.not_valid_after_utc - now > RENEW_BEFORE
        ours = ca.signed(certificate) and certificate.public_key() == _load_key(key_path).public_key()
        same = certificate.subject == _subject(profile.common_name, profile.organizations)
        if fresh and ours and same and set(_general_names(profile.hosts)) <= _names_of(certificate):
            return
    issued = ca.issue(profile, LEAF_DAYS, now)
    replace(key_path, issued.key)
    replace(certificate_path, issued.certificate)


def _builder(subject: x509.Name, issuer: x509.Name, public_key: Any, now: datetime, ends: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(ends)
    )


def _subject(common_name: str, organizations: Iterable[str]) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name) for name in organizations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_names(hosts: Iterable[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _names_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    try:
        return set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return set()


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _key_identifier(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is damaged"
        raise CorralError(
            f"cannot read the certificate {path}: {why}", "restore it, or remove it to have it made anew"
        ) from error


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is damaged"
        raise CorralError(f"cannot read the private key {path}: {why}", "restore it from a backup") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CorralError(f"the private key {path} is not an elliptic-curve key", "restore it from a backup")
    return key


def base64_of(data: bytes) -> str:
    """Bytes as fields of objects and kubeconfigs carry them."""
    return b64encode(data).decode()
