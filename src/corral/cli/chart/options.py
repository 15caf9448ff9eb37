"""The flags that several commands share, and what they mean."""

import os

from corral.base.annotations import TYPE_CHECKING, Any
from corral.cli.chart.flags import TRUE, Flag
from corral.client.kubeconfig import Access

if TYPE_CHECKING:
    from pathlib import Path

OUTPUT = Flag("output", "string", "how to print: table, json, yaml", "o", default="table")
REVISION = Flag("revision", "int", "the revision to show; the newest where it is not given")
TIMEOUT = Flag("timeout", "duration", "how long to wait for any one thing", default=300.0)
WAIT = Flag("wait", "bool", "wait until everything is ready before the release counts as successful")
WAIT_FOR_JOBS = Flag("wait-for-jobs", "bool", "with --wait, wait until all Jobs have completed, too")
NO_HOOKS = Flag("no-hooks", "bool", "run no hooks")
DESCRIPTION = Flag("description", "string", "a description of your own")
HISTORY_MAX = Flag("history-max", "int", "keep so many revisions; 0 keeps all", default=10)

GLOBAL = (
    Flag("help", "bool", "show this", "h"),
    Flag("debug", "bool", "tell more"),
    Flag("namespace", "string", "the namespace to work in", "n"),
    Flag("kubeconfig", "string", "the kubeconfig; $KUBECONFIG, then ~/.kube/config"),
    Flag("kube-context", "string", "the context of the kubeconfig"),
    Flag("kube-apiserver", "string", "the API server's address"),
    Flag("kube-token", "string", "a bearer token"),
    Flag("kube-ca-file", "string", "the authority that signed the server's certificate"),
    Flag("kube-insecure-skip-tls-verify", "bool", "do not check the server's certificate"),
    Flag("kube-tls-server-name", "string", "the name in the server's certificate"),
    Flag("kube-as-user", "string", "act as this user"),
    Flag("kube-as-group", "array", "act as of this group; may be repeated"),
    Flag("registry-config", "string", "the file of registry credentials"),
    Flag("repository-cache", "string", "the folder of indexes and archives"),
    Flag("repository-config", "string", "the file of repositories"),
    Flag("burst-limit", "int", "taken and not needed: requests are not throttled", hidden=True),
    Flag("qps", "string", "taken and not needed: requests are not throttled", hidden=True),
)

VALUES = (
    Flag("values", "strings", "a file or URL of values; may be repeated, the last wins", "f"),
    Flag("set", "array", "set values: a=1,b.c=2,d[0]=x,e={x,y}"),
    Flag("set-string", "array", "set values that are text whatever they look like"),
    Flag("set-file", "array", "set values to the contents of files: a=path"),
    Flag("set-json", "array", "set values in JSON: a=[1,2]"),
    Flag("set-literal", "array", "set one value to all that follows the first ="),
)

CHART = (
    Flag("version", "string", "a version or a range of versions; the newest where it is not given"),
    Flag("devel", "bool", "prereleases, too"),
    Flag("repo", "string", "the URL of a repository to find the chart in"),
    Flag("username", "string", "the repository's user"),
    Flag("password", "string", "the repository's password"),
    Flag("pass-credentials", "bool", "send them to other hosts, too"),
    Flag("ca-file", "string", "the authority of the repository's certificate"),
    Flag("cert-file", "string", "a certificate to show to the repository"),
    Flag("key-file", "string", "its key"),
    Flag("insecure-skip-tls-verify", "bool", "do not check the repository's certificate"),
    Flag("plain-http", "bool", "HTTP without TLS"),
    Flag("keyring", "string", "the keys to verify with"),
    Flag("verify", "bool", "verify the archive's provenance first"),
)

POST_RENDER = (
    Flag("post-renderer", "string", "a program that rewrites the manifests"),
    Flag("post-renderer-args", "array", "its arguments"),
)

_USUAL = {"CACHE": ".cache", "CONFIG": ".config", "DATA": ".local/share"}


class Options:
    """The values of a command's flags, read as `options.name`; and which flags were given."""

    __slots__ = ("given", "values")

    def __init__(self, values: dict[str, Any], given: set[str]) -> None:
        self.values = values
        self.given = given

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None


def repository_config(options: Options) -> "Path":
    """repositories.yaml."""
    return _place(options, "repository_config", "CONFIG", "repositories.yaml")


def repository_cache(options: Options) -> "Path":
    """The folder of indexes and archives."""
    return _place(options, "repository_cache", "CACHE", "repository")


def registry_config(options: Options) -> "Path":
    """The credentials of registries, as Docker writes them."""
    return _place(options, "registry_config", "CONFIG", "registry/config.json")


def _place(options: Options, name: str, kind: str, usual: str) -> "Path":
    """Where the flag `name` or Helm's variable of that name says, or else `usual` in Helm's folder of the `kind`."""
    from pathlib import Path

    given = getattr(options, name) or os.environ.get(f"HELM_{name.upper()}")
    return Path(given) if given else home(kind) / usual


def home(kind: str) -> "Path":
    """Helm's folder of a kind: CACHE, CONFIG, or DATA, where starters are."""
    from pathlib import Path

    environ = os.environ
    if own := environ.get(f"HELM_{kind}_HOME"):
        return Path(own)
    base = environ.get(f"XDG_{kind}_HOME")
    return (Path(base) if base else Path.home() / _USUAL[kind]) / "helm"


def access(options: Options) -> Access:
    """Which cluster, and as whom: flags first, then Helm's variables."""
    environ = os.environ
    return Access(
        kubeconfig=options.kubeconfig,
        context=options.kube_context or environ.get("HELM_KUBECONTEXT", ""),
        server=options.kube_apiserver or environ.get("HELM_KUBEAPISERVER", ""),
        token=options.kube_token or environ.get("HELM_KUBETOKEN", ""),
        ca_file=options.kube_ca_file or environ.get("HELM_KUBECAFILE", ""),
        insecure=options.kube_insecure_skip_tls_verify or environ.get("HELM_KUBEINSECURE_SKIP_TLS_VERIFY") in TRUE,
        tls_name=options.kube_tls_server_name or environ.get("HELM_KUBETLS_SERVER_NAME", ""),
        as_user=options.kube_as_user or environ.get("HELM_KUBEASUSER", ""),
        as_groups=tuple(options.kube_as_group) or tuple(filter(None, environ.get("HELM_KUBEASGROUPS", "").split(","))),
    )
