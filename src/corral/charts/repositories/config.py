"""repositories.yaml: the repositories that were added, as Helm keeps them.

https://helm.sh/docs/helm/helm_repo_add/
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corral.base.files import replace
from corral.charts.chart import yamlfile
from corral.charts.chart.errors import ChartError

NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository and how to get at it."""

    name: str
    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    insecure: bool = False
    pass_credentials: bool = False


_KEYS = {
    "name": "name",
    "url": "url",
    "username": "username",
    "password": "password",
    "caFile": "ca_file",
    "certFile": "cert_file",
    "keyFile": "key_file",
    "insecure_skip_tls_verify": "insecure",
    "pass_credentials_all": "pass_credentials",
}


def load(path: Path) -> list[Repository]:
    """The repositories in the file; none where there is no file. Raises ChartError for one that is damaged."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    content = yamlfile.read(data, f"couldn't load repositories file ({path})") or {}
    try:
        return [
            Repository(**{ours: entry[theirs] for theirs, ours in _KEYS.items() if theirs in entry})
            for entry in content.get("repositories") or ()
        ]
    except (TypeError, AttributeError) as error:
        raise ChartError(f"couldn't load repositories file ({path}): {error}", "correct or delete it") from None


def save(path: Path, repositories: Iterable[Repository]) -> None:
    """Write the file; it holds passwords, so only its owner can read it."""
    from corral.charts.render import yamlwriter

    entries: list[dict[str, Any]] = [{t: getattr(r, o) for t, o in _KEYS.items()} for r in repositories]
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, yamlwriter.dump({"apiVersion": "", "generated": NEVER, "repositories": entries}).encode())


def named(repositories: Iterable[Repository], name: str) -> Repository:
    """The repository of that name. Raises ChartError."""
    for repository in repositories:
        if repository.name == name:
            return repository
    raise ChartError(f"repo {name} not found", f"add it: corral chart repo add {name} URL")


def index_file(cache: Path, name: str) -> Path:
    """Where a repository's index is kept."""
    return cache / f"{name}-index.yaml"
