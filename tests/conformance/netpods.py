"""Pods that serve and ask over the network (netserver.py), in a namespace of their own.

They run the interpreter of the tests with the libraries of this host, which they see through read-only mounts: no image holds it.
"""

import json
import sys
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.conformance.pods import Pods, pod

Object = dict[str, Any]

HTTP, UDP = 8080, 8081
PYTHON = str(Path(sys.executable).resolve())
_HOST = [path for path in dict.fromkeys(["/usr", "/lib", "/lib64", sys.base_prefix]) if Path(path).is_dir()]


def prepare(pods: Pods, tls: str = "") -> None:
    """Put the program where the pods of a namespace find it; with a certificate and its key, for those that serve HTTPS."""
    text = Path(__file__).with_name("netserver.py").read_text()
    data = {"netserver.py": text, **({"tls.pem": tls} if tls else {})}
    pods.create("configmaps", {"metadata": {"name": "netserver"}, "data": data})


def server(
    name: str,
    labels: dict[str, str] | None = None,
    *,
    http: Iterable[int] = (HTTP,),
    udp: Iterable[int] = (UDP,),
    tls: Iterable[int] = (),
    ports: Iterable[Object] = (),
    **spec: Any,
) -> Object:
    """A pod that listens on these ports."""
    listens = [str(port) for port in http]
    command = [PYTHON, "-B", "/srv/netserver.py", "--http", *listens, "--udp", *map(str, udp)]
    command += ["--tls", *map(str, tls)]
    volumes: list[Object] = [{"name": "srv", "configMap": {"name": "netserver"}}]
    volumes += [{"name": f"host{i}", "hostPath": {"path": path}} for i, path in enumerate(_HOST)]
    places = ["/srv", *_HOST]
    container = {
        "command": command,
        "ports": list(ports),
        "volumeMounts": [
            {"name": volume["name"], "mountPath": place, "readOnly": True}
            for volume, place in zip(volumes, places, strict=True)
        ],
        "readinessProbe": {"tcpSocket": {"port": int(listens[0])}, "periodSeconds": 1},
    }
    return pod(name, container, meta={"labels": labels or {}}, volumes=volumes, **spec)


def address(pods: Pods, name: str) -> str:
    """Of a pod, once it is ready."""
    return str(pods.ready(name)["status"]["podIP"])


def fetch(host: str, port: int, path: str = "/hostname", timeout_s: float = 5) -> str:
    """What the node gets from there by HTTP."""
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=timeout_s) as answer:
        text: str = answer.read().decode()
        return text


def dial(client: str, protocol: str, host: str, port: int) -> str:
    """What the pod at the address `client` gets from there; '' where nobody answers."""
    query = urlencode({"protocol": protocol, "host": host, "port": port})
    answer = json.loads(fetch(client, HTTP, f"/dial?{query}", timeout_s=10))
    return str(answer.get("answer", ""))


def resolve(client: str, name: str) -> list[str]:
    """The addresses that a name has in the pod at the address `client`."""
    found: list[str] = json.loads(fetch(client, HTTP, f"/resolve?name={name}", timeout_s=30))
    return found
