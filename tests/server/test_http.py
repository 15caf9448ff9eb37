"""The server over the wire: connections, large answers, large bodies, clients that go."""

import asyncio
import contextlib
import gzip
import socket
import ssl

import aiohttp
import orjson
import pytest
from tests.server.conftest import until

from corral.api.protobuf import decode_object
from corral.server import lists
from corral.server.http.writing import warning_values

PODS = "/api/v1/namespaces/default/configmaps"


def session(server, **headers):
    headers = {"Authorization": f"Bearer {server.token}", **headers}
    return aiohttp.ClientSession(
        server.url, connector=aiohttp.TCPConnector(ssl=server.tls()), headers=headers, auto_decompress=False
    )


async def fill(server, count, size_bytes):
    client = server.client()
    for i in range(count):
        await client.create("configmaps", {"metadata": {"name": f"c{i}"}, "data": {"x": "y" * size_bytes}}, "default")


def test_a_connection_serves_many_requests(story):
    async def tell(server):
        async with session(server) as http:
            ports = set()
            for _ in range(3):
                async with http.get("/healthz") as response:
                    assert await response.text() == "ok"
                    ports.add(response.connection and response.connection.transport.get_extra_info("sockname"))
            assert len(ports - {None}) <= 1

    story(tell)


def test_large_answers_are_compressed_for_those_who_can(story):
    async def tell(server):
        await fill(server, 4, 100_000)
        async with session(server, **{"Accept-Encoding": "gzip"}) as http, http.get(PODS) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            small = await response.read()
            assert len(orjson.loads(gzip.decompress(small))["items"]) == 4
        async with session(server, **{"Accept-Encoding": "identity"}) as http, http.get(PODS) as response:
            assert "Content-Encoding" not in response.headers
            assert len(await response.read()) > 10 * len(small)

    story(tell)


def test_a_body_that_is_too_large_is_413(story):
    async def tell(server):
        async with session(server) as http, http.post(PODS, data=b" " * (4 * 1024 * 1024)) as response:
            assert response.status == 413
            assert (await response.json())["reason"] == "RequestEntityTooLarge"

    story(tell)


def test_head_has_no_body(story):
    async def tell(server):
        async with session(server) as http, http.head("/version") as response:
            assert response.status == 200
            assert await response.read() == b""

    story(tell)


def test_warnings_are_headers(story):
    async def tell(server):
        body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"}, "bogus": 1}
        async with session(server) as http, http.post(PODS, json=body) as response:
            assert response.status == 201
            assert response.headers.getall("Warning") == ['299 - "unknown field \\"bogus\\""']

    story(tell)


def test_many_warnings_are_kept_short():
    assert warning_values(["a", "b", "a", "c\r\nd"]) == ['299 - "a"', '299 - "b"', '299 - "c  d"']
    values = warning_values([f"{i:02}" + "x" * 998 for i in range(20)])
    assert len(values) == 16
    assert {len(value) for value in values} == {len('299 - ""') + 256}


def test_a_client_certificate_names_the_user(story):
    async def tell(server):
        tls = ssl.create_default_context(cafile=str(server.ca))
        tls.load_cert_chain(server.certificate, server.key)
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        http = aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(ssl=tls))
        async with http, http.post(path, json={}) as response:
            assert (await response.json())["status"]["userInfo"]["username"] == "kubernetes-admin"

    story(tell)


def test_who_says_goodbye_with_his_request_is_no_fault_of_ours(story, caplog):
    async def tell(server):
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]), ssl=server.tls())
            writer.write(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
            writer.close()
            await writer.wait_closed()
        await until(lambda: not server.api._http.connections)

    story(tell)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_watch_sends_its_headers_at_once_and_ends_with_its_client(story):
    async def tell(server):
        collection = server.api.core.cache.collection("configmaps")
        query = {"watch": "1", "resourceVersion": str(server.api.core.cache.revision)}
        async with session(server) as http:
            response = await http.get(PODS, params=query)
            assert response.status == 200
            while not collection.watchers:  # noqa: ASYNC110
                await asyncio.sleep(0)
            response.close()
        while collection.watchers:  # noqa: ASYNC110
            await asyncio.sleep(0.001)

    story(tell)


def test_many_watchers_see_every_event(story):
    async def tell(server):
        revision = str(server.api.core.cache.revision)

        async def names(http):
            found = []
            async with http.get(PODS, params={"watch": "1", "resourceVersion": revision}) as response:
                async for line in response.content:
                    found.append(orjson.loads(line)["object"]["metadata"]["name"])
                    if len(found) == 20:
                        return found
            return found

        async with session(server) as http:
            watching = [asyncio.create_task(names(http)) for _ in range(20)]
            await fill(server, 20, 10)
            for seen in await asyncio.gather(*watching):
                assert seen == [f"c{i}" for i in range(20)]

    story(tell)


def test_nonsense_gets_an_answer_and_hurts_nobody(story):
    async def tell(server):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.api.core.port, ssl=server.tls(), server_hostname="localhost"
        )
        writer.write(b"BREW / HTTP/1.1\r\nbroken\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()
        async with session(server) as http, http.get("/healthz") as response:
            assert response.status == 200

    story(tell)


async def status_of(server, head: bytes) -> int:
    """The status of the answer to a request that no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]), ssl=server.tls())
    writer.write(b"GET /api/v1/nodes HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


def test_a_header_that_is_no_text_harms_nobody_and_is_audited(story, tmp_path):
    async def tell(server):
        assert await status_of(server, b"User-Agent: eve\xff\r\nAuthorization: Bearer " + server.token.encode()) == 200
        assert await status_of(server, b"Authorization: Bearer \xff\xfe") == 401
        server.api.house.audit_log.flush()
        agents = [orjson.loads(line)["userAgent"] for line in (tmp_path / "server" / "audit.log").read_bytes().splitlines()]
        assert "eve\ufffd" in agents

    story(tell)


def test_a_patch_that_nests_too_deep_is_400(story):
    async def tell(server):
        await fill(server, 1, 1)
        deep = "[" * 180 + "]" * 180
        longer = "/x" + "/0" * 179 + "/-"
        patch = f'[{{"op":"add","path":"/x","value":{deep}}},{{"op":"add","path":"{longer}","value":{deep}}}]'
        json_patch = {"Content-Type": "application/json-patch+json"}
        async with session(server, **json_patch) as http, http.patch(f"{PODS}/c0", data=patch) as response:
            assert response.status < 500

    story(tell)


def test_a_client_that_never_finishes_a_request_is_left(story, monkeypatch):
    monkeypatch.setattr("corral.base.http.connection.HEAD_TIMEOUT_S", 0.2)
    monkeypatch.setattr("corral.server.http.reading.BODY_TIMEOUT_S", 0.2)

    async def tell(server):
        port = int(server.url.rpartition(":")[2])
        post = b"POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
        known = post + f"Authorization: Bearer {server.token}\r\n\r\n{{".encode()
        late, refused = b"HTTP/1.1 408 Request Timeout\r\n", b"HTTP/1.1 403 Forbidden\r\n"
        head = b"GET /api HTTP/1.1\r\nHost: "
        for sent, expected in ((b"", b""), (head, b""), (known, late), (post + b"\r\n{", refused)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=server.tls())
            writer.write(sent)
            async with asyncio.timeout(5):
                answer = await reader.readline()
            assert answer == expected
            writer.close()

    story(tell)


def test_a_fault_of_ours_is_not_the_clients(story, monkeypatch):
    async def tell(server):
        faults = [(TypeError("ours"), 500), (RecursionError(), 400), (TypeError("Recursion limit reached"), 400)]
        for fault, status in faults:

            def fail(request, obj, fault=fault):
                raise fault

            monkeypatch.setattr(server.api.core.reviews, "create", fail)
            async with (
                session(server) as http,
                http.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", json={}) as response,
            ):
                assert response.status == status

    story(tell)


def test_a_client_that_has_the_discovery_document_is_told_so_without_a_media_type(story):
    """A cache takes every header of a 304 for one of what it holds."""

    async def tell(server):
        aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        async with session(server, Accept=aggregated) as http:
            first = await http.get("/apis")
            again = await http.get("/apis", headers={"If-None-Match": first.headers["ETag"]})
            assert again.status == 304
            assert {"Content-Type", "Content-Length"}.isdisjoint(again.headers)
            assert (await http.get("/apis")).status == 200

    story(tell)


def test_a_long_list_is_made_as_fast_as_it_is_read(story, monkeypatch):
    """What waits to be sent is some pieces, however long the list; what was not asked for yet is not made."""
    made = []
    separated = lists._separated

    def count(shown, opening):
        made.extend(shown)
        return separated(shown, opening)

    monkeypatch.setattr(lists, "_separated", count)

    async def tell(server):
        await fill(server, 100, 400_000)
        made.clear()
        async with session(server, **{"Accept-Encoding": "identity"}) as http:
            response = await http.get(PODS)
            assert response.headers["Transfer-Encoding"] == "chunked"
            [connection] = [one for one in server.api._http.connections if one.transport is not None]
            await until(lambda: connection.blocked)
            assert connection.transport.get_write_buffer_size() < 2_000_000
            assert 0 < len(made) < 100
            found = await response.json()
            names = [item["metadata"]["name"] for item in found["items"]]
            assert names == sorted(names)
            assert len(made) == len(names) == 100
            assert (await http.get(PODS, params={"limit": "1"})).status == 200

    story(tell)


def test_who_asks_and_asks_and_reads_no_answers_is_not_answered_more(story):
    """What waits for him is some answers, however many he asks for."""
    count = 5000

    def ask(server) -> ssl.SSLSocket:
        near = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
        client = server.tls().wrap_socket(near, server_hostname="127.0.0.1")
        head = f"GET /api/v1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n\r\n"
        client.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            client.sendall(head.encode() * count)
        client.settimeout(20)
        return client

    async def tell(server):
        client = await asyncio.to_thread(ask, server)
        [connection] = [one for one in server.api._http.connections if one.transport is not None]
        await until(lambda: connection.blocked)
        answered = connection._request_count
        for _ in range(300):
            await asyncio.sleep(0)
        assert connection.transport.get_write_buffer_size() < 1_000_000
        assert connection.ticket is None
        async with session(server) as http:
            assert (await http.get("/api/v1")).status == 200
        await asyncio.to_thread(lambda: [client.recv(65536) for _ in range(answered - 10)])
        await until(lambda: connection._request_count > answered)
        client.close()

    story(tell)


def test_a_long_list_is_compressed_piece_by_piece(story):
    async def tell(server):
        await fill(server, 30, 400_000)
        async with session(server, **{"Accept-Encoding": "gzip"}) as http:
            for accept in (
                "application/json",
                "application/json;as=Table;v=v1;g=meta.k8s.io",
                "application/vnd.kubernetes.protobuf",
            ):
                response = await http.get(PODS, headers={"Accept": accept})
                assert response.headers["Content-Encoding"] == "gzip"
                assert response.headers["Transfer-Encoding"] == "chunked"
                body = gzip.decompress(await response.read())
                found = decode_object(body) if body.startswith(b"k8s") else orjson.loads(body)
                assert len(found["rows" if "Table" in accept else "items"]) == 30
            head = await http.head(PODS)
            assert head.status == 200 and await head.read() == b""

    story(tell)


def test_who_leaves_in_the_middle_of_a_long_list_is_missed_quietly(story, caplog):
    async def tell(server):
        await fill(server, 100, 400_000)
        async with session(server, **{"Accept-Encoding": "identity"}) as http:
            response = await http.get(PODS)
            [connection] = [one for one in server.api._http.connections if one.transport is not None]
            await until(lambda: connection.blocked)
            response.close()
            await until(lambda: connection.transport is None)
            assert (await http.get(PODS, params={"limit": "1"})).status == 200

    with caplog.at_level("INFO"):
        story(tell)
    assert not [record for record in caplog.records if record.name != "corral.server.bootstrap"]


def test_a_long_list_that_breaks_off_does_not_look_whole(story, monkeypatch, caplog):
    separated = lists._separated

    def fail(shown, opening):
        if b"c9" in bytes(shown[0]):
            raise ValueError("broken")
        return separated(shown, opening)

    async def tell(server):
        await fill(server, 30, 400_000)
        monkeypatch.setattr(lists, "_separated", fail)
        async with session(server) as http:
            response = await http.get(PODS)
            with pytest.raises(aiohttp.ClientError):
                await response.read()
        assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [f"{PODS} broke off"]

    story(tell)
