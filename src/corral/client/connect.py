"""From a kubeconfig to what a connection needs: server, CA, and a client certificate, token, password or credential plugin.

No HTTP here: `https` speaks it for the parts of a cluster, `blocking` for commands that ask, print and end, and load little.
"""

import base64
import os
import ssl

from corral.base.annotations import Any, Iterator, Mapping, NamedTuple
from corral.base.errors import CorralError
from corral.client.kubeconfig import Access, context_of, entry_of, merged

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
PLUGIN_TIMEOUT_S = 60.0
#: What has taken the place of the providers that client-go had built in until 1.26.
_GONE_PROVIDERS = {
    "gcp": "use the credential plugin gke-gcloud-auth-plugin: gcloud container clusters get-credentials",
    "azure": "use the credential plugin kubelogin: https://github.com/Azure/kubelogin",
}


class Found(NamedTuple):
    """What a kubeconfig leads to. `headers` say who asks; `namespace` is the context's, or default.

    `tls_name` is the name in the server's certificate where that is not the one in its URL; `proxy` is "" or a URL.
    """

    server: str
    tls: ssl.SSLContext
    headers: list[tuple[str, str]]
    tls_name: str = ""
    namespace: str = "default"
    proxy: str = ""


def find(access: Access) -> Found:
    """The way to the cluster. In a pod, without a kubeconfig, it is the pod's own. Raises CorralError."""
    files = access.files()
    try:
        if not files and not access.server and os.path.exists(f"{SERVICE_ACCOUNT}/token"):
            return _in_cluster(access)
        config = merged(files)
        context = context_of(config, access)
        cluster = dict(entry_of(config, "clusters", "cluster", context.get("cluster", ""))) if context.get("cluster") else {}
        user = dict(entry_of(config, "users", "user", context.get("user", ""))) if context.get("user") else {}
        return _found(_overridden(cluster, access), user, access, context.get("namespace") or "default")
    except OSError as error:
        raise CorralError(f"cannot read {error.filename}: {error.strerror}", "is the cluster up? corral status") from None
    except (KeyError, TypeError, ValueError, ssl.SSLError) as error:
        names = ", ".join(files) or "the kubeconfig"
        raise CorralError(f"{names} is not a usable kubeconfig: {error!r}", "write it anew: corral kubeconfig") from None


def _in_cluster(access: Access) -> Found:
    host = access.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
    port = access.environ.get("KUBERNETES_SERVICE_PORT", "443")
    cluster = {
        "server": f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        "certificate-authority": f"{SERVICE_ACCOUNT}/ca.crt",
    }
    file = f"{SERVICE_ACCOUNT}/namespace"
    namespace = _read(file).strip() if os.path.exists(file) else "default"
    return _found(_overridden(cluster, access), {"tokenFile": f"{SERVICE_ACCOUNT}/token"}, access, namespace)


def _overridden(cluster: dict[str, Any], access: Access) -> dict[str, Any]:
    if access.server:
        cluster["server"] = access.server
    if "://" not in cluster.get("server", "://"):
        cluster["server"] = f"https://{cluster['server']}"
    if access.ca_file:
        cluster.pop("certificate-authority-data", None)
        cluster["certificate-authority"] = access.ca_file
    if access.insecure:
        cluster["insecure-skip-tls-verify"] = True
    if access.tls_name:
        cluster["tls-server-name"] = access.tls_name
    return cluster


def _found(cluster: dict[str, Any], user: dict[str, Any], access: Access, namespace: str) -> Found:
    if not access.token:
        user |= _plugin_credentials(user["exec"], access.environ) if user.get("exec") else _of_provider(user)
    return Found(
        cluster["server"],
        _tls(cluster, user),
        [*_credentials(user, access), *_impersonation(user, access)],
        cluster.get("tls-server-name") or "",
        namespace,
        _proxy(cluster, access.environ),
    )


def _tls(cluster: dict[str, Any], user: dict[str, Any]) -> ssl.SSLContext:
    tls = ssl.create_default_context(cadata=_text(cluster, "certificate-authority") or None)
    # Clusters' authorities (kubeadm's, ours) need not carry the extensions that Python 3.13 asks for by default.
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    certificate, key = _text(user, "client-certificate"), _text(user, "client-key")
    if certificate:
        _load_pair(tls, f"{certificate}\n{key}")
    return tls


def _load_pair(tls: ssl.SSLContext, pair: str) -> None:
    """Show a certificate and its key, from memory: OpenSSL takes only files, so they are one that is nowhere on a disk."""
    fd = os.memfd_create("corral", os.MFD_CLOEXEC)
    try:
        with open(fd, "w", closefd=False) as file:
            file.write(pair)
        tls.load_cert_chain(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)


def _credentials(user: dict[str, Any], access: Access) -> Iterator[tuple[str, str]]:
    token = access.token or user.get("token") or (_read(user["tokenFile"]).strip() if "tokenFile" in user else "")
    if token:
        yield "Authorization", f"Bearer {token}"
    elif "username" in user:
        from corral.client.connection import basic  # few have a password

        yield "Authorization", basic(user["username"], user.get("password", ""))


def _impersonation(user: dict[str, Any], access: Access) -> Iterator[tuple[str, str]]:
    """As whom to act: what the command line says, else the kubeconfig. The reference splits no header: there is one a group."""
    name = access.as_user or user.get("as")
    if name:
        yield "Impersonate-User", name
    if user.get("as-uid") and not access.as_user:
        yield "Impersonate-Uid", user["as-uid"]
    for group in access.as_groups or (not access.as_user and user.get("as-groups")) or ():
        yield "Impersonate-Group", group


def _proxy(cluster: dict[str, Any], environ: Mapping[str, str]) -> str:
    """The kubeconfig's proxy, or that of the environment."""
    if cluster.get("proxy-url"):
        return str(cluster["proxy-url"])
    if not any(name.lower() in ("https_proxy", "http_proxy") and value for name, value in environ.items()):
        return ""
    from corral.client.proxies import proxy_of  # few have one

    return proxy_of(cluster["server"], environ)


def _of_provider(user: dict[str, Any]) -> dict[str, Any]:
    """The token of a provider that is built into other clients. Raises CorralError for those that are no more."""
    provider = user.get("auth-provider") or {}
    name = provider.get("name", "")
    if name in _GONE_PROVIDERS:
        raise CorralError(f"The {name} auth plugin has been removed.", _GONE_PROVIDERS[name])
    if not name:
        return {}
    token = (provider.get("config") or {}).get("id-token") if name == "oidc" else ""
    if not token:
        raise CorralError(
            f'no Auth Provider found for name "{name}"' if name != "oidc" else "the oidc provider has no id-token yet",
            "log in with a credential plugin (exec), such as kubelogin",
        )
    return {"token": token}


def _plugin_credentials(plugin: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What a credential plugin says (`aws eks get-token` and the like): a token, or a certificate and its key.

    https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """
    import json
    import subprocess

    command = [plugin["command"], *(plugin.get("args") or ())]
    info = {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
    env = {**environ, "KUBERNETES_EXEC_INFO": json.dumps(info)}
    env |= {pair["name"]: pair["value"] for pair in plugin.get("env") or ()}
    try:
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True, timeout=PLUGIN_TIMEOUT_S)
        status = json.loads(done.stdout)["status"]
    except FileNotFoundError:
        raise CorralError(
            f"exec: executable {plugin['command']} not found",
            plugin.get("installHint") or "install the kubeconfig's credential plugin",
        ) from None
    except (subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        # The output holds credentials: it is not shown.
        raise CorralError(
            f"the credential plugin {plugin['command']} failed: {type(error).__name__}", "run it by hand to see why"
        ) from None
    found = {"token": status.get("token"), "client-certificate-data": status.get("clientCertificateData")}
    found["client-key-data"] = status.get("clientKeyData")
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in found.items() if v and k != "token"}
    return encoded | ({"token": found["token"]} if found["token"] else {})


def _text(section: dict[str, Any], field: str) -> str:
    data = section.get(f"{field}-data")
    if data:
        return base64.b64decode(data).decode()
    return _read(section[field]) if section.get(field) else ""


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
