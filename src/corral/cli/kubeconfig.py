"""`corral kubeconfig`: print the administrator's kubeconfig; and its merging into the user's own.

https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

import os
import pwd
from argparse import ArgumentParser
from pathlib import Path

from corral.api.plainyaml import value_of
from corral.base.annotations import Any
from corral.base.errors import CorralError
from corral.base.files import replace
from corral.cli.arguments import add_home
from corral.cli.layout import DEFAULT_NAME, Home, home_of

REMEDY = "repair it, or name another file in $KUBECONFIG, or leave it alone: corral up --no-merge"
SECTIONS = ("clusters", "users", "contexts")


def arguments(parser: ArgumentParser, words: str) -> None:
    """What may be typed."""
    del words
    add_home(parser)


def kubeconfig(*, data_dir: Path | None = None, name: str = DEFAULT_NAME) -> None:
    """Print the administrator's kubeconfig."""
    path = home_of(data_dir, name).kubeconfig
    try:
        print(path.read_text(), end="")
    except FileNotFoundError as error:
        raise CorralError(f"cannot read {path}: {error.strerror}", "make the cluster first: corral up") from None


def admin(home: Home) -> dict[str, Any]:
    """The administrator's kubeconfig of a cluster that is up. Raises CorralError where it is gone or damaged."""
    config = _read(home.kubeconfig)
    if not config.get("clusters"):
        raise CorralError(f"{home.kubeconfig} is gone", "have it made anew: corral down, corral up")
    return config


def user_kubeconfig() -> Path:
    """Where kubectl looks: the first file of $KUBECONFIG, else ~/.kube/config (of the person behind sudo)."""
    named = [p for p in os.environ.get("KUBECONFIG", "").split(":") if p]
    if named:
        return Path(named[0])
    person = _person_behind_sudo()
    return (Path(person.pw_dir) if person else Path.home()) / ".kube" / "config"


def check(path: Path) -> None:
    """Raise CorralError where the file at `path` is there and is no kubeconfig, or cannot be written."""
    _read(path)
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not os.access(nearest, os.W_OK):
        raise CorralError(f"cannot write {path}: no permission to write in {nearest}", REMEDY)


def merge(path: Path, addition: dict[str, Any]) -> None:
    """Put the cluster, user and context of `addition` into the file at `path`, and make the context current.

    Raises CorralError where the file is not a kubeconfig; it is then left as it was.
    """
    config = _read(path)
    for section in SECTIONS:
        added = {entry["name"] for entry in addition[section]}
        config[section] = [entry for entry in config.get(section) or [] if entry["name"] not in added] + addition[section]
    config["current-context"] = addition["current-context"]
    _write(path, config)


def remove(path: Path, name: str) -> None:
    """Take the cluster, user and context called `name` out of the file at `path`, if they are there.

    Raises CorralError where the file is not a kubeconfig; it is then left as it was.
    """
    if not path.exists():
        return
    config = _read(path)
    before = repr(config)
    for section in SECTIONS:
        config[section] = [entry for entry in config.get(section) or [] if entry["name"] != name]
    if config.get("current-context") == name:
        config["current-context"] = ""
    if repr(config) != before:
        _write(path, config)


def _person_behind_sudo() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(int(os.environ["SUDO_UID"])) if os.geteuid() == 0 else None
    except (KeyError, ValueError):
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        config = value_of(path.read_bytes()) if path.exists() else None
    except OSError as error:
        raise CorralError(f"cannot read {path}: {error.strerror}", REMEDY) from None
    except ValueError:
        raise CorralError(f"{path} is not YAML", REMEDY) from None
    if config is None:
        return {"apiVersion": "v1", "kind": "Config", "preferences": {}}
    if not (isinstance(config, dict) and all(_named(config.get(section)) for section in SECTIONS)):
        raise CorralError(f"{path} is not a kubeconfig", REMEDY)
    return config


def _named(entries: object) -> bool:
    """Whether `entries` is a list of named things, or nothing."""
    return entries is None or (isinstance(entries, list) and all(isinstance(e, dict) and "name" in e for e in entries))


def _write(path: Path, config: dict[str, Any]) -> None:
    import yaml

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace(path, yaml.safe_dump(config, sort_keys=False).encode())
    if person := _person_behind_sudo():
        os.chown(path.parent, person.pw_uid, person.pw_gid)
        os.chown(path, person.pw_uid, person.pw_gid)
