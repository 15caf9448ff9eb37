"""The EncryptionConfiguration file: which resources are sealed with which ciphers and keys.

`apiserver.config.k8s.io/v1` (https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-config-k8s-io-v1-EncryptionConfiguration).
The first provider's first key seals; all of them open. There are no plugins (`kms`).
"""

import base64
import binascii
import re
from pathlib import Path
from typing import Any, NamedTuple

from corral.api.objects import Object
from corral.server.configfiles import FileReader
from corral.server.encryption.ciphers import AES_KEY_SIZES, SECRETBOX_KEY_BYTES, AesCbc, AesGcm, Cipher, Identity, SecretBox
from corral.server.encryption.sealer import Rule

VERSION = "apiserver.config.k8s.io/v1"
_RESOURCE = re.compile(r"\*\.|\*\.\*|(\*|[a-z0-9][-a-z0-9]*)(\.[a-z0-9][-a-z0-9.]*)?")


class _Kind(NamedTuple):
    cipher: Any
    key_sizes: tuple[int, ...]


_KINDS = {
    "aesgcm": _Kind(AesGcm, AES_KEY_SIZES),
    "aescbc": _Kind(AesCbc, AES_KEY_SIZES),
    "secretbox": _Kind(SecretBox, (SECRETBOX_KEY_BYTES,)),
}


def load_configuration(path: Path) -> list[Rule]:
    """The rules of a file, none where there is none. Raises CorralError that names the field at fault; keys are never shown."""
    if not path.exists():
        return []
    reader = FileReader(path)
    found = reader.document((VERSION,), "EncryptionConfiguration")
    reader.known(found, "", ("apiVersion", "kind", "resources"))
    entries = reader.list_of(found, "resources", dict, "")
    if not entries:
        raise reader.fault("resources", entries, "has at least one entry")
    return [_rule(reader, entry, f"resources[{i}]") for i, entry in enumerate(entries)]


def _rule(reader: FileReader, entry: Object, where: str) -> Rule:
    reader.known(entry, where, ("resources", "providers"))
    resources = reader.list_of(entry, "resources", str, where)
    for i, resource in enumerate(resources):
        if not _RESOURCE.fullmatch(resource) or resource == "*":
            raise reader.fault(f"{where}.resources[{i}]", resource, "is RESOURCE, RESOURCE.GROUP, *.GROUP, *. or *.*")
    providers = reader.list_of(entry, "providers", dict, where)
    if not resources or not providers:
        raise reader.fault(where, sorted(entry), "names resources and providers")
    ciphers: list[Cipher] = []
    for i, provider in enumerate(providers):
        ciphers += _provider(reader, provider, f"{where}.providers[{i}]")
    return Rule(tuple(resources), tuple(ciphers))


def _provider(reader: FileReader, provider: Object, where: str) -> list[Cipher]:
    if len(provider) != 1:
        raise reader.fault(where, sorted(provider), "is of one kind")
    ((name, settings),) = provider.items()
    if name == "identity":
        return [Identity()]
    if name not in _KINDS:
        raise reader.fault(where, name, f"is one of identity, {', '.join(_KINDS)}")
    at = f"{where}.{name}"
    settings = reader.value(provider, name, dict, where, {})
    reader.known(settings, at, ("keys",))
    keys = reader.list_of(settings, "keys", dict, at)
    if not keys:
        raise reader.fault(f"{at}.keys", [], "has at least one key")
    return [_key(reader, key, _KINDS[name], f"{at}.keys[{i}]") for i, key in enumerate(keys)]


def _key(reader: FileReader, key: Object, kind: _Kind, where: str) -> Cipher:
    reader.known(key, where, ("name", "secret"))
    name = reader.value(key, "name", str, where, "")
    if not name or ":" in name:
        raise reader.fault(f"{where}.name", name, "is not empty, and has no colon")
    try:
        secret = base64.b64decode(str(key.get("secret", "")), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) not in kind.key_sizes:
        sizes = " or ".join(map(str, kind.key_sizes))
        raise reader.fault(f"{where}.secret", "...", f"is {sizes} bytes in base64")
    cipher: Cipher = kind.cipher(name, secret)
    return cipher
