"""The agent's own HTTPS server, with the paths of the kubelet: logs, exec, attach, port-forward, pods, stats, health.

Besides them: the folders of PersistentVolumes on this node's disk.

Only the API server may ask: its client certificate is checked against the cluster's CA and for its name. Pods can reach the
agent, too: how many may connect and do nothing is limited. Streams are not interpreted: after the runtime's 101 the bytes go
through as they are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs

import orjson
from aiohttp import web

from corral.base.http.connection import Connection
from corral.base.http.crowd import Crowd
from corral.base.http.server import HttpServer
from corral.base.listening import bind
from corral.base.takeover import give_back, join, open_upgraded, take_over
from corral.base.tls import server_tls
from corral.node import configz, hostlogs, metrics
from corral.node import stats as stats_of
from corral.node.cri.errors import CriError
from corral.node.cri.types import Container
from corral.node.logs.reader import LogOptions, read
from corral.node.logs.status import LogError, log_path
from corral.node.podstate.observed import spec_of
from corral.node.volumes import persistent
from corral.node.worker import PodWorker

if TYPE_CHECKING:
    from corral.node.agent import Agent

log = logging.getLogger(__name__)

CLIENT_NAME = "kube-apiserver-kubelet-client"
MASTERS = "system:masters"
#: Connections that do nothing: of those who have not shown that they may ask, and of the API server.
MOST_STRANGERS, MOST_IDLE = 200, 1000
#: The methods that are not a reader's, as the kubelet has them: who may only `get` a node's proxy starts no commands by `run`.
_METHODS = {
    "run": ("POST",),
    **dict.fromkeys(("exec", "attach", "portForward"), ("GET", "POST")),
    "volumes": ("PUT", "DELETE"),
}
_READING = ("GET", "HEAD")
_HOP_HEADERS = ("host", "authorization", "content-length", "transfer-encoding")

Handler = Callable[[web.BaseRequest, list[str]], Awaitable[web.StreamResponse]]


class RefusalError(Exception):
    """An answer in plain text, as the kubelet gives it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Caller(Connection):
    """A connection of the API server, or of a stranger: its certificate says which."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Look at the certificate now, as a client that has said goodbye has none."""
        super().connection_made(transport)
        self.is_strangers = not _may_ask(transport)


def _may_ask(transport: asyncio.BaseTransport) -> bool:
    tls = transport.get_extra_info("ssl_object")
    if tls is None:
        return transport.get_extra_info("sslcontext") is None
    subject = [pair for rdn in (tls.getpeercert() or {}).get("subject", ()) for pair in rdn]
    return ("commonName", CLIENT_NAME) in subject or ("organizationName", MASTERS) in subject


class KubeletServer:
    """Serves one agent. `start` returns when it listens; `stop` ends all streams."""

    def __init__(self, agent: "Agent") -> None:
        self._agent = agent
        self._rates = stats_of.Rates()
        self.http = HttpServer(self._answer, Caller, Crowd(MOST_STRANGERS, MOST_IDLE))
        self.port = 0
        self._routes: dict[str, Handler] = {
            "healthz": self._healthz,
            "pods": self._pods,
            "runningpods": self._pods,
            "containerLogs": self._logs,
            "exec": self._exec,
            "attach": self._attach,
            "portForward": self._port_forward,
            "run": self._run,
            "stats": self._stats,
            "metrics": self._metrics,
            "configz": self._configz,
            "logs": self._host_logs,
            "volumes": self._volumes,
        }

    async def start(self) -> None:
        """Listen. Raises CorralError where the port is taken."""
        config = self._agent.config
        tls = None
        if config.tls_cert is not None and config.tls_key is not None and config.client_ca is not None:
            tls = server_tls(config.tls_cert, config.tls_key, config.client_ca)
        host = config.kubelet_address or config.node_ip
        listener = bind(host, config.kubelet_port, "`corral up` chooses a port that is free")
        self.port = listener.getsockname()[1]
        await self.http.start(listener, tls)

    async def stop(self) -> None:
        """Close everything."""
        await self.http.stop()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if cast(Caller, request.protocol).is_strangers:
            refused = web.Response(status=401, text="Unauthorized")
            refused.force_close()
            return refused
        first, *rest = [part for part in request.path.split("/") if part] or [""]
        handler = self._routes.get(first)
        if handler is None:
            return web.Response(status=404, text="404 page not found\n")
        if request.method not in _METHODS.get(first, _READING):
            return web.Response(status=405, text="405: Method Not Allowed")
        try:
            return await handler(request, rest)
        except RefusalError as refusal:
            return web.Response(status=refusal.status, text=refusal.text + "\n")
        except CriError as error:
            return web.Response(status=500, text=f"{error}\n")

    async def _healthz(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        del request, rest
        return web.Response(text="ok")

    async def _pods(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        del request, rest
        items = [worker.pod for worker in self._agent.workers.values()]
        body = orjson.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})
        return web.Response(body=body, content_type="application/json")

    async def _configz(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        del request, rest
        body = orjson.dumps({"kubeletconfig": configz.configuration(self._agent.config)})
        return web.Response(body=body, content_type="application/json")

    async def _host_logs(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        return await hostlogs.answer(request, rest, self._agent.config.logs_dir)

    async def _logs(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        if len(rest) != 3:
            raise RefusalError(404, "404 page not found")
        worker = self._worker(rest[0], rest[1])
        name = rest[2]
        if spec_of(worker.pod, name) is None:
            raise RefusalError(404, f'container "{name}" not found in pod "{rest[1]}"')
        try:
            options = LogOptions.of_query(request.query, self._agent.clock.now())
            previous = request.query.get("previous") in ("true", "1")
            container, path = log_path(worker, name, previous=previous)
        except (ValueError, LogError) as error:
            raise RefusalError(400, str(error)) from None

        def running() -> bool:
            now = next((c for c in worker.observer.containers if c.id == container.id), None)
            return now is not None and now.state == "running"

        response = web.StreamResponse(headers={"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
        connection = cast(Caller, request.protocol)
        connection.streaming = asyncio.current_task()  # Else who goes is missed only when there is more to show.
        await response.prepare(request)
        try:
            async for piece in read(path, options, running):
                await response.write(piece)
            await response.write_eof()
        except FileNotFoundError:
            await response.write_eof()
        except ConnectionError:
            log.debug("the reader of a log went")
        finally:
            connection.streaming = None
        return response

    async def _exec(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        container = self._running(rest)
        query = parse_qs(request.query_string, keep_blank_values=True)
        streams = _streams(query)
        url = await self._agent.runtime.exec_url(container.id, query.get("command", []), **streams)
        return await _splice(request, url)

    async def _attach(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        container = self._running(rest)
        streams = _streams(parse_qs(request.query_string, keep_blank_values=True))
        worker = self._worker(rest[0], rest[1])
        spec = spec_of(worker.pod, rest[-1]) or {}
        streams["tty"] = bool(spec.get("tty"))
        streams["stderr"] = streams["stderr"] and not streams["tty"]
        return await _splice(request, await self._agent.runtime.attach_url(container.id, **streams))

    async def _port_forward(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        if len(rest) < 2:
            raise RefusalError(404, "404 page not found")
        worker = self._worker(rest[0], rest[1])
        sandbox = next((s for s in worker.observer.sandboxes if s.ready), None)
        if sandbox is None:
            raise RefusalError(404, f"pod {rest[1]} has no sandbox that is ready")
        ports = [int(port) for port in parse_qs(request.query_string).get("port", [])]
        return await _splice(request, await self._agent.runtime.port_forward_url(sandbox.id, ports))

    async def _run(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        container = self._running(rest)
        result = await self._agent.runtime.exec_sync(container.id, request.query.get("cmd", "").split())
        return web.Response(body=result.stdout + result.stderr, content_type="text/plain")

    async def _stats(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        del request, rest
        agent = self._agent
        pods = [worker.pod for worker in agent.workers.values()]
        found = await agent.runtime.stats()
        data_dir, name = agent.config.data_dir, agent.config.node_name
        networks = stats_of.networks_of(pods, Path("/proc/net/route").read_text())
        made = stats_of.summary(name, data_dir, pods, found, networks, self._rates, agent.clock.now())
        return web.Response(body=orjson.dumps(made), content_type="application/json")

    async def _metrics(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        del request
        agent = self._agent
        workers = list(agent.workers.values())
        pods = [worker.pod for worker in workers]
        match rest:
            case []:
                containers = (container for worker in workers for container in worker.observer.containers)
                text = metrics.of_agent(agent.config.node_name, pods, containers)
            case ["cadvisor"]:
                networks = stats_of.networks_of(pods, Path("/proc/net/route").read_text())
                text = metrics.of_containers(pods, await agent.runtime.stats(), networks)
            case ["probes"]:
                text = metrics.of_probes((worker.pod, worker.asked) for worker in workers)
            case ["resource"]:
                text = stats_of.resource_metrics(pods, await agent.runtime.stats(), agent.clock.now()).encode()
            case _:
                raise RefusalError(404, "404 page not found")
        return web.Response(body=text, content_type="text/plain")

    async def _volumes(self, request: web.BaseRequest, rest: list[str]) -> web.StreamResponse:
        """PUT makes and DELETE removes the folder of a PersistentVolume on this node; the answer is its path."""
        act = {"PUT": persistent.make, "DELETE": persistent.remove}[request.method]
        if len(rest) != 1:
            raise RefusalError(404, "404 page not found")
        try:
            folder = await asyncio.to_thread(act, self._agent.config.volumes_dir, rest[0])
        except ValueError as error:
            raise RefusalError(400, str(error)) from None
        except OSError as error:
            raise RefusalError(500, f"{error.filename}: {error.strerror}") from None
        return web.Response(text=f"{folder}\n")

    def _worker(self, namespace: str, name: str) -> PodWorker:
        worker = self._agent.worker(namespace, name)
        if worker is None:
            raise RefusalError(404, f'pod "{name}" not found')
        return worker

    def _running(self, rest: list[str]) -> Container:
        """The running container of `NAMESPACE/POD[/UID]/CONTAINER`."""
        if len(rest) not in (3, 4):
            raise RefusalError(404, "404 page not found")
        worker = self._worker(rest[0], rest[1])
        found = worker.observer.containers
        container = next((c for c in found if c.name == rest[-1] and c.state == "running"), None)
        if container is None:
            if any(c.name == rest[-1] for c in found):
                raise RefusalError(500, f'container not running ("{rest[-1]}")')
            raise RefusalError(404, f'container not found ("{rest[-1]}")')
        return container


def _streams(query: dict[str, list[str]]) -> dict[str, bool]:
    def asked(*names: str) -> bool:
        return any(query.get(name, [""])[0] in ("1", "true") for name in names)

    tty = asked("tty")
    return {
        "stdin": asked("input", "stdin"),
        "stdout": asked("output", "stdout"),
        "stderr": asked("error", "stderr") and not tty,
        "tty": tty,
    }


async def _splice(request: web.BaseRequest, url: str) -> web.StreamResponse:
    """Join the caller's connection with the runtime's stream, after both have agreed on the upgrade."""
    headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_HEADERS]
    if request.method == "POST":
        headers.append(("Content-Length", "0"))
    answer, far = await open_upgraded(request.method, url, headers, None)
    if answer.status != 101:
        content_type = answer.headers.get("content-type", "text/plain")
        return web.Response(status=answer.status, body=answer.body, headers={"Content-Type": content_type})
    try:
        near = take_over(request)
    except ConnectionError:
        far.close()
        raise
    try:
        await near.write(answer.head)
        await join(near, far)
    except ConnectionError:
        log.debug("a stream ended early")
    finally:
        far.close()
        taken = give_back(request, near)
    return taken
