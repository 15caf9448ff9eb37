"""What servers of charts may do to a client: lead it elsewhere, in circles, send too much; and who sees which password."""

import gzip
from collections.abc import Callable, Iterator

import pytest
from tests.client.scripted import Server, answer, chunks

from corral.charts.chart.errors import ChartError
from corral.charts.repositories import http
from corral.charts.repositories.config import Repository
from corral.charts.repositories.web import Web


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(*connections: list[bytes]) -> Server:
        made.append(Server(*connections))
        return made[-1]

    yield start
    for server in made:
        server.close()


def moved(where: str, status: str = "302 Found") -> bytes:
    return answer(b"", status, Location=where)


def test_a_password_goes_to_its_own_host_only(serve: Callable[..., Server]) -> None:
    other = serve([answer(b"there")])
    own = serve([moved("/b"), moved(f"{other.url}/c?x=1")])
    access = Repository("r", own.url, "jo", "secret")
    assert http.get(f"{own.url}/a", access) == b"there"
    assert all("Authorization: Basic am86c2VjcmV0" in request for request in own.requests)
    assert other.requests[0].startswith("GET /c?x=1 HTTP/1.1") and "Authorization" not in other.requests[0]


def test_credentials_in_a_url_are_sent_and_not_shown(serve: Callable[..., Server]) -> None:
    server = serve([answer(b"x")], [])
    url = server.url.replace("://", "://me:p%40ss@")
    assert http.get(f"{url}/a") == b"x"
    assert "Authorization: Basic bWU6cEBzcw==" in server.requests[0]
    server.close()
    with pytest.raises(ChartError) as refused:
        http.get(f"{url}/a")
    assert "p%40ss" not in refused.value.message and "me" not in refused.value.message


def test_in_circles_and_out_of_the_web(serve: Callable[..., Server]) -> None:
    with pytest.raises(ChartError, match="stopped after 10 redirects"):
        http.get(f"{serve([moved('/a')] * 20).url}/a")
    with pytest.raises(ChartError, match="it leads to file, not to http or https"):
        http.get(f"{serve([moved('file:///etc/passwd')]).url}/a")


def test_what_is_sent_is_not_sent_elsewhere_unless_that_is_meant(serve: Callable[..., Server]) -> None:
    server = serve([moved("/b"), moved("/c", "307 Temporary Redirect"), answer(b"made", "201 Created")])
    with Web(Repository("", server.url)) as web:
        assert web.ask("POST", f"{server.url}/a", lambda _: {}, b"data").status == 302
        assert web.ask("POST", f"{server.url}/a", lambda _: {}, b"data").body == b"made"
    assert [request.splitlines()[-1] for request in server.requests] == ["data"] * 3


@pytest.mark.parametrize(
    "large",
    [answer(b"x" * 101), chunks(b"x" * 60, b"x" * 60), answer(gzip.compress(b"x" * 10_000_000), Content_Encoding="gzip")],
    ids=["length", "chunks", "packed"],
)
def test_too_much(large: bytes, serve: Callable[..., Server]) -> None:
    server = serve([large], [answer(b"x" * 100)])
    with Web(Repository("", server.url)) as web:
        with pytest.raises(ChartError, match=r"/a is larger than 100 bytes"):
            web.ask("GET", f"{server.url}/a", lambda _: {}, limit_bytes=100)
        assert len(web.ask("GET", f"{server.url}/a", lambda _: {}, limit_bytes=100).body) == 100


def test_what_is_packed_is_asked_for_as_it_is(serve: Callable[..., Server]) -> None:
    index = gzip.compress(b"entries: {}")
    server = serve([answer(index, Content_Encoding="gzip")], [answer(b"archive")])
    assert http.get(f"{server.url}/index.yaml") == b"entries: {}"
    assert http.get(f"{server.url}/a-1.0.0.tgz") == b"archive"
    assert ["Accept-Encoding: gzip" in request for request in server.requests] == [True, False]
