"""Reads configuration files of the server (YAML or JSON): a fault names the file and the field, and says what would be right.

They lie in `DATA_DIR/config/`, each under a name of its own; one that is not there configures nothing.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from corral.api.jsontext import TextError
from corral.api.objects import Object
from corral.base.errors import CorralError

FOLDER = "config"
AUDIT_POLICY = "audit-policy.yaml"
AUDIT_WEBHOOK = "audit-webhook.kubeconfig"
AUTHENTICATION = "authentication.yaml"
TOKEN_WEBHOOK = "token-webhook.kubeconfig"
AUTHORIZATION_WEBHOOK = "authorization-webhook.kubeconfig"
ENCRYPTION = "encryption.yaml"

_NAMES = {str: "a text", bool: "true or false", int: "a whole number", dict: "an object", list: "a list"}


class FileReader:
    """One file, and how its faults are told."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def document(self, versions: Sequence[str], kind: str) -> Object:
        """The object in the file, which is of this kind. Raises CorralError."""
        from corral.api import yamltext  # The library takes a while to load, and most clusters have no such file.

        try:
            found, repeated = yamltext.parse(self.path.read_bytes())
        except OSError as error:
            raise CorralError(f"cannot read {self.path}: {error.strerror}", "make it readable for the server") from None
        except TextError as error:
            raise CorralError(f"{self.path} is no YAML: {error}", "correct the file") from None
        if repeated:
            raise CorralError(f"{self.path}: {repeated[0]}", "name each field once")
        if not isinstance(found, dict) or found.get("kind") != kind or found.get("apiVersion") not in versions:
            raise CorralError(f"{self.path} is no {kind}", f"begin it with: apiVersion: {versions[0]}, kind: {kind}")
        return found

    def fault(self, where: str, value: object, right: str) -> CorralError:
        """The error of a value that is wrong; `right` completes "It ..."."""
        return CorralError(f"{self.path}: {where}: {value!r} is not possible", f"it {right}")

    def known(self, found: Object, where: str, fields: Iterable[str]) -> None:
        """Raise CorralError where there is a field that is none of `fields`."""
        unknown = sorted(set(found) - set(fields))
        if unknown:
            raise CorralError(f"{self.path}: {_join(where, unknown[0])}: there is no such field", f"known: {', '.join(fields)}")

    def value(self, found: Object, field: str, kind: type, where: str, default: Any) -> Any:
        """A field of that type, `default` where it is not there. Raises CorralError."""
        value = found.get(field)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.fault(_join(where, field), value, f"is {_NAMES[kind]}")
        return value

    def list_of(self, found: Object, field: str, kind: type, where: str) -> list[Any]:
        """A list whose items are of that type, [] where it is not there. Raises CorralError."""
        items: list[Any] = self.value(found, field, list, where, [])
        for i, item in enumerate(items):
            if not isinstance(item, kind):
                raise self.fault(f"{_join(where, field)}[{i}]", item, f"is {_NAMES[kind]}")
        return items


def _join(where: str, field: str) -> str:
    return f"{where}.{field}" if where else field
