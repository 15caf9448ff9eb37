"""One-shot commands and their server: connections that are kept, that break, that go through proxies; answers of every kind."""

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from tests.client.scripted import Server, answer, chunks

from corral.api.errors import ApiError
from corral.base.errors import CorralError
from corral.client.blocking import Api
from corral.client.connect import Found, find
from corral.client.kubeconfig import Access


class Played:
    """The server, an `Api` of it, and how long that slept."""

    def __init__(self, server: Server, found: Callable[[str], Found]) -> None:
        self.server = server
        self.slept: list[float] = []
        self.api = Api(found(server.url), "me", self.slept.append)


TLS = ssl.create_default_context()


def directly(url: str) -> Found:
    return Found(url, TLS, [("Authorization", "Bearer t")])


@pytest.fixture
def play() -> Iterator[Callable[..., Played]]:
    made: list[Played] = []

    def start(*connections: list[bytes], found: Callable[[str], Found] = directly) -> Played:
        made.append(Played(Server(*connections), found))
        return made[-1]

    yield start
    for played in made:
        played.api.close()
        played.server.close()


def test_a_connection_is_kept(play: Callable[..., Played]) -> None:
    played = play([answer({"a": 1}), answer({"a": 2})])
    assert [played.api.get("/x"), played.api.get("/x")] == [{"a": 1}, {"a": 2}]


def test_what_is_sent(play: Callable[..., Played]) -> None:
    def found(url: str) -> Found:
        return Found(f"{url}/base/", TLS, [("Impersonate-Group", "a"), ("Impersonate-Group", "b,c")])

    played = play([answer({})] * 4, found=found)
    played.api.get("/api/v1/pods/a b:c", {"labelSelector": "a=b,c"})
    played.api.create("/x", {"name": "ü"})
    played.api.patch("/x", {}, "application/merge-patch+json")
    played.api.delete("/x", "Orphan")
    got, made, patched, deleted = played.server.requests
    assert got.startswith("GET /base/api/v1/pods/a%20b:c?labelSelector=a%3Db%2Cc HTTP/1.1\n")
    assert "Impersonate-Group: a\nImpersonate-Group: b,c\n" in got
    assert made.startswith("POST /base/x?fieldManager=me HTTP/1.1\n") and made.endswith('\n{"name":"ü"}')
    assert "Content-Type: application/merge-patch+json\n" in patched
    assert json.loads(deleted.splitlines()[-1])["propagationPolicy"] == "Orphan"


def test_a_connection_that_the_server_has_closed_is_not_used_again(play: Callable[..., Played]) -> None:
    played = play([answer({})], [answer({"made": True})])
    played.api.get("/x")
    assert played.server.closed.acquire(timeout=30)
    assert played.api.create("/x", {}) == {"made": True}


def test_what_is_on_its_way_when_the_server_closes_is_sent_again_if_it_changes_nothing(play: Callable[..., Played]) -> None:
    for act, is_again in ((lambda api: api.get("/x"), True), (lambda api: api.create("/x", {}), False)):
        played = play([answer({}), b""], [answer({"again": True})])
        played.api.get("/x")
        if is_again:
            assert act(played.api) == {"again": True}
        else:
            with pytest.raises(ConnectionError, match=r'^Post "http://127'):
                act(played.api)


def test_a_server_without_time_is_asked_again_when_it_says(play: Callable[..., Played]) -> None:
    busy = answer({}, "429 Too Many Requests", Retry_After="3")
    played = play([busy, answer({}, "503 Unavailable", Retry_After="99"), answer({"a": 1})])
    assert played.api.create("/x", {"b": 1}) == {"a": 1}
    assert played.slept == [3.0, 30.0]
    assert len(set(played.server.requests)) == 1
    played = play([busy] * 20)
    with pytest.raises(ApiError) as refused:
        played.api.get("/x")
    assert (refused.value.code, len(played.slept)) == (429, 10)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        ("404 Not Found", {"kind": "Status", "code": 404, "reason": "NotFound", "message": "no x"}, (404, "NotFound", "no x")),
        ("500 Oops", b"broken", (500, "InternalError", "broken")),
        ("403 Forbidden", b"[" * 100_000, (403, "Forbidden", "[" * 500)),
    ],
)
def test_refusals(status: str, body: object, told: tuple[int, str, str], play: Callable[..., Played]) -> None:
    with pytest.raises(ApiError) as refused:
        play([answer(body, status)]).api.get("/x")
    assert (refused.value.code, refused.value.reason, refused.value.message) == told


def test_answers_are_unpacked_and_joined(play: Callable[..., Played]) -> None:
    body = json.dumps({"a": "x" * 1000}).encode()
    packed = gzip.compress(body)
    played = play(
        [
            answer(packed, Content_Encoding="gzip"),
            chunks(body[:7], body[7:]),
            chunks(packed[:9], packed[9:], more="Content-Encoding: gzip\r\n"),
        ]
    )
    assert [played.api.raw("/x") for _ in range(3)] == [body] * 3


def test_an_answer_that_is_cut_short(play: Callable[..., Played]) -> None:
    with pytest.raises(ConnectionError, match=r'^Get "http://127.0.0.1:\d+/x": the answer was cut short: 7 bytes'):
        play([b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"]).api.get("/x")


def test_items_of_lists_have_a_kind(play: Callable[..., Played]) -> None:
    answered = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": [{"metadata": {}}]}
    played = play([answer(answered), answer({**answered, "items": None})])
    assert played.api.list("/x") == ([{"kind": "Pod", "apiVersion": "v1", "metadata": {}}], "7")
    assert played.api.list("/x") == ([], "7")


def test_what_is_no_api(play: Callable[..., Played]) -> None:
    with pytest.raises(ConnectionError, match="answers with what is no JSON: is that a Kubernetes API server"):
        play([answer(b"<html>log in</html>")]).api.get("/version")
    for other in ({}, [], {"kind": "Pod"}):
        with pytest.raises(ConnectionError, match=r"/base/pods answers with what is no list"):
            play([answer(other)], found=lambda url: directly(f"{url}/base")).api.list("/pods")


def event(type_: str, **obj: object) -> bytes:
    return json.dumps({"type": type_, "object": obj}).encode() + b"\n"


def test_a_watch_gives_events_however_they_are_cut(play: Callable[..., Played]) -> None:
    lines = event("ADDED", a=1) + event("DELETED", a=2)
    played = play([chunks(lines[:5], lines[5:40], lines[40:])])
    assert list(played.api.watch("/x", {"fieldSelector": "f"}, "7")) == [("ADDED", {"a": 1}), ("DELETED", {"a": 2})]
    (asked,) = played.server.requests
    assert "fieldSelector=f&watch=true&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=300 HTTP" in asked


def test_a_watch_that_is_refused_at_once_or_later(play: Callable[..., Played]) -> None:
    gone = {"kind": "Status", "code": 410, "message": "too old"}
    with pytest.raises(ApiError) as refused:
        play([answer(gone, "410 Gone")]).api.watch("/x", {}, "7")
    assert refused.value.code == 410
    with pytest.raises(ApiError) as refused:
        list(play([chunks(event("ADDED"), event("ERROR", **gone))]).api.watch("/x", {}, "7"))
    assert (refused.value.code, refused.value.reason) == (410, "Expired")


def test_a_watch_is_stopped_from_another_thread(play: Callable[..., Played]) -> None:
    head, _, _ = chunks(event("ADDED")).rpartition(b"0\r\n\r\n")
    watch = play([head + b"3\r\n..."]).api.watch("/x", {}, "7")
    found = []

    def follow() -> None:
        try:
            for one in watch:
                found.append(one)
                begun.set()
        except OSError:
            pass

    begun = threading.Event()
    thread = threading.Thread(target=follow)
    thread.start()
    assert begun.wait(20)
    watch.stop()
    thread.join(20)
    assert not thread.is_alive()
    assert found == [("ADDED", {})]


def test_a_proxy_is_told_where_to(play: Callable[..., Played]) -> None:
    def through(url: str) -> Found:
        return directly("http://api.example:6443")._replace(proxy=url.replace("://", "://me:p%40ss@"))

    played = play([b"HTTP/1.1 200 Connected\r\n\r\n", answer({"a": 1})], found=through)
    assert played.api.get("/x") == {"a": 1}
    connect, get = played.server.requests
    assert connect.startswith("CONNECT api.example:6443 HTTP/1.")
    assert "Proxy-Authorization: Basic bWU6cEBzcw==" in connect
    assert "Bearer" not in connect and "Authorization: Bearer t" in get and "Host: api.example:6443" in get


def test_a_proxy_of_another_kind_is_refused() -> None:
    with pytest.raises(CorralError, match=r"the proxy socks5://127\.0\.0\.1 is not one over HTTP"):
        Api(directly("http://api.example")._replace(proxy="socks5://me:secret@127.0.0.1:1"), "me").get("/x")


def test_tls_through_a_proxy_is_the_servers(corral) -> None:  # type: ignore[no-untyped-def]
    """The proxy sees bytes only; whose certificate is checked is the server's, by the server's name."""
    seen: list[bytes] = []

    def relay(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                seen.append(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def proxy(listening: socket.socket) -> None:
        near, _ = listening.accept()
        with near:
            asked = near.recv(1 << 16)
            seen.append(asked)
            host, _, port = asked.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as far:
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=relay, args=(far, near), daemon=True)
                back.start()
                relay(near, far)
                back.join(20)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=proxy, args=(listening,), daemon=True)
        thread.start()
        found = find(Access(str(corral.kubeconfig)))._replace(proxy=f"http://localhost:{listening.getsockname()[1]}")
        api = Api(found, "me")
        assert api.get("/version")["major"] == "1"
        api.close()
        thread.join(20)
    assert seen[0].startswith(b"CONNECT 127.0.0.1:") and b"/version" not in b"".join(seen)


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    api = Api(Found(f"http://127.0.0.1:{port}", ssl.create_default_context(), []), "me")
    told = f'^Get "http://127.0.0.1:{port}/version": dial tcp 127.0.0.1:{port}: connect: connection refused$'
    with pytest.raises(ConnectionError, match=told):
        api.get("/version")


def test_the_servers_certificate_is_checked(corral) -> None:  # type: ignore[no-untyped-def]
    access = Access(str(corral.kubeconfig))
    assert Api(find(access), "me").get("/version")["major"] == "1"
    for changed, told in (
        (access._replace(tls_name="other.example"), "tls: failed to verify certificate: Hostname mismatch"),
        (access._replace(ca_file=str(corral.data_dir / "pki/front-proxy-ca.crt")), "tls: failed to verify certificate: "),
    ):
        with pytest.raises(ConnectionError, match=told):
            Api(find(changed), "me").get("/version")
    assert Api(find(access._replace(tls_name="other.example", insecure=True)), "me").get("/version")
    assert Api(find(access._replace(tls_name="localhost")), "me").get("/version")
