"""Kubeconfigs: which files are read, how several become one, and which cluster, user and namespace a context names.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/,
https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

import os

from corral.api.plainyaml import value_of
from corral.base.annotations import Any, Mapping, NamedTuple, Sequence
from corral.base.errors import CorralError

_SECTIONS = ("clusters", "users", "contexts")


class Access(NamedTuple):
    """Which cluster, and as whom: what a command line may say beside the kubeconfig. Empty fields leave it to that."""

    kubeconfig: str = ""
    context: str = ""
    server: str = ""
    token: str = ""
    ca_file: str = ""
    insecure: bool = False
    tls_name: str = ""
    as_user: str = ""
    as_groups: Sequence[str] = ()
    environ: Mapping[str, str] = os.environ

    def files(self) -> list[str]:
        """The files to read: the one named, those of $KUBECONFIG, or the user's own."""
        if self.kubeconfig:
            return [self.kubeconfig]
        if named := [p for p in self.environ.get("KUBECONFIG", "").split(os.pathsep) if p]:
            return [p for p in named if os.path.exists(p)]
        own = os.path.join(self.environ.get("HOME", "/root"), ".kube", "config")
        return [own] if os.path.exists(own) else []


def namespace_of(access: Access) -> str:
    """The namespace of the context; default where there is none or no kubeconfig."""
    files = access.files()
    if not files:
        return "default"
    try:
        return context_of(merged(files), access).get("namespace") or "default"
    except CorralError:
        return "default"


def merged(files: Sequence[str]) -> dict[str, Any]:
    """Several files as one: the first to name something wins; relative paths are those of its file."""
    made: dict[str, Any] = {section: {} for section in _SECTIONS}
    for path in files:
        try:
            with open(path, "rb") as file:
                config = value_of(file.read()) or {}
        except OSError as error:
            raise CorralError(f"cannot read {path}: {error.strerror}", "is the cluster up? corral status") from None
        except ValueError as error:
            raise CorralError(f"{path} is not a usable kubeconfig: {error}", "write it anew: corral kubeconfig") from None
        if config.get("current-context"):
            made.setdefault("current-context", config["current-context"])
        for section in _SECTIONS:
            for entry in config.get(section) or ():
                made[section].setdefault(entry["name"], _absolute(entry, section.removesuffix("s"), os.path.dirname(path)))
    return made


def _absolute(entry: dict[str, Any], what: str, folder: str) -> dict[str, Any]:
    content = dict(entry.get(what) or {})
    for key in ("certificate-authority", "client-certificate", "client-key", "tokenFile"):
        if content.get(key):
            content[key] = os.path.join(folder, content[key])
    command = (content.get("exec") or {}).get("command", "")
    if "/" in command:
        content["exec"] = {**content["exec"], "command": os.path.join(folder, command)}
    return content


def context_of(config: dict[str, Any], access: Access) -> dict[str, Any]:
    """The chosen context. Raises CorralError where there is none."""
    name = access.context or config.get("current-context", "")
    if not name:
        if access.server:
            return {}
        raise CorralError(
            "there is no kubeconfig, or it names no current context",
            "start a cluster (corral up), or name one: --kubeconfig FILE, --kube-context NAME, $KUBECONFIG",
        )
    if name not in config["contexts"]:
        raise CorralError(f'context "{name}" does not exist', "see which there are: kubectl config get-contexts")
    found: dict[str, Any] = config["contexts"][name]
    return found


def entry_of(config: dict[str, Any], section: str, what: str, name: str) -> dict[str, Any]:
    """A cluster or user by its name. Raises CorralError where there is none."""
    if name not in config[section]:
        raise CorralError(f'{what} "{name}" does not exist', "correct the kubeconfig's context")
    found: dict[str, Any] = config[section][name]
    return found
