"""Requests to servers that have charts: bounded, with TLS as told, redirects followed, with headers for each address anew."""

import ssl
from http.client import HTTPException
from os import environ
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from corral.base.annotations import TYPE_CHECKING, Callable, Mapping, NamedTuple
from corral.charts.chart.errors import ChartError
from corral.charts.repositories.config import Repository
from corral.client.connection import Connection, basic, parts_of, told
from corral.client.proxies import proxy_of

if TYPE_CHECKING:
    from email.message import Message

MAX_BYTES = 100 * 1024 * 1024
CONNECT_TIMEOUT_S = 20.0
REDIRECTS = 10
USER_AGENT = "corral"

#: The headers of a request to an address.
HeadersFor = Callable[[str], Mapping[str, str]]


class Answer(NamedTuple):
    """What a server said, at the address where that was found."""

    url: str
    status: int
    reason: str
    headers: "Message"
    body: bytes


class Web:
    """Some servers, by the access to one repository: `with Web(access) as web`."""

    def __init__(self, access: Repository) -> None:
        self._access = access
        self._tls: ssl.SSLContext | None = None
        self._kept: dict[tuple[str, str], Connection] = {}

    def __enter__(self) -> "Web":
        return self

    def __exit__(self, *_: object) -> None:
        while self._kept:
            self._kept.popitem()[1].close()

    def ask(
        self, method: str, url: str, headers_for: HeadersFor, body: bytes | None = None, *, limit_bytes: int = MAX_BYTES
    ) -> Answer:
        """An answer, wherever redirects lead. Raises ChartError for one that is too large, OSError where there is none."""
        where = url
        for _ in range(REDIRECTS):
            answer = self._asked(method, where, headers_for(where), body, limit_bytes)
            follows = answer.status in (307, 308) or (answer.status in (301, 302, 303) and method in ("GET", "HEAD"))
            if not follows or "Location" not in answer.headers:
                return answer
            where = urljoin(where, answer.headers["Location"])
            if urlsplit(where).scheme not in ("http", "https"):
                raise ChartError(f'Get "{url}": it leads to {urlsplit(where).scheme}, not to http or https')
        raise ChartError(f'Get "{url}": stopped after {REDIRECTS} redirects')

    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, limit_bytes: int) -> Answer:
        parts = urlsplit(url)
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        target = (quote(parts.path, safe="%/:@!$&'()*+,;=~") or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {"User-Agent": USER_AGENT, **_of_url(parts), **headers}
        connection = self._connection(parts)
        try:
            response = connection.exchange(method, target, sent.items(), body)
            data = bytearray()
            for part in parts_of(response):
                data += part
                if len(data) > limit_bytes:
                    raise ChartError(f"{shown} is larger than {limit_bytes} bytes")
        except (OSError, HTTPException) as error:
            connection.close()
            raise told(error, method, shown) from None
        except BaseException:
            connection.close()
            raise
        if not response.will_close:
            self._kept[parts.scheme, parts.netloc] = connection
        return Answer(url, response.status, response.reason, response.headers, bytes(data))

    def _connection(self, parts: SplitResult) -> Connection:
        kept = self._kept.pop((parts.scheme, parts.netloc), None)
        if kept is not None and not kept.is_dropped():
            return kept
        if parts.scheme == "https" and self._tls is None:
            self._tls = tls(self._access)
        url = parts.geturl()
        return Connection(url, self._tls, proxy=proxy_of(url, environ), timeout_s=CONNECT_TIMEOUT_S)


def _of_url(parts: SplitResult) -> dict[str, str]:
    """The user and password in a URL."""
    if parts.username is None:
        return {}
    return {"Authorization": basic(unquote(parts.username), unquote(parts.password or ""))}


def tls(access: Repository) -> ssl.SSLContext:
    """The TLS that a repository asks for. Raises ChartError for files that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=access.ca_file or None)
        if access.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if access.cert_file:
            context.load_cert_chain(access.cert_file, access.key_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ChartError(
            f"can't create TLS config for {access.url}: {error}", "check --ca-file, --cert-file, --key-file"
        ) from None
    return context
