"""A node in a network namespace, with pods that the real CNI plugins made and a client outside: tests with real packets."""

import asyncio
import ctypes
import json
import os
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from corral.api.objects import Key, key_of
from corral.api.resources import Catalog, Resource
from corral.client.client import Client
from corral.client.transport import Call, Item, Listing, WatchEvent
from corral.network import pods
from corral.network.config import NetworkConfig, table_name
from corral.network.nft.rules import Ranges, render
from corral.network.nft.table import Table
from corral.network.services import plan

CLONE_NEWNET = 0x40000000
NODE_IP, CLIENT_IP = "192.168.77.1", "192.168.77.2"
PORT = 8080
CNI_DIRS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
_libc = ctypes.CDLL(None, use_errno=True)


class Netns:
    """A namespace made with `ip netns add`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = Path("/run/netns") / name

    def run(self, work: Callable[[], Any]) -> Any:
        """The result of `work` run inside: its sockets and child processes belong to the namespace."""
        outcome: dict[str, Any] = {}

        def inside() -> None:
            fd = os.open(self.path, os.O_RDONLY)
            try:
                if _libc.setns(fd, CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
                outcome["result"] = work()
            except BaseException as error:
                outcome["error"] = error
            finally:
                os.close(fd)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["result"]

    def do(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The result of a coroutine run inside."""
        return self.run(lambda: asyncio.run(work()))

    def command(self, *argv: str, stdin: str = "", env: dict[str, str] | None = None) -> str:
        """The output of a command that must succeed."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.name, *argv],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **(env or {})},
        )
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def ask(self, address: str, port: int, timeout_s: float = 2.0, source: str = "") -> tuple[str, str]:
        """What a TCP server there answers: its name, and the address it sees."""

        def connect() -> tuple[str, str]:
            with socket.create_connection((address, port), timeout_s, (source, 0)) as connection:
                name, _, seen = connection.makefile().readline().strip().partition(" ")
                return name, seen

        result: tuple[str, str] = self.run(connect)
        return result

    def udp_socket(self) -> socket.socket:
        """A socket inside."""
        made: socket.socket = self.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        made.settimeout(2)
        return made


@contextmanager
def namespaces(*names: str) -> Iterator[list[Netns]]:
    """Namespaces that are gone afterwards; their real names are unique to this process."""
    made: list[Netns] = []
    try:
        for name in names:
            unique = f"ct{os.getpid()}-{name}"
            subprocess.run(["ip", "netns", "add", unique], check=True)
            made.append(Netns(unique))
            made[-1].command("ip", "link", "set", "lo", "up")
        yield made
    finally:
        for namespace in made:
            subprocess.run(["ip", "netns", "delete", namespace.name], check=False)


class Servers:
    """Answers on TCP and UDP in a namespace with its name and the client's address."""

    def __init__(self, inside: Netns, name: str, port: int = PORT) -> None:
        self.name = name
        self._tcp: socket.socket = inside.run(lambda: socket.create_server(("0.0.0.0", port)))
        self._udp = inside.udp_socket()
        self._udp.settimeout(None)
        self._udp.bind(("0.0.0.0", port))
        for work in (self._serve_tcp, self._serve_udp):
            threading.Thread(target=work, daemon=True).start()

    def _serve_tcp(self) -> None:
        with suppress(OSError):
            while True:
                connection, (address, _) = self._tcp.accept()
                with connection:
                    connection.sendall(f"{self.name} {address}\n".encode())

    def _serve_udp(self) -> None:
        with suppress(OSError):
            while True:
                _, client = self._udp.recvfrom(100)
                if client is None:  # It was shut down.
                    return
                self._udp.sendto(f"{self.name} {client[0]}".encode(), client)

    def close(self) -> None:
        for open_socket in (self._tcp, self._udp):
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()


class Node:
    """`host` is the node, `client` a machine outside; `pods` are named a, b, c."""

    def __init__(self, host: Netns, client: Netns, pod_spaces: list[Netns], directory: Path) -> None:
        self.host, self.client = host, client
        self.config = NetworkConfig(
            name="test",
            pod_cidr="10.77.0.0/24",
            service_cidr="10.78.0.0/16",
            dns_ip="10.78.0.10",
            node_name="node",
            node_ip=NODE_IP,
            cni_conf_dir=directory / "cni",
            state_dir=directory / "state",
        )
        self.ranges = Ranges(self.config.pod_cidr, self.config.all_pods, self.config.service_cidr)
        self.table = Table(table_name("test"), self.ranges)
        self.pods = dict(zip("abc", pod_spaces, strict=True))
        self.ips: dict[str, str] = {}
        self._servers: list[Servers] = []

    def start(self) -> None:
        self.host.command("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.client.name)
        for namespace, address in ((self.host, NODE_IP), (self.client, CLIENT_IP)):
            namespace.command("ip", "address", "add", f"{address}/24", "dev", "eth0")
            namespace.command("ip", "link", "set", "eth0", "up")
        self.client.command("ip", "route", "add", "default", "via", NODE_IP)
        self.host.command("ip", "route", "add", "default", "via", CLIENT_IP)
        # A new namespace may inherit it from a host that runs a cluster.
        self.host.command("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=0")
        self.host.do(lambda: pods.set_up(self.config))
        for name, namespace in self.pods.items():
            self.ips[name] = self._attach(name, namespace)
            self._servers.append(Servers(namespace, name))

    def _attach(self, name: str, namespace: Netns) -> str:
        """What a container runtime does with the configuration."""
        directory = next(d for d in CNI_DIRS if d.exists())
        conflist = json.loads((self.config.cni_conf_dir / pods.CONFLIST).read_text())
        result: dict[str, Any] = {}
        for plugin in conflist["plugins"]:
            network = {**plugin, "name": conflist["name"], "cniVersion": conflist["cniVersion"]}
            if result:
                network["prevResult"] = result
            env = {
                "CNI_COMMAND": "ADD",
                "CNI_CONTAINERID": f"pod-{name}",
                "CNI_NETNS": str(namespace.path),
                "CNI_IFNAME": "eth0",
                "CNI_PATH": str(directory),
            }
            result = json.loads(self.host.command(str(directory / plugin["type"]), stdin=json.dumps(network), env=env))
        return str(result["ips"][0]["address"].partition("/")[0])

    def serve(self, *services: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
        """Replace the rules by those of these Services and their slices."""
        ports = [port for service, slices in services for port in plan(service, slices, "node")]
        parts = {(p.service, p.protocol, p.name): render(p, self.ranges) for p in ports}
        self.host.do(lambda: self.table.replace(parts))

    def change(self, *services: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
        """Change the rules of these Services."""
        ports = [port for service, slices in services for port in plan(service, slices, "node")]
        parts = {(p.service, p.protocol, p.name): render(p, self.ranges) for p in ports}
        self.host.do(lambda: self.table.update(parts))

    def stop(self) -> None:
        for server in self._servers:
            server.close()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with three pods, each a server on port 8080."""
    with ExitStack() as stack:
        host, client, *pod_spaces = stack.enter_context(namespaces("host", "client", "a", "b", "c"))
        made = Node(host, client, pod_spaces, tmp_path)
        stack.callback(made.stop)
        made.start()
        yield made


def service(name: str = "web", ip: str = "10.78.1.1", protocol: str = "TCP", **spec: Any) -> dict[str, Any]:
    """A Service of one port, 80."""
    port = {"name": "main", "port": 80, "targetPort": PORT, "protocol": protocol}
    if "node_port" in spec:
        port["nodePort"] = spec.pop("node_port")
    status = spec.pop("status", {})
    return {
        "metadata": {"namespace": "default", "name": name},
        "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip], "ports": [port], **spec},
        "status": status,
    }


def slice_of(name: str, *endpoints: Any, protocol: str = "TCP") -> dict[str, Any]:
    """An EndpointSlice; an endpoint is an address (ready, on this node) or the whole of it."""
    return {
        "metadata": {"namespace": "default", "name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": "main", "port": PORT, "protocol": protocol}],
        "endpoints": [
            {"addresses": [e], "conditions": {"ready": True}, "nodeName": "node"} if isinstance(e, str) else e
            for e in endpoints
        ],
    }


@pytest.fixture
def make_service() -> Callable[..., dict[str, Any]]:
    return service


@pytest.fixture
def make_slice() -> Callable[..., dict[str, Any]]:
    return slice_of


class Collections:
    """A `client.transport.Transport` over collections in memory: what a test puts there, watchers are told."""

    def __init__(self) -> None:
        self._items: dict[str, dict[Key, Item]] = {}
        self._watchers: list[tuple[str, asyncio.Queue[WatchEvent]]] = []
        self._revision = 0

    def put(self, path: str, obj: dict[str, Any]) -> None:
        """Create or replace the object."""
        known = key_of(obj) in self._items.setdefault(path, {})
        self._tell("MODIFIED" if known else "ADDED", path, obj)

    def remove(self, path: str, obj: dict[str, Any]) -> None:
        """Delete the object."""
        self._tell("DELETED", path, obj)

    def _tell(self, type: str, path: str, obj: dict[str, Any]) -> None:
        self._revision += 1
        item = Item(key_of(obj), json.dumps(obj).encode(), self._revision)
        if type == "DELETED":
            del self._items[path][item.key]
        else:
            self._items[path][item.key] = item
        for watched, queue in self._watchers:
            if watched == path:
                queue.put_nowait(WatchEvent(type, item))

    async def call(self, call: Call) -> bytes:
        raise NotImplementedError(call)

    async def list(self, call: Call) -> Listing:
        return Listing([*self._items.get(call.path, {}).values()], str(self._revision))

    async def watch(self, call: Call) -> AsyncIterator[WatchEvent]:
        queue: asyncio.Queue[WatchEvent] = asyncio.Queue()
        self._watchers.append((call.path, queue))
        while True:
            yield await queue.get()

    async def close(self) -> None:
        return


SERVICES = Resource("", "v1", "services", "Service", "service", True, ())
SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "endpointslice", True, ())


PODS = Resource("", "v1", "pods", "Pod", "pod", True, ())


class Api(Collections):
    """Services, EndpointSlices and pods, and a client of them."""

    def __init__(self) -> None:
        super().__init__()
        self.client = Client(self, Catalog([SERVICES, SLICES, PODS]), "test")

    def put_service(self, obj: dict[str, Any]) -> None:
        self.put(SERVICES.path(), obj)

    def put_slice(self, obj: dict[str, Any]) -> None:
        self.put(SLICES.path(), obj)

    def put_pod(self, obj: dict[str, Any]) -> None:
        self.put(PODS.path(), obj)

    def remove_pod(self, obj: dict[str, Any]) -> None:
        self.remove(PODS.path(), obj)

    def remove_service(self, obj: dict[str, Any]) -> None:
        self.remove(SERVICES.path(), obj)


@pytest.fixture
def api() -> Api:
    return Api()
