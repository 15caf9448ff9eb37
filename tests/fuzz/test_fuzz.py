"""Random and bent requests: no failure of our own, no traceback, no growth without end, nothing stored that cannot be read.

A few thousand requests each time; FUZZ_REQUESTS=1000000 FUZZ_SEED=7 pytest tests/fuzz for a long run.
"""

import asyncio
import gc
import logging
import os
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from tests.fuzz.generator import NAMESPACE, Generator, Sent
from tests.fuzz.seeds import SEEDS
from yarl import URL

from corral.api.facts import schema
from corral.api.golang import read
from corral.api.resources import Resource
from corral.server.api import ApiServer
from corral.server.http import Query
from corral.server.request import LOOPBACK, Request
from corral.testing.server import RunningServer, running_server

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "4000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
OVER_HTTPS = 400
#: What is stored is deleted after so many requests, so that only a leak makes memory grow.
ROUND = 2000
#: What the reference answers with 500 and InternalError too.
KNOWN = ("no preferred addresses found",)
#: A long run goes on after a failure, to find others; not after so many.
MANY_FAILURES = 10
GROWTH_LIMIT_BYTES = 64 * 1024 * 1024
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _failed(status: int, body: bytes) -> bool:
    """Whether an answer tells of a failure. 503 and 504 do not: nothing answers behind a proxy, a revision is not there yet.

    Where the reference passes an error of a library on, its Status is a 500 without a reason; so is ours.
    """
    if status < 500 or status in (503, 504):
        return False
    text = body.decode(errors="replace")
    return ("InternalError" in text or "Internal Server Error" in text) and not any(known in text for known in KNOWN)


def _memory_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


async def _send(api: ApiServer, sent: Sent) -> tuple[int, bytes]:
    """One request without HTTP. A stream is closed at once."""
    query = Query("&".join(f"{k}={v}" for k, v in sent.query.items() if "&" not in v))
    request = Request(sent.method, sent.path, query, sent.headers, sent.body, LOOPBACK)
    response = await api.handle(request)
    if response.stream is not None:
        await response.stream.aclose()  # type: ignore[attr-defined]
    return response.status, response.body


async def _begin(server: RunningServer) -> None:
    client = server.client()
    await client.create("namespaces", {"metadata": {"name": NAMESPACE}})
    await client.create("serviceaccounts", {"metadata": {"name": "default"}}, NAMESPACE)
    kind = "CustomResourceDefinition"
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": kind, **SEEDS["apiextensions.k8s.io/v1"][kind]}
    await client.create("customresourcedefinitions.apiextensions.k8s.io", definition)


def _resources(api: ApiServer) -> list[Resource]:
    return [r for r in api.core.catalog if {"list", "get", "delete"} <= set(r.verbs)]


async def _all(api: ApiServer, resource: Resource) -> list[Any]:
    status, body = await _send(api, Sent("GET", resource.base_path + "/" + resource.plural, {}, {"Accept": "application/json"}))
    if status == 404 and not api.core.is_builtin(resource):
        return []  # its definition has just gone
    assert status == 200, f"{resource.group_resource} cannot be listed: {body[:300]!r}"
    items: list[Any] = orjson.loads(body)["items"] or []
    return items


async def _check_stored(api: ApiServer) -> int:
    """Every object can be read alone, as a row, and as its type; how many there are."""
    count = 0
    for resource in _resources(api):
        for item in await _all(api, resource):
            meta = item["metadata"]
            path = resource.path(meta.get("namespace", ""), meta["name"])
            for accept in ("application/json", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/yaml"):
                status, body = await _send(api, Sent("GET", path, {}, {"Accept": accept}))
                assert status == 200, f"{path} as {accept}: {status} {body[:300]!r}"
            if api.core.is_builtin(resource):
                read(item, schema(resource.group, resource.version, resource.kind))
            count += 1
    return count


async def _paths(api: ApiServer) -> dict[str, Any]:
    """Everything there is, by path."""
    found = {}
    for resource in _resources(api):
        for item in await _all(api, resource):
            found[resource.path(item["metadata"].get("namespace", ""), item["metadata"]["name"])] = item
    return found


async def _clear(api: ApiServer, kept: set[str]) -> None:
    """Delete what the fuzzer has made."""
    for path, item in (await _paths(api)).items():
        if path in kept:
            continue
        if item["metadata"].get("finalizers"):
            patch = orjson.dumps({"metadata": {"finalizers": None}})
            await _send(api, Sent("PATCH", path, {}, {"Content-Type": "application/merge-patch+json"}, patch))
        await _send(api, Sent("DELETE", path, {"gracePeriodSeconds": "0", "propagationPolicy": "Background"}))


async def _forget_history(api: ApiServer) -> None:
    """Compact, as a server does every few minutes."""
    revision = api.core.cache.revision
    await api.core.store.compact(revision)
    api.core.cache.forget(revision)


@pytest.mark.filterwarnings("ignore")
def test_no_request_makes_the_server_fail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)

    async def story() -> None:
        async with running_server(tmp_path) as server:
            await _begin(server)
            kept = set(await _paths(server.api))
            generator, statuses, memory = Generator(SEED, server.api.core.catalog), {}, []
            failures: list[str] = []
            for number in range(REQUESTS):
                sent = generator.next()
                status, body = await asyncio.wait_for(_send(server.api, sent), 20)
                statuses[status] = statuses.get(status, 0) + 1
                if _failed(status, body):
                    failures.append(f"request {number}: {sent}\n{status} {body[:2000]!r}\n{caplog.text[-4000:]}")
                    caplog.clear()
                    if len(failures) == MANY_FAILURES:
                        break
                if number % ROUND == ROUND - 1:
                    assert await _check_stored(server.api) > 100
                    await _clear(server.api, kept)
                    await _forget_history(server.api)
                    memory.append(_memory_bytes())
            assert not failures, "\n\n".join(failures)
            # A fuzzer whose requests are all refused tests nothing.
            assert statuses.get(201, 0) > REQUESTS / 50 and statuses.get(200, 0) > REQUESTS / 50, statuses
            assert not caplog.records, caplog.text[-4000:]
            half = len(memory) // 2
            if half:
                assert memory[-1] - memory[half] < GROWTH_LIMIT_BYTES, memory
            print(statuses, memory)

    asyncio.run(story())


def test_nor_over_the_wire(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)

    async def story() -> None:
        async with running_server(tmp_path) as server:
            await _begin(server)
            generator = Generator(SEED + 1, server.api.core.catalog)
            headers = {"Authorization": f"Bearer {server.token}"}
            connector = aiohttp.TCPConnector(ssl=server.tls())
            async with aiohttp.ClientSession(headers=headers, connector=connector) as http:
                for _ in range(min(OVER_HTTPS, REQUESTS)):
                    sent = generator.next()
                    if "watch" in sent.path or any("\n" in v or "\r" in v for v in sent.headers.values()):
                        continue
                    url = URL(server.url).with_path(sent.path.replace("\0", "%00")).with_query(sent.query)
                    own = {k: v for k, v in sent.headers.items() if v}
                    async with http.request(sent.method, url, data=sent.body or None, headers=own) as answer:
                        body = await answer.read()
                    assert not _failed(answer.status, body), f"{sent}\n{body[:2000]!r}"
            await _check_stored(server.api)
        assert not caplog.records, caplog.text[-4000:]

    asyncio.run(story())
