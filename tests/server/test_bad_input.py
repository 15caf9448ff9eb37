"""Whatever is sent, the answer is a Status that says what is wrong, and nothing has changed."""

import aiohttp
import orjson

MAPS = "/api/v1/namespaces/default/configmaps"
JSON, YAML = "application/json", "application/yaml"
DEEP = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


def body(**fields):
    return orjson.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}, **fields})


#: Method, path, content type, body → code, reason, part of the message.
BAD = [
    ("POST", MAPS, JSON, b'{"a":', 400, "BadRequest", "couldn't get version/kind; json parse error"),
    ("POST", MAPS, JSON, b"", 400, "BadRequest", "unexpected end of JSON input"),
    ("POST", MAPS, JSON, b"[]", 400, "BadRequest", "cannot unmarshal array"),
    ("POST", MAPS, JSON, b"\xff\xfe", 400, "BadRequest", "couldn't get version/kind"),
    ("POST", MAPS, JSON, DEEP, 400, "BadRequest", "exceeded max depth"),
    ("POST", MAPS, YAML, b"a: b: c", 400, "BadRequest", "mapping values are not allowed in this context"),
    ("POST", MAPS, YAML, b"a: !!python/object:os.system x", 400, "BadRequest", "could not determine a constructor"),
    ("POST", MAPS, "text/plain", b"x", 415, "UnsupportedMediaType", "unknown format"),
    ("POST", MAPS, JSON, body(kind="Pod"), 400, "BadRequest", "cannot be handled as a ConfigMap"),
    ("POST", MAPS, JSON, body(kind="Nope"), 400, "BadRequest", "no kind"),
    ("POST", MAPS, JSON, body(metadata=[]), 400, "BadRequest", "cannot unmarshal array"),
    ("POST", MAPS, JSON, body(metadata={"name": 1}), 400, "BadRequest", "cannot unmarshal number"),
    ("POST", MAPS, JSON, body(data={"a": 1}), 400, "BadRequest", "cannot unmarshal number"),
    ("POST", MAPS, JSON, body(metadata={}), 422, "Invalid", "name or generateName is required"),
    ("POST", MAPS, JSON, body(metadata={"name": "A_B"}), 422, "Invalid", "RFC 1123 subdomain"),
    ("POST", MAPS, JSON, body(metadata={"name": "there"}), 409, "AlreadyExists", 'configmaps "there" already exists'),
    ("POST", MAPS.replace("default", "nope"), JSON, body(), 404, "NotFound", 'namespaces "nope" not found'),
    ("PUT", MAPS + "/there", JSON, body(metadata={"name": "other"}), 400, "BadRequest", "does not match the name on the URL"),
    ("PUT", MAPS + "/there", JSON, body(metadata={"name": "there", "resourceVersion": "1"}), 409, "Conflict", "modified"),
    ("PATCH", MAPS + "/there", "application/nope", b"{}", 415, "UnsupportedMediaType", ""),
    ("PATCH", MAPS + "/there", "application/merge-patch+json", b"{", 400, "BadRequest", "error decoding patch"),
    ("PATCH", MAPS + "/none", "application/merge-patch+json", b"{}", 404, "NotFound", 'configmaps "none" not found'),
    ("DELETE", MAPS + "/none", JSON, b"", 404, "NotFound", 'configmaps "none" not found'),
    ("DELETE", MAPS + "/there", JSON, b'{"preconditions":{"uid":"x"}}', 409, "Conflict", "UID in the precondition"),
    ("DELETE", MAPS + "/there", JSON, b'{"nope', 400, "BadRequest", "couldn't get version/kind"),
    ("GET", MAPS + "?limit=abc", JSON, b"", 400, "BadRequest", 'parsing "abc"'),
    ("GET", MAPS + "?continue=abc", JSON, b"", 400, "BadRequest", "continue key is not valid"),
    ("GET", MAPS + "?resourceVersion=abc", JSON, b"", 400, "BadRequest", 'parsing "abc"'),
    ("GET", MAPS + "?watch=1&resourceVersion=abc", JSON, b"", 400, "BadRequest", 'parsing "abc"'),
    ("GET", MAPS + "?labelSelector=!!", JSON, b"", 400, "BadRequest", "unable to parse requirement"),
    ("GET", MAPS + "?fieldSelector=a%3Db", JSON, b"", 400, "BadRequest", "is not a known field selector"),
    ("GET", "/api/v1/pods?fieldSelector=a%3Db", JSON, b"", 400, "BadRequest", "field label not supported: a"),
    (
        "GET",
        "/apis/batch/v1/jobs?fieldSelector=a%3Db",
        JSON,
        b"",
        400,
        "BadRequest",
        'field label "a" not supported for batchv1.Job',
    ),
    (
        "GET",
        "/apis/resource.k8s.io/v1/resourceslices?fieldSelector=a%3Db",
        JSON,
        b"",
        400,
        "BadRequest",
        "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: a",
    ),
]


def test_every_mistake_is_told_and_changes_nothing(story):
    async def tell(server):
        client = server.client()
        await client.create("configmaps", {"metadata": {"name": "there"}, "data": {"a": "b"}}, "default")
        headers = {"Authorization": f"Bearer {server.token}"}
        async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(ssl=server.tls()), headers=headers) as http:

            async def names_and_data():
                async with http.get(MAPS) as response:
                    return [(i["metadata"], i.get("data")) for i in (await response.json())["items"]]

            before = await names_and_data()
            for method, path, kind, sent, code, reason, part in BAD:
                async with http.request(method, path, data=sent, headers={"Content-Type": kind}) as response:
                    status = await response.json()
                    where = f"{method} {path} {sent[:80]!r}: {status}"
                    assert (response.status, status["code"], status["reason"]) == (code, code, reason), where
                    assert status["kind"] == "Status" and part in status["message"], where
            assert await names_and_data() == before

    story(tell)
