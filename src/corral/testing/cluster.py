"""A control plane in a process of its own, as `corral up --no-node` starts it: what the fixtures give to tests."""

import http.client
import json
import secrets
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class ControlPlane:
    """A running API server. `kubeconfig` is its administrator's."""

    data_dir: Path
    server: str

    @property
    def kubeconfig(self) -> Path:
        """What clients are pointed at: $KUBECONFIG or their argument."""
        return self.data_dir / "kubeconfig"

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """One call as administrator; the answer's JSON. Raises RuntimeError with the Status for an error answer."""
        url = urlsplit(self.server)
        tls = admin_tls(self.data_dir / "pki")
        connection = http.client.HTTPSConnection(url.hostname or "", url.port, context=tls, timeout=TIMEOUT_S)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json", "Accept": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {answer.decode(errors='replace')}")
        return json.loads(answer)


def admin_tls(pki: Path) -> ssl.SSLContext:
    """What a client needs to trust a server, and to be its administrator. `pki` is the server's folder of keys."""
    tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    return tls


def free_port() -> int:
    """A port that nobody listens on, below those that connections get."""
    while True:
        port = 20000 + secrets.randbelow(10000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@contextmanager
def control_plane(data_dir: Path, port: int | None = None) -> Iterator[ControlPlane]:
    """Start one in `data_dir`, and stop and remove it afterwards."""
    corral = [sys.executable, "-m", "corral"]
    where = ["--data-dir", str(data_dir), "--name", "test"]
    # Not the first free one, which other tests on this machine take at the same moment.
    chosen = ["--port", str(port if port is not None else free_port())]
    subprocess.run([*corral, "up", *where, *chosen, "--no-node", "--no-merge"], check=True, timeout=TIMEOUT_S)
    try:
        server = json.loads((data_dir / "cluster.json").read_text())
        yield ControlPlane(data_dir, f"https://127.0.0.1:{server['port']}")
    finally:
        subprocess.run([*corral, "down", *where[:2], "--purge"], check=True, timeout=TIMEOUT_S)
