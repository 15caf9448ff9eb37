"""Which images this node has fetched, and with whose credentials: who may use one that is present already (KEP-2535).

A pod must not come by an image that its own credentials would not fetch, only because another pod of the node had it fetched.
An image that the node has not fetched itself, but somebody has put there by hand, is everybody's. What is known is in one file:
keyed hashes of credentials, never these.

https://kubernetes.io/docs/concepts/containers/images/#ensureimagepullcredentialverification
"""

import hashlib
import logging
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from corral.base.files import replace
from corral.node.pullcredentials import Credential, bare

log = logging.getLogger(__name__)

KEY_BYTES = 32
#: The most credentials that are remembered for one image.
REMEMBERED = 100


class _Leave(msgspec.Struct):
    """Who may use an image under one name: everybody, or who has one of these. Secret → hash of what it said."""

    everybody: bool = False
    secrets: dict[str, str] = {}


class _Records(msgspec.Struct):
    key: str
    #: Image id → name without tag and digest → leave.
    pulled: dict[str, dict[str, _Leave]] = {}
    #: Names that are being fetched: whoever is killed meanwhile must not take the image for one that was there before.
    begun: dict[str, int] = {}


class PullRecords:
    """Remembers in `file`, which is made where there is none."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._records = _read(file)

    def may_use(self, image_id: str, reference: str, credentials: Sequence[Credential]) -> bool:
        """Whether a pod with these credentials may use the image that is present, without asking its registry."""
        name = bare(reference)
        leaves = self._records.pulled.get(image_id)
        if leaves is None:
            return name not in self._records.begun
        leave = leaves.get(name)
        if leave is None:
            return False
        if leave.everybody:
            return True
        for credential in credentials:
            digest = self._hash(credential)
            if digest in leave.secrets.values() or credential.secret in leave.secrets:
                if leave.secrets.get(credential.secret) != digest:
                    self._allow(leave, credential)
                    self._write()
                return True
        return False

    def begin(self, reference: str) -> None:
        """An image is about to be fetched."""
        name = bare(reference)
        self._records.begun[name] = self._records.begun.get(name, 0) + 1
        self._write()

    def end(self, reference: str, image_id: str = "", credential: Credential | None = None) -> None:
        """It was fetched with this credential (None: it took none); or not, where there is no id."""
        name = bare(reference)
        if self._records.begun.get(name, 0) > 1:
            self._records.begun[name] -= 1
        else:
            self._records.begun.pop(name, None)
        if image_id:
            leave = self._records.pulled.setdefault(image_id, {}).setdefault(name, _Leave())
            if credential is None:
                leave.everybody, leave.secrets = True, {}
            elif not leave.everybody:
                self._allow(leave, credential)
        self._write()

    def is_fetched(self, image_id: str) -> bool:
        """Whether this node has fetched the image itself, and so can again."""
        return image_id in self._records.pulled

    def keep_only(self, image_ids: Iterable[str]) -> None:
        """Forget all images but these."""
        gone = self._records.pulled.keys() - set(image_ids)
        for image_id in gone:
            del self._records.pulled[image_id]
        if gone:
            self._write()

    def _allow(self, leave: _Leave, credential: Credential) -> None:
        leave.secrets.pop(credential.secret, None)
        leave.secrets[credential.secret] = self._hash(credential)
        while len(leave.secrets) > REMEMBERED:
            del leave.secrets[next(iter(leave.secrets))]

    def _hash(self, credential: Credential) -> str:
        text = msgspec.json.encode(sorted(credential.auth.items()))
        return hashlib.blake2b(text, digest_size=32, key=bytes.fromhex(self._records.key)).hexdigest()

    def _write(self) -> None:
        try:
            replace(self._file, msgspec.json.encode(self._records), durable=True)
        except OSError as error:
            log.warning("it cannot be remembered who may use which image: %s", error)


def _read(file: Path) -> _Records:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Records)
    except FileNotFoundError:
        return _Records(secrets.token_hex(KEY_BYTES))
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("%s cannot be read (%s): all images count as put there by hand", file, error)
        return _Records(secrets.token_hex(KEY_BYTES))
