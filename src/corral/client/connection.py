"""One connection over HTTP/1.1, for commands that ask, print and end: the standard library's, which loads in little time."""

import select
import socket
import ssl
import zlib
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import SplitResult, unquote, urlsplit

from corral.base.addresses import bracketed
from corral.base.annotations import Any, Iterable, Iterator
from corral.base.errors import CorralError

CONNECT_TIMEOUT_S = 5.0
#: How long the server may be silent.
ANSWER_TIMEOUT_S = 60.0
CHUNK_BYTES = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


class Connection(HTTPConnection):
    """A connection to the server of a URL, through a proxy where there is one. It is made when it is first used."""

    def __init__(
        self, url: str, tls: ssl.SSLContext | None, tls_name: str = "", proxy: str = "", timeout_s: float = CONNECT_TIMEOUT_S
    ) -> None:
        """`tls` is for https; `tls_name` is the name in the server's certificate where that is not the one in the URL."""
        server = urlsplit(url)
        self._tls = tls if server.scheme == "https" else None
        self._tls_name = tls_name or server.hostname or ""
        self._server = server.hostname or "", server.port or (443 if server.scheme == "https" else 80)
        super().__init__(*self._server, timeout=timeout_s)
        if proxy:
            self._tunnel_through(urlsplit(proxy))

    def _tunnel_through(self, proxy: SplitResult) -> None:
        if proxy.scheme != "http" or not proxy.hostname:
            raise CorralError(f"the proxy {proxy.scheme}://{proxy.hostname} is not one over HTTP", "name one: http://HOST:PORT")
        headers = {}
        if proxy.username:
            headers["Proxy-Authorization"] = basic(unquote(proxy.username), unquote(proxy.password or ""))
        self.set_tunnel(*self._server, headers)
        self.host, self.port = proxy.hostname, proxy.port or 80

    def open(self) -> None:
        """Connect, for those who do not begin with a request. Raises OSError, whose text says what was tried."""
        host, port = bracketed(self.host), self.port
        try:
            self.connect()
            if self._tls is not None:
                self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._tls_name)
        except ssl.SSLError as error:
            self.close()
            why = error.reason or str(error)
            if isinstance(error, ssl.SSLCertVerificationError):
                why = f"failed to verify certificate: {error.verify_message}"
            raise ConnectionError(f"tls: {why}") from None
        except TimeoutError:
            self.close()
            raise TimeoutError(f"dial tcp {host}:{port}: i/o timeout") from None
        except socket.gaierror as error:
            raise ConnectionError(f"dial tcp: lookup {host}: {error.strerror}") from None
        except OSError as error:
            self.close()
            raise ConnectionError(f"dial tcp {host}:{port}: connect: {(error.strerror or str(error)).lower()}") from None
        self.sock.settimeout(ANSWER_TIMEOUT_S)

    def is_dropped(self) -> bool:
        """Whether the server has closed it: it says nothing unasked, so there is only an end that could be read."""
        waiting = select.poll()
        waiting.register(self.sock, select.POLLIN)
        return bool(waiting.poll(0))

    def exchange(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes | None = None) -> HTTPResponse:
        """Send a request; the answer, whose body is still to be read. Raises OSError, HTTPException."""
        if self.sock is None:
            self.open()
        self.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            self.putheader(name, value)
        if body is not None:
            self.putheader("Content-Length", str(len(body)))
        self.endheaders(body)
        return self.getresponse()


def parts_of(response: HTTPResponse, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The body as it comes, unpacked, in parts that are no larger than `chunk_bytes`. Raises OSError."""
    unpacker: Any = zlib.decompressobj(_GZIP) if response.getheader("Content-Encoding") == "gzip" else None
    # Of a known length, `read1` does not know the end; of an unknown one, `read` waits for a whole part.
    read = response.read1 if response.length is None else response.read
    try:
        while data := read(chunk_bytes):
            if unpacker is None:
                yield data
                continue
            while data:
                yield unpacker.decompress(data, chunk_bytes)
                data = unpacker.unconsumed_tail
    except (HTTPException, zlib.error) as error:
        raise ConnectionError(repr(error)) from None
    if response.length:
        raise ConnectionError(f"the answer was cut short: {response.length} bytes are missing")


def basic(user: str, password: str) -> str:
    """The Authorization header of a user with a password (RFC 7617)."""
    from base64 import b64encode

    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def told(error: OSError | HTTPException, method: str, url: str) -> OSError:
    """An error of a connection with what was asked, as Go's clients tell it."""
    asked = f'{method.capitalize()} "{url}"'
    if isinstance(error, TimeoutError):
        return TimeoutError(f"{asked}: {error if str(error).startswith('dial') else 'the server does not answer'}")
    if isinstance(error, OSError):
        return ConnectionError(f"{asked}: {error.strerror or error}")
    return ConnectionError(f"{asked}: {error!r}")
