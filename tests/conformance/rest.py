"""A small client of the API, for tests that say what goes over the wire."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from corral.testing.cluster import admin_tls

Object = dict[str, Any]

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"


class RefusedError(AssertionError):
    """An error answer that the test did not expect; `code`, `reason` and `message` are its Status's."""

    def __init__(self, what: str, code: int, status: Any) -> None:
        status = status if isinstance(status, dict) else {"message": status}
        super().__init__(f"{what}: {code} {status.get('reason')}: {status.get('message')}")
        self.code = code
        self.reason = status.get("reason", "")
        self.message = status.get("message", "")
        self.status = status


class Watch:
    """Events of a watch; `next` waits for one."""

    def __init__(self, connection: http.client.HTTPSConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response

    def next(self) -> Object:
        """The next event. Raises StopIteration when the server has ended the watch."""
        line = self._response.readline()
        if not line:
            raise StopIteration
        event: Object = json.loads(line)
        return event

    def until(self, holds: Callable[[Object], bool]) -> Object:
        """The first event for which `holds`."""
        while not holds(event := self.next()):
            pass
        return event

    def close(self) -> None:
        """End it."""
        self._connection.close()


class Api:
    """Calls of one user, over one kept connection. Paths that begin with a letter are resources of the test's namespace."""

    def __init__(self, server: str, tls: ssl.SSLContext, namespace: str, headers: dict[str, str] | None = None) -> None:
        self.server = server
        self.namespace = namespace
        self._tls = tls
        self._headers = headers or {}
        self._kept: http.client.HTTPSConnection | None = None
        self.warnings: list[str] = []

    @classmethod
    @contextmanager
    def of(cls, data_dir: Path, server: str, namespace: str) -> "Iterator[Self]":
        """The administrator's client of the cluster in `data_dir`."""
        api = cls(server, admin_tls(data_dir / "pki"), namespace)
        try:
            yield api
        finally:
            api.close()

    def with_headers(self, **headers: str) -> "Api":
        """A client that sends these headers too (`Impersonate_User` is Impersonate-User)."""
        return Api(self.server, self._tls, self.namespace, {k.replace("_", "-"): v for k, v in headers.items()})

    def with_token(self, token: str, ca: Path) -> "Api":
        """Another user's client."""
        tls = ssl.create_default_context(cafile=str(ca))
        return Api(self.server, tls, self.namespace, {"Authorization": f"Bearer {token}"})

    def close(self) -> None:
        """Let go of the connection."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    # Calls

    def raw(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        type: str = "application/json",
        accept: str = "application/json",
        **query: Any,
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body (JSON where it is) and headers of any answer."""
        headers = {"Accept": accept, **self._headers}
        data = None
        if body is not None:
            data = body if isinstance(body, str | bytes) else json.dumps(body)
            headers["Content-Type"] = type
        target = self.path(path) + ("?" + urlencode(query) if query else "")
        for attempt in range(2):
            connection = self._connection()
            try:
                connection.request(method, target, data, headers)
                response = connection.getresponse()
                text = response.read()
                break
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()
                if attempt:
                    raise
        self.warnings = response.headers.get_all("Warning") or []
        found = {name.title(): value for name, value in response.headers.items()}
        if "json" in found.get("Content-Type", ""):
            return response.status, json.loads(text or b"null"), found
        return response.status, text.decode(errors="replace"), found

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The body of a good answer. Raises RefusedError for any other."""
        code, answer, _ = self.raw(method, path, body, **more)
        if code >= 400:
            raise RefusedError(f"{method} {path}", code, answer)
        return answer

    def refused(self, method: str, path: str, body: Any = None, **more: Any) -> RefusedError:
        """The error that this call must give."""
        code, answer, _ = self.raw(method, path, body, **more)
        assert code >= 400, f"{method} {path} was not refused: {code} {json.dumps(answer)[:300]}"
        return RefusedError(f"{method} {path}", code, answer)

    def get(self, path: str, **query: Any) -> Any:
        """GET."""
        return self.call("GET", path, **query)

    def find(self, path: str) -> Any:
        """GET; None for what is not there."""
        try:
            return self.get(path)
        except RefusedError as error:
            if error.code != 404:
                raise
            return None

    def names(self, path: str, **query: Any) -> list[str]:
        """The names in a list."""
        return [item["metadata"]["name"] for item in self.get(path, **query)["items"]]

    def create(self, path: str, body: Object, **query: Any) -> Any:
        """POST."""
        return self.call("POST", path, body, **query)

    def replace(self, path: str, body: Object, **query: Any) -> Any:
        """PUT."""
        return self.call("PUT", path, body, **query)

    def patch(self, path: str, body: Any, type: str = MERGE, **query: Any) -> Any:
        """PATCH."""
        return self.call("PATCH", path, body, type=type, **query)

    def apply(self, path: str, body: Object, manager: str = "test", **query: Any) -> Any:
        """Server-side apply."""
        return self.call("PATCH", path, body, type=APPLY, fieldManager=manager, **query)

    def delete(self, path: str, body: Any = None, **query: Any) -> Any:
        """DELETE."""
        return self.call("DELETE", path, body, **query)

    def watch(self, path: str, timeout_s: float = 20, **query: Any) -> Watch:
        """A watch on a connection of its own. Close it."""
        url = urlsplit(self.server)
        connection = http.client.HTTPSConnection(url.hostname or "", url.port, context=self._tls, timeout=timeout_s)
        query = {"watch": "true", "timeoutSeconds": int(timeout_s), **query}
        connection.request("GET", self.path(path) + "?" + urlencode(query), headers=self._headers)
        response = connection.getresponse()
        if response.status >= 400:
            raise RefusedError(f"WATCH {path}", response.status, json.loads(response.read()))
        return Watch(connection, response)

    def until(self, path: str, holds: Callable[[Any], Any], timeout_s: float = 20) -> Any:
        """GET until `holds(object)`; the object."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            found = self.find(path)
            if found is not None and holds(found):
                return found
            assert time.monotonic() < deadline_s, f"{path} is not as it should be: {json.dumps(found)[:1500]}"
            time.sleep(0.02)

    def until_gone(self, path: str, timeout_s: float = 20) -> None:
        """Wait until there is no such object."""
        deadline_s = time.monotonic() + timeout_s
        while self.find(path) is not None:
            assert time.monotonic() < deadline_s, f"{path} is still there"
            time.sleep(0.02)

    def until_pods_can_be_made(self) -> None:
        """Wait for the default service account of the test's namespace: before there is one, pods are refused."""
        self.until("serviceaccounts/default", bool)

    def path(self, path: str) -> str:
        """`/…` as it is; `pods/x` and `deployments.apps/x` in the test's namespace."""
        if path.startswith("/"):
            return path
        plural, slash, rest = path.partition("/")
        plural, dot, group = plural.partition(".")
        root = "/api/v1" if not dot else f"/apis/{group}/{VERSIONS.get(group, 'v1')}"
        return f"{root}/namespaces/{self.namespace}/{plural}{slash}{rest}"

    def _connection(self) -> http.client.HTTPSConnection:
        if self._kept is None:
            url = urlsplit(self.server)
            self._kept = http.client.HTTPSConnection(url.hostname or "", url.port, context=self._tls, timeout=60)
        return self._kept


#: The version of a group's path where it is not v1.
VERSIONS = {"autoscaling": "v2"}
