"""From a kubeconfig to a client: server, CA, and a client certificate or token.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

import base64
import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from corral.api.resources import Catalog
from corral.base.errors import CorralError
from corral.client.client import Client
from corral.client.https import HttpsTransport


def connect(path: Path, manager: str, catalog: Catalog, context: str = "") -> Client:
    """A client for the current (or named) context. Raises CorralError where the file lacks what is needed."""
    return Client(transport(path, context), catalog, manager)


def transport(path: Path, context: str = "") -> HttpsTransport:
    """The way to the server of the current (or named) context. Raises CorralError where the file lacks what is needed."""
    try:
        config = yaml.safe_load(path.read_text())
        name = context or config["current-context"]
        chosen = _named(config["contexts"], name)["context"]
        cluster = _named(config["clusters"], chosen["cluster"])["cluster"]
        user = _named(config["users"], chosen["user"])["user"]
        return _transport(cluster, user)
    except OSError as error:
        raise CorralError(f"cannot read {error.filename}: {error.strerror}", "is the cluster up? corral status") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError, ssl.SSLError) as error:
        raise CorralError(f"{path} is not a usable kubeconfig: {error!r}", "write it anew: corral kubeconfig") from None


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for entry in entries:
        if entry["name"] == name:
            return entry
    raise KeyError(name)


def _transport(cluster: dict[str, Any], user: dict[str, Any]) -> HttpsTransport:
    tls = ssl.create_default_context(cadata=_text(cluster, "certificate-authority") or None)
    # Clusters' authorities (kubeadm's, ours) need not carry the extensions that Python 3.13 asks for by default.
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    certificate, key = _text(user, "client-certificate"), _text(user, "client-key")
    if certificate:
        with _pair(certificate, key) as file:
            tls.load_cert_chain(file)
    token = user.get("token") or (Path(user["tokenFile"]).read_text().strip() if "tokenFile" in user else "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return HttpsTransport(cluster["server"], tls, headers)


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
