"""The gRPC probe against a real gRPC server; its health service is written by hand, one field a message."""

import asyncio
import socket
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest

from corral.node.probes import health

SERVICE, METHOD = "grpc.health.v1.Health", "Check"


@asynccontextmanager
async def serving(check, service=SERVICE):
    """A server on a free port of the loopback whose health service is `check(request bytes, context)`."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(check)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {METHOD: handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


def answering(status):
    async def check(request, context):
        return b"\x08" + bytes([status]) if status else b""

    return check


async def ask(check, timeout_s=5.0, **action):
    async with serving(check, action.pop("offered", SERVICE)) as port:
        return await health.probe({"port": port, **action}, "127.0.0.1", timeout_s)


async def test_serving_is_a_success():
    assert await ask(answering(1)) == (True, "service healthy")


@pytest.mark.parametrize(("status", "name"), [(0, "UNKNOWN"), (2, "NOT_SERVING"), (3, "SERVICE_UNKNOWN")])
async def test_any_other_status_is_a_failure(status, name):
    assert await ask(answering(status)) == (False, f'service unhealthy (responded with "{name}")')


@pytest.mark.parametrize("service", ["", "liveness", "a" * 127, "a" * 128, "a" * 300])
async def test_the_service_is_asked_for_by_name(service):
    asked = []

    async def check(request, context):
        asked.append((request, dict(context.invocation_metadata())["user-agent"]))
        return b"\x08\x01"

    good, _ = await ask(check, service=service)
    [(request, agent)] = asked
    assert good
    assert request.endswith(service.encode())
    assert len(request) == len(service) + (0 if not service else 2 if len(service) < 128 else 3)
    assert agent.startswith("kube-probe/1.36")


async def test_a_server_without_a_health_service():
    good, text = await ask(answering(1), offered="other.Service")
    assert not good
    assert text.startswith("error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ")


async def test_a_service_that_the_server_does_not_know():
    async def check(request, context):
        await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")

    assert await ask(check, service="x") == (
        False,
        "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service",
    )


async def test_an_answer_that_comes_too_late():
    async def check(request, context):
        await asyncio.Event().wait()

    assert await ask(check, timeout_s=0.5) == (False, "timeout: health rpc did not complete within 0.5s")


async def test_nobody_listens(deaf_port):
    port = deaf_port
    assert await health.probe({"port": port}, "127.0.0.1", 0.3) == (
        False,
        f'timeout: failed to connect service "127.0.0.1:{port}" within 0.3s: context deadline exceeded',
    )


@pytest.fixture
def deaf_port():
    """A port that is bound and does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
