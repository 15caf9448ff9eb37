"""Sprig's cryptography (crypto.go): passwords, keys, certificates, AES. Randomness is the system's: these are secrets."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import os
import struct
from datetime import UTC, datetime, timedelta

from corral.base.annotations import Any
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import LIST, Table
from corral.charts.render.gofmt import plain
from corral.charts.render.gotypes import Struct, decoded, encoded

FUNCTIONS = Table()
_SEED = b"com.lyndir.masterpassword"
_BCRYPT_COST = 10
_PASSWORDS = {
    "maximum": "anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno",
    "long": "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv "
    "CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv CvccCvccCvcvno "
    "CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno",
    "medium": "CvcnoCvc CvcCvcno",
    "short": "Cvcn",
    "basic": "aaanaaan aannaaan aaannaaa",
    "pin": "nnnn",
}
_CHARACTERS = {
    "V": "AEIOU",
    "C": "BCDFGHJKLMNPQRSTVWXYZ",
    "v": "aeiou",
    "c": "bcdfghjklmnpqrstvwxyz",
    "A": "AEIOUBCDFGHJKLMNPQRSTVWXYZ",
    "a": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
    "n": "0123456789",
    "o": "@&%?,=[]_:-+*$#!'^~;()/.",
    "x": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
}


_Names = tuple[list[Any], list[Any]]


class Certificate(Struct):
    """sprig.certificate: a certificate and its key in PEM."""

    __slots__ = ("cert", "key")
    go_type = "sprig.certificate"
    pointer = False
    fields = {"Cert": ("cert", "Cert", False), "Key": ("key", "Key", False)}  # noqa: RUF012

    def __init__(self, cert: str, key: str) -> None:
        self.cert = cert
        self.key = key


@FUNCTIONS.add("bcrypt", "string")
def _bcrypt(password: str) -> str:
    import bcrypt

    return bcrypt.hashpw(encoded(password)[:72], bcrypt.gensalt(_BCRYPT_COST, prefix=b"2a")).decode()


@FUNCTIONS.add("htpasswd", "string", "string")
def _htpasswd(user: str, password: str) -> str:
    return f"invalid username: {user}" if ":" in user else f"{user}:{_bcrypt(password)}"


@FUNCTIONS.add("derivePassword", "uint32", "string", "string", "string", "string")
def _derive_password(counter: int, kind: str, password: str, user: str, site: str) -> str:
    if kind not in _PASSWORDS:
        return f"cannot find password template {kind}"
    name, place = encoded(user), encoded(site)
    salt = _SEED + struct.pack(">I", len(name)) + name
    key = hashlib.scrypt(encoded(password), salt=salt, n=32768, r=8, p=2, dklen=64, maxmem=128 * 1024 * 1024)
    message = _SEED + struct.pack(">I", len(place)) + place + struct.pack(">I", counter)
    seed = hmac.new(key, message, hashlib.sha256).digest()
    forms = _PASSWORDS[kind].split()
    form = forms[seed[0] % len(forms)]
    return "".join(_CHARACTERS[char][seed[i] % len(_CHARACTERS[char])] for i, char in enumerate(form, 1))


@FUNCTIONS.add("genPrivateKey", "string")
def _gen_private_key(kind: str) -> str:
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

    if kind in ("", "rsa"):
        return _key_pem(rsa.generate_private_key(65537, 4096))
    if kind == "dsa":
        return _key_pem(dsa.generate_private_key(2048))
    if kind == "ecdsa":
        return _key_pem(ec.generate_private_key(ec.SECP256R1()))
    if kind == "ed25519":
        return _key_pem(ed25519.Ed25519PrivateKey.generate())
    return f"Unknown type {kind}"


def _key_pem(key: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    form = PrivateFormat.PKCS8 if isinstance(key, Ed25519PrivateKey) else PrivateFormat.TraditionalOpenSSL
    return str(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode())


def _read_key(pem: str) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if "-----BEGIN " not in pem:
        raise FunctionError("no PEM data in input")
    try:
        return load_pem_private_key(encoded(pem), None)
    except (ValueError, TypeError) as error:
        raise FunctionError(f"invalid private key: {error}") from None


def _read_certificate(pem: str) -> Any:
    from cryptography import x509

    if "-----BEGIN " not in pem:
        raise FunctionError("unable to decode certificate")
    try:
        return x509.load_pem_x509_certificate(encoded(pem))
    except ValueError as error:
        raise FunctionError(f"error parsing certificate: decodedCert.Bytes: {error}") from None


@FUNCTIONS.add("buildCustomCert", "string", "string")
def _build_custom_cert(cert: str, key: str) -> Certificate:
    texts = []
    for what, text in (("certificate", cert), ("private key", key)):
        try:
            texts.append(decoded(base64.b64decode(encoded(text), validate=True)))
        except binascii.Error:
            raise FunctionError(f"unable to decode base64 {what}") from None
    _read_certificate(texts[0])
    try:
        _read_key(texts[1])
    except FunctionError as error:
        raise FunctionError(f"error parsing private key: {error}") from None
    return Certificate(texts[0], texts[1])


def _new_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import rsa

    return rsa.generate_private_key(65537, 2048)


def _given_key(pem: str) -> Any:
    try:
        return _read_key(pem)
    except FunctionError as error:
        raise FunctionError(f"parsing private key: {error}") from None


def _addresses(values: list[Any]) -> list[Any]:
    made = []
    for value in values:
        if not isinstance(value, str):
            raise FunctionError(f"error parsing ip: {plain(value)} is not a string")
        try:
            made.append(ipaddress.ip_address(value))
        except ValueError:
            raise FunctionError(f"error parsing ip: {value}") from None
    return made


def _names(values: list[Any]) -> list[str]:
    for value in values:
        if not isinstance(value, str):
            raise FunctionError(f"error processing alternate dns name: {plain(value)} is not a string")
    return values


def _issue(run: Any, name: str, days: int, key: Any, names: _Names | None, issuer: Any, issuer_key: Any) -> Certificate:
    """Sign a certificate for `name`; without an issuer by itself, as an authority if there are no `names` at all."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    ips, dns = ([], []) if names is None else (_addresses(names[0]), _names(names[1]))
    is_authority = names is None
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    now = run.options.now().astimezone(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(os.urandom(16)) >> 1 or 1)
        .not_valid_before(now)
        .not_valid_after(_later(now, days))
        .add_extension(_usage(signs=is_authority), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if is_authority:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if issuer is not None:
        builder = _with_authority(builder, issuer)
    alternatives = [*map(x509.DNSName, dns), *map(x509.IPAddress, ips)]
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    signer = issuer_key or key
    made = builder.sign(signer, None if isinstance(signer, Ed25519PrivateKey) else hashes.SHA256())
    return Certificate(made.public_bytes(Encoding.PEM).decode(), _key_pem(key))


def _later(now: datetime, days: int) -> datetime:
    try:
        return now + timedelta(days=days)
    except OverflowError:
        return datetime(9999, 12, 31, tzinfo=UTC)


def _usage(*, signs: bool) -> Any:
    from cryptography import x509

    others = dict.fromkeys(
        ("content_commitment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"), False
    )
    return x509.KeyUsage(digital_signature=True, key_encipherment=True, key_cert_sign=signs, **others)


def _with_authority(builder: Any, issuer: Any) -> Any:
    from cryptography import x509

    try:
        known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return builder
    identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)
    return builder.add_extension(identifier, critical=False)


@FUNCTIONS.add("genCA", "string", "int", wants_run=True)
def _gen_ca(run: Any, name: str, days: int) -> Certificate:
    return _issue(run, name, days, _new_key(), None, None, None)


@FUNCTIONS.add("genCAWithKey", "string", "int", "string", wants_run=True)
def _gen_ca_with_key(run: Any, name: str, days: int, key: str) -> Certificate:
    return _issue(run, name, days, _given_key(key), None, None, None)


@FUNCTIONS.add("genSelfSignedCert", "string", LIST, LIST, "int", wants_run=True)
def _gen_self_signed(run: Any, name: str, ips: list[Any], names: list[Any], days: int) -> Certificate:
    return _issue(run, name, days, _new_key(), (ips, names), None, None)


@FUNCTIONS.add("genSelfSignedCertWithKey", "string", LIST, LIST, "int", "string", wants_run=True)
def _gen_self_signed_with_key(run: Any, name: str, ips: list[Any], names: list[Any], days: int, key: str) -> Certificate:
    return _issue(run, name, days, _given_key(key), (ips, names), None, None)


@FUNCTIONS.add("genSignedCert", "string", LIST, LIST, "int", "sprig.certificate", wants_run=True)
def _gen_signed(run: Any, name: str, ips: list[Any], names: list[Any], days: int, authority: Certificate) -> Certificate:
    return _signed(run, name, days, _new_key(), (ips, names), authority)


@FUNCTIONS.add("genSignedCertWithKey", "string", LIST, LIST, "int", "sprig.certificate", "string", wants_run=True)
def _gen_signed_with_key(
    run: Any, name: str, ips: list[Any], names: list[Any], days: int, authority: Certificate, key: str
) -> Certificate:
    return _signed(run, name, days, _given_key(key), (ips, names), authority)


def _signed(run: Any, name: str, days: int, key: Any, names: _Names, authority: Certificate) -> Certificate:
    issuer = _read_certificate(authority.cert)
    try:
        issuer_key = _read_key(authority.key)
    except FunctionError as error:
        raise FunctionError(f"error parsing private key: {error}") from None
    return _issue(run, name, days, key, names, issuer, issuer_key)


def _cipher(password: str, iv: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    return Cipher(AES(encoded(password)[:32].ljust(32, b"\0")), CBC(iv))


@FUNCTIONS.add("encryptAES", "string", "string")
def _encrypt_aes(password: str, text: str) -> str:
    if not text:
        return ""
    data = encoded(text)
    padding = 16 - len(data) % 16
    iv = os.urandom(16)
    encryptor = _cipher(password, iv).encryptor()
    made = encryptor.update(data + bytes([padding]) * padding) + encryptor.finalize()
    return base64.b64encode(iv + made).decode()


@FUNCTIONS.add("decryptAES", "string", "string")
def _decrypt_aes(password: str, text: str) -> str:
    from corral.charts.render.functions.encoding import FUNCTIONS as ENCODING

    if not text:
        return ""
    try:
        data = base64.b64decode(encoded(text), validate=True)
    except binascii.Error:
        raise FunctionError(str(ENCODING["b64dec"].call(text))) from None
    if len(data) < 16:
        raise FunctionError(f"runtime error: slice bounds out of range [:16] with capacity {len(data)}")
    if len(data) % 16:
        raise FunctionError("crypto/cipher: input not full blocks")
    decryptor = _cipher(password, data[:16]).decryptor()
    made = decryptor.update(data[16:]) + decryptor.finalize()
    return decoded(made[: len(made) - made[-1]] if made else b"")
