"""Seals and opens the values of the store by the keys under which they lie there."""

from collections.abc import Sequence
from typing import NamedTuple

from corral.base.errors import CorralError
from corral.server.encryption.ciphers import Cipher, Identity, UnopenableError

#: How every sealed value begins; objects begin with a brace.
_MARKS = (b"k8s:enc:", b"corral:")
_PLAIN = (Identity(),)


class Rule(NamedTuple):
    """Resources (`secrets`, `deployments.apps`, `*.apps`, `*.` of the core group, `*.*`) and their ciphers: the first seals."""

    resources: tuple[str, ...]
    ciphers: tuple[Cipher, ...]

    def matches(self, resource: str) -> bool:
        """Whether `pods` or `deployments.apps` is one of them."""
        group = resource.partition(".")[2]
        return not {resource, f"*.{group}", "*.*"}.isdisjoint(self.resources)


class Sealer:
    """Applies the first rule that matches a resource. `readable` opens values of any resource besides."""

    def __init__(self, rules: Sequence[Rule], readable: Sequence[Cipher] = ()) -> None:
        self._rules = tuple(rules)
        self._readable = tuple(readable)
        self._ciphers: dict[str, tuple[Cipher, ...]] = {}
        #: Keys of values that were read and are not sealed as they would be now; see `rewriting`.
        self.stale: set[str] = set()

    def seal(self, key: str, value: bytes) -> bytes:
        """What the store gets for `value` under `key`."""
        cipher = self._of(key)[0]
        return cipher.mark + cipher.seal(key, value) if cipher.mark else value

    def open(self, key: str, value: bytes) -> bytes:
        """What `value`, read from the store under `key`, was. Raises CorralError where no key opens it."""
        ciphers = self._of(key)
        first = ciphers[0]
        if not value.startswith(_MARKS):
            if first.mark:
                self.stale.add(key)
            return value
        for cipher in (*ciphers, *self._readable):
            if cipher.mark and value.startswith(cipher.mark):
                if cipher is not first:
                    self.stale.add(key)
                try:
                    return cipher.open(key, value[len(cipher.mark) :])
                except UnopenableError:
                    raise CorralError(f"{key} cannot be decrypted", "restore the key file or the store from a backup") from None
        name = b":".join(value.split(b":", 5)[:5]).decode(errors="replace")
        raise CorralError(f"{key} is encrypted with an unknown key ({name})", "restore the key file or the configuration")

    def is_current(self, key: str, value: bytes) -> bool:
        """Whether a stored value is sealed as it would be now."""
        mark = self._of(key)[0].mark
        return value.startswith(mark) if mark else not value.startswith(_MARKS)

    def _of(self, key: str) -> tuple[Cipher, ...]:
        resource = key.partition("/")[0]
        found = self._ciphers.get(resource)
        if found is None:
            found = next((rule.ciphers for rule in self._rules if rule.matches(resource)), _PLAIN)
            self._ciphers[resource] = found
        return found
