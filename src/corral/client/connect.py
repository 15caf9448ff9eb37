"""From a kubeconfig to a client: server, CA, and a client certificate, token, password or credential plugin."""

import base64
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from corral.api.resources import Catalog
from corral.base.errors import CorralError
from corral.client.client import Client
from corral.client.https import HttpsTransport
from corral.client.kubeconfig import Access, context_of, entry_of, merged

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PLUGIN_TIMEOUT_S = 60.0


class Found(Struct, frozen=True):
    """What a kubeconfig leads to. `namespace` is the context's, or default."""

    transport: HttpsTransport
    namespace: str


def connect(path: Path, manager: str, catalog: Catalog, context: str = "") -> Client:
    """A client for the current (or named) context of one file. Raises CorralError where the file lacks what is needed."""
    return Client(transport(path, context), catalog, manager)


def transport(path: Path, context: str = "") -> HttpsTransport:
    """The way to the server of the current (or named) context of one file. Raises CorralError."""
    return find(Access(kubeconfig=str(path), context=context)).transport


def find(access: Access) -> Found:
    """The way to the cluster. In a pod, without a kubeconfig, it is the pod's own. Raises CorralError."""
    files = access.files()
    try:
        if not files and not access.server and (SERVICE_ACCOUNT / "token").exists():
            return _in_cluster(access)
        config = merged(files)
        context = context_of(config, access)
        cluster = dict(entry_of(config, "clusters", "cluster", context.get("cluster", ""))) if context.get("cluster") else {}
        user = dict(entry_of(config, "users", "user", context.get("user", ""))) if context.get("user") else {}
        return Found(_transport(_overridden(cluster, access), user, access), context.get("namespace") or "default")
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
        "certificate-authority": str(SERVICE_ACCOUNT / "ca.crt"),
    }
    user = {"tokenFile": str(SERVICE_ACCOUNT / "token")}
    namespace = SERVICE_ACCOUNT / "namespace"
    return Found(
        _transport(_overridden(cluster, access), user, access),
        namespace.read_text().strip() if namespace.exists() else "default",
    )


def _overridden(cluster: dict[str, Any], access: Access) -> dict[str, Any]:
    if access.server:
        cluster["server"] = access.server if "://" in access.server else f"https://{access.server}"
    if access.ca_file:
        cluster.pop("certificate-authority-data", None)
        cluster["certificate-authority"] = access.ca_file
    if access.insecure:
        cluster["insecure-skip-tls-verify"] = True
    if access.tls_name:
        cluster["tls-server-name"] = access.tls_name
    return cluster


def _transport(cluster: dict[str, Any], user: dict[str, Any], access: Access) -> HttpsTransport:
    tls = ssl.create_default_context(cadata=_text(cluster, "certificate-authority") or None)
    # Clusters' authorities (kubeadm's, ours) need not carry the extensions that Python 3.13 asks for by default.
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if user.get("exec") and not access.token:
        user |= _plugin_credentials(user["exec"], access.environ)
    certificate, key = _text(user, "client-certificate"), _text(user, "client-key")
    if certificate:
        with _pair(certificate, key) as file:
            tls.load_cert_chain(file)
    headers = {}
    token = access.token or user.get("token") or (Path(user["tokenFile"]).read_text().strip() if "tokenFile" in user else "")
    if token:
        headers["Authorization"] = f"Bearer {token}"
    elif "username" in user:
        pair = f"{user['username']}:{user.get('password', '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if access.as_user:
        headers["Impersonate-User"] = access.as_user
    if access.as_groups:
        # aiohttp takes one value a name here; the reference splits none, so several groups go as several headers.
        from multidict import CIMultiDict

        several = CIMultiDict(headers)
        for group in access.as_groups:
            several.add("Impersonate-Group", group)
        return HttpsTransport(cluster["server"], tls, several, tls_name=cluster.get("tls-server-name", ""))
    return HttpsTransport(cluster["server"], tls, headers, tls_name=cluster.get("tls-server-name", ""))


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
    return Path(section[field]).read_text() if section.get(field) else ""


@contextmanager
def _pair(certificate: str, key: str) -> Iterator[str]:
    """A file that holds certificate and key while OpenSSL, which takes only files, reads them."""
    fd, name = tempfile.mkstemp(prefix="corral-")  # mkstemp makes it 0600.
    try:
        with os.fdopen(fd, "w") as file:
            file.write(f"{certificate}\n{key}")
        yield name
    finally:
        Path(name).unlink()
