"""The API for commands that ask, print and end: one request after the other, over connections that are kept.

Loaded is the standard library's HTTP and JSON only, since such a command takes less time than larger libraries take to load.
Threads may share an `Api`; each request has a connection of its own, of those that are idle or a new one.
"""

import json
import socket
import time
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from urllib.parse import quote, urlencode, urlsplit

from corral.api.errors import ApiError
from corral.base.annotations import TYPE_CHECKING, Any, Callable, Iterator, Mapping, NamedTuple
from corral.client.connection import ANSWER_TIMEOUT_S, Connection, parts_of, told

if TYPE_CHECKING:
    from corral.api.objects import Object
    from corral.client.connect import Found

JSON = "application/json"
#: Of a list: its objects without all but their metadata.
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
#: The server ends each watch within this time; it may be silent for as long.
WATCH_S = 300
WATCH_TIMEOUT_S = WATCH_S + ANSWER_TIMEOUT_S
#: How often a request is sent again that the server has no time for, and how long is waited at most each time.
RETRIES = 10
RETRY_MAX_S = 30.0
_NEAR = ("127.0.0.1", "::1", "localhost")


class _Request(NamedTuple):
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes | None


class Api:
    """An API server. Every method raises ApiError for an error answer, and OSError where there is none.

    Paths are those of the API (`/api/v1/pods`), bodies and answers are JSON-shaped.
    """

    def __init__(self, found: "Found", manager: str, sleep: Callable[[float], None] = time.sleep) -> None:
        """`manager` is the name that owns the fields which are written."""
        self._found = found
        self._manager = manager
        self._sleep = sleep
        self._idle: list[Connection] = []
        server = urlsplit(found.server)
        self._origin = f"{server.scheme}://{server.netloc}"
        self._prefix = server.path.rstrip("/")
        # What does not leave the machine is there sooner as it is.
        self._encoding = "identity" if server.hostname in _NEAR else "gzip"

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = JSON) -> Any:
        """What is at a path."""
        return self._parsed(self.raw(path, query, accept=accept), path)

    def raw(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = JSON) -> bytes:
        """The same as bytes."""
        return self._answer(self._request("GET", path, query, accept=accept))

    def list(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = JSON) -> "tuple[list[Object], str]":
        """The objects of a collection, and their revision. Those of the reference carry no kind; here they do."""
        answer = self.get(path, query, accept=accept)
        if not isinstance(answer, dict) or not str(answer.get("kind", "")).endswith("List"):
            raise self._foreign(path, "no list")
        kind, api_version = answer["kind"].removesuffix("List"), answer.get("apiVersion", "")
        objects = [{"kind": kind, "apiVersion": api_version, **obj} for obj in answer.get("items") or ()]
        return objects, (answer.get("metadata") or {}).get("resourceVersion", "")

    def create(self, path: str, obj: "Object") -> "Object":
        """Add an object to a collection."""
        return self._write("POST", path, obj)

    def update(self, path: str, obj: "Object") -> "Object":
        """Replace an object."""
        return self._write("PUT", path, obj)

    def patch(self, path: str, change: Any, content_type: str) -> "Object":
        """Change an object; the content type says how."""
        return self._write("PATCH", path, change, content_type)

    def delete(self, path: str, propagation: str = "") -> None:
        """Delete an object; `propagation` is Background, Foreground, Orphan or what is usual for its kind."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if propagation:
            options["propagationPolicy"] = propagation
        self._answer(self._request("DELETE", path, None, options))

    def watch(self, path: str, query: Mapping[str, str], revision: str) -> "Watch":
        """The changes of a collection after a revision."""
        asked = {
            **query,
            **{"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": revision, "timeoutSeconds": str(WATCH_S)},
        }
        request = self._request("GET", path, asked)
        connection = self._new()
        try:
            connection.open()
            socket_ = connection.sock
            socket_.settimeout(WATCH_TIMEOUT_S)
            response = connection.exchange(*request)
            if response.status >= 400:
                raise ApiError.of_answer(response.status, b"".join(parts_of(response)))
        except (OSError, HTTPException) as error:
            connection.close()
            raise self._told(error, request) from None
        except BaseException:
            connection.close()
            raise
        return Watch(connection, socket_, response)

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _write(self, method: str, path: str, body: Any, content_type: str = JSON) -> "Object":
        query = {"fieldManager": self._manager}
        answer: Object = self._parsed(self._answer(self._request(method, path, query, body, content_type)), path)
        return answer

    def _parsed(self, data: bytes, path: str) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise self._foreign(path, "no JSON") from None

    def _foreign(self, path: str, what: str) -> OSError:
        where = f"{self._origin}{self._prefix}{path}"
        return ConnectionError(f"{where} answers with what is {what}: is that a Kubernetes API server?")

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        *,
        accept: str = JSON,
    ) -> _Request:
        target = self._prefix + quote(path, safe="/:@!$&'()*+,;=~") + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = [("Accept", accept), ("Accept-Encoding", self._encoding), ("User-Agent", self._manager)]
        if data is not None:
            headers.append(("Content-Type", content_type))
        return _Request(method, target, [*self._found.headers, *headers], data)

    def _new(self) -> Connection:
        return Connection(self._found.server, self._found.tls, self._found.tls_name, self._found.proxy)

    def _told(self, error: OSError | HTTPException, request: _Request) -> OSError:
        return told(error, request.method, f"{self._origin}{request.target}")

    def _answer(self, request: _Request) -> bytes:
        """The body of the answer; asked again where the server says when. Raises ApiError, OSError."""
        for retries_left in reversed(range(RETRIES + 1)):
            try:
                response, body = self._exchanged(request)
            except (OSError, HTTPException) as error:
                raise self._told(error, request) from None
            if response.status < 400:
                return body
            delay_s = _retry_after_s(response)
            if delay_s is None or not retries_left:
                raise ApiError.of_answer(response.status, body)
            self._sleep(min(delay_s, RETRY_MAX_S))
        raise AssertionError

    def _exchanged(self, request: _Request) -> tuple[HTTPResponse, bytes]:
        """An answer, over a connection that is kept if it may be."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_dropped():
                connection.close()
                continue
            try:
                return self._kept(connection, request)
            except (ConnectionError, HTTPException):
                # The server closed it while the request was on its way: what changes nothing can be sent again.
                if request.method != "GET":
                    raise
        connection = self._new()
        return self._kept(connection, request)

    def _kept(self, connection: Connection, request: _Request) -> tuple[HTTPResponse, bytes]:
        try:
            response = connection.exchange(*request)
            body = b"".join(parts_of(response))
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return response, body


class Watch:
    """A watch that has begun: iterating gives (type, object), until the server or `stop` ends it."""

    def __init__(self, connection: Connection, socket_: socket.socket, response: HTTPResponse) -> None:
        self._connection = connection
        self._socket = socket_
        self._response = response

    def __iter__(self) -> "Iterator[tuple[str, Object]]":
        """The changes. Raises ApiError, of which 410 means: list again; OSError where the connection breaks."""
        rest = b""
        try:
            for part in parts_of(self._response):
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise ApiError.of_event(event["object"])
                    yield event["type"], event["object"]
        finally:
            self._response.close()
            self._connection.close()

    def stop(self) -> None:
        """End it, from another thread than the one that iterates."""
        with suppress(OSError):  # It may have ended by itself.
            # Not the TLS socket's own, which forgets the session that the other thread is reading with.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _retry_after_s(response: HTTPResponse) -> float | None:
    """How long to wait before asking again, as client-go does; None where that is of no use."""
    after = response.getheader("Retry-After", "")
    return float(after) if (response.status == 429 or response.status >= 500) and after.isdigit() else None
