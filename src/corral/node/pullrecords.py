"""Which images this node has fetched, and with whose credentials: who may use one that is present already (KEP-2535).

A pod must not come by an image that its own credentials would not fetch, only because another pod of the node had it fetched.
An image that the node has not fetched itself, but somebody has put there by hand, is everybody's. What is known is in a folder,
a file for each image, so that a damaged one costs no more than what it says: that the image was fetched is still known, and
whoever wants it has to fetch it again. Of credentials there are keyed hashes, never these.

https://kubernetes.io/docs/concepts/containers/images/#ensureimagepullcredentialverification
"""

import hashlib
import logging
import secrets
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
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


class _Record(msgspec.Struct):
    """An image that was fetched: name without tag and digest → leave."""

    image: str
    names: dict[str, _Leave] = {}


class PullRecords:
    """Remembers in `folder`, which is made where there is none. Raises OSError where it cannot be."""

    def __init__(self, folder: Path) -> None:
        #: Names that are being fetched: whoever is killed meanwhile must not take the image for one that was there before.
        self._begun_folder = folder / "begun"
        self._pulled_folder = folder / "pulled"
        for made in (folder, self._begun_folder, self._pulled_folder):
            made.mkdir(mode=0o700, exist_ok=True)
        self._key = _key(folder / "key")
        #: By names of files. How often a name is being fetched; what the agent before this one left counts once.
        self._begun = {path.name: 1 for path in _files(self._begun_folder)}
        self._pulled = {path.name: _read(path) for path in _files(self._pulled_folder)}

    def may_use(self, image_id: str, reference: str, credentials: Sequence[Credential]) -> bool:
        """Whether a pod with these credentials may use the image that is present, without asking its registry."""
        name = bare(reference)
        record = self._pulled.get(_file(image_id))
        if record is None:
            return _file(name) not in self._begun
        leave = record.names.get(name)
        if leave is None:
            return False
        if leave.everybody:
            return True
        for credential in credentials:
            digest = self._hash(credential)
            if digest in leave.secrets.values() or credential.secret in leave.secrets:
                if leave.secrets.get(credential.secret) != digest:
                    self._allow(leave, credential)
                    self._write(record)
                return True
        return False

    def begin(self, reference: str) -> None:
        """An image is about to be fetched. Raises OSError where that cannot be remembered: then it must not be."""
        name = bare(reference)
        file = _file(name)
        replace(self._begun_folder / file, name.encode(), durable=True)
        self._begun[file] = self._begun.get(file, 0) + 1

    def end(self, reference: str, image_id: str = "", credential: Credential | None = None) -> None:
        """It was fetched with this credential (None: it took none); or not, where there is no id."""
        name = bare(reference)
        if image_id:
            record = self._pulled.setdefault(_file(image_id), _Record(image_id))
            record.image = image_id  # Of a damaged one it was not known.
            leave = record.names.setdefault(name, _Leave())
            if credential is None:
                leave.everybody, leave.secrets = True, {}
            elif not leave.everybody:
                self._allow(leave, credential)
            if not self._write(record):
                return  # It stays begun: so the agent after this one knows that it was fetched.
        file = _file(name)
        if self._begun.get(file, 0) > 1:
            self._begun[file] -= 1
        elif self._begun.pop(file, 0):
            _remove(self._begun_folder / file)

    def is_fetched(self, image_id: str) -> bool:
        """Whether this node has fetched the image itself, and so can again."""
        return _file(image_id) in self._pulled

    def known(self) -> Collection[str]:
        """What is remembered now: for `keep_only`, to be asked before the images are listed, as more are fetched meanwhile."""
        return frozenset(self._pulled)

    def keep_only(self, image_ids: Iterable[str], known: Collection[str]) -> None:
        """Forget all images that were `known` but these."""
        for file in set(known).difference(map(_file, image_ids)):
            self._forget(file)

    def forget(self, image_id: str) -> None:
        """The image is gone."""
        self._forget(_file(image_id))

    def _forget(self, file: str) -> None:
        if self._pulled.pop(file, None) is not None:
            _remove(self._pulled_folder / file)

    def _allow(self, leave: _Leave, credential: Credential) -> None:
        leave.secrets.pop(credential.secret, None)
        leave.secrets[credential.secret] = self._hash(credential)
        while len(leave.secrets) > REMEMBERED:
            del leave.secrets[next(iter(leave.secrets))]

    def _hash(self, credential: Credential) -> str:
        text = msgspec.json.encode(sorted(credential.auth.items()))
        return hashlib.blake2b(text, digest_size=32, key=self._key).hexdigest()

    def _write(self, record: _Record) -> bool:
        try:
            replace(self._pulled_folder / _file(record.image), msgspec.json.encode(record), durable=True)
        except OSError as error:
            log.warning("it cannot be remembered who may use image %s: %s", record.image, error)
            return False
        return True


def _file(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _read(path: Path) -> _Record:
    try:
        record = msgspec.json.decode(path.read_bytes(), type=_Record)
        if _file(record.image) == path.name:
            return record
        error: Exception = ValueError("it is of another image")
    except (OSError, ValueError, msgspec.MsgspecError) as found:
        error = found
    log.warning("%s cannot be read (%s): pods have to fetch its image again", path, error)
    return _Record("")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("what was remembered of an image cannot be forgotten: %s", error)


def _key(path: Path) -> bytes:
    """The key of the hashes; a new one, to which no hash is right, where it is lost."""
    with suppress(FileNotFoundError):
        try:
            key = bytes.fromhex(path.read_text())
        except ValueError:
            key = b""
        if len(key) == KEY_BYTES:
            return key
        log.warning("%s is damaged: only secrets that are known by name open images without their registry", path)
    key = secrets.token_bytes(KEY_BYTES)
    replace(path, key.hex().encode(), durable=True)
    return key
