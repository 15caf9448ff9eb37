"""Credentials of OCI registries, in the file that Docker's clients share with Helm: `{"auths": {HOST: {"auth": base64}}}`."""

import base64
import binascii
import json
from pathlib import Path
from typing import Any

from corral.base.files import replace
from corral.charts.chart.errors import ChartError


def of(path: Path, host: str) -> tuple[str, str] | None:
    """User and password for a registry; Helm's own file first, then Docker's."""
    for file in (path, Path.home() / ".docker" / "config.json"):
        entry = _read(file).get("auths", {}).get(host)
        if isinstance(entry, dict) and entry.get("auth"):
            try:
                user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise ChartError(
                    f"the credentials of {host} in {file} are damaged", f"log in anew: corral chart registry login {host}"
                ) from None
            return user, password
    return None


def keep(path: Path, host: str, user: str, password: str) -> None:
    """Remember them; only the owner can read the file."""
    content = _read(path)
    content.setdefault("auths", {})[host] = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
    _write(path, content)


def forget(path: Path, host: str) -> bool:
    """Forget them; whether there were any."""
    content = _read(path)
    there = content.get("auths", {}).pop(host, None) is not None
    if there:
        _write(path, content)
    return there


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ChartError(f"cannot read {path}: {error}", "correct or delete it") from None
    return content if isinstance(content, dict) else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(path, json.dumps(content, indent=1).encode())
