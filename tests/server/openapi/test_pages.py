"""`/openapi` over the wire: what is negotiated, cached and redirected."""

import gzip

import aiohttp
import orjson

APPS = "/openapi/v3/apis/apps/v1"
OLD_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


def session(server, **headers):
    headers = {"Authorization": f"Bearer {server.token}", **headers}
    return aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(ssl=server.tls()), headers=headers)


async def index(http):
    async with http.get("/openapi/v3") as response:
        assert response.status == 200
        return (await response.json())["paths"]


def test_the_index_leads_to_documents_that_never_change(story):
    async def tell(server):
        async with session(server) as http:
            url = (await index(http))["apis/apps/v1"]["serverRelativeURL"]
            assert url.startswith(f"{APPS}?hash=")
            async with http.get(url) as response:
                assert response.headers.getall("Cache-Control") == ["public, immutable"]
                assert "Expires" in response.headers
                etag = response.headers["Etag"]
                assert (await response.json())["openapi"] == "3.0.0"
            async with http.get(url, headers={"If-None-Match": etag}) as response:
                assert response.status == 304

    story(tell)


def test_an_outdated_hash_is_sent_on_and_no_hash_is_not_cached(story):
    async def tell(server):
        async with session(server) as http:
            async with http.get(f"{APPS}?hash=OLD", allow_redirects=False) as response:
                assert response.status == 301
                assert response.headers["Location"] == (await index(http))["apis/apps/v1"]["serverRelativeURL"]
            async with http.get(APPS) as response:
                assert response.headers.getall("Cache-Control") == ["no-cache, private"]

    story(tell)


def test_what_is_kept_compressed_is_told_to_everybody_in_their_way(story):
    async def tell(server):
        async with session(server) as http, http.get(APPS, headers={"Accept-Encoding": "identity"}) as response:
            assert "Content-Encoding" not in response.headers
            plain = await response.read()
        connector = aiohttp.TCPConnector(ssl=server.tls())
        headers = {"Authorization": f"Bearer {server.token}", "Accept-Encoding": "gzip"}
        raw = aiohttp.ClientSession(server.url, connector=connector, auto_decompress=False)
        async with raw as http, http.get(APPS, headers=headers) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert gzip.decompress(await response.read()) == plain

    story(tell)


def test_old_clients_get_version_2_as_protobuf(story):
    async def tell(server):
        async with session(server) as http:
            async with http.get("/openapi/v2", headers={"Accept": OLD_PROTOBUF}) as response:
                assert response.content_type == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
                assert (await response.read()).startswith(b"\x0a\x032.0")
            async with http.get("/openapi/v2") as response:
                etag = response.headers["Etag"]
                assert orjson.loads(await response.read())["swagger"] == "2.0"
            async with http.get("/openapi/v2", headers={"If-None-Match": etag}) as response:
                assert response.status == 304
            async with http.get("/openapi/v2", headers={"Accept": "image/png"}) as response:
                assert response.status == 406

    story(tell)


def test_what_there_is_not_is_not_found(story):
    async def tell(server):
        async with session(server) as http:
            for path in ("/openapi/v3/apis/nothing/v1", "/openapi/v4", "/openapi"):
                async with http.get(path) as response:
                    assert response.status == 404, path

    story(tell)
