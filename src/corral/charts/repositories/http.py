"""Fetching over HTTP(S) and from files: bounded, with TLS as told, and credentials that go to their own host only."""

import ssl
from base64 import b64encode
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiohttp
from yarl import URL

from corral.charts.chart.errors import ChartError
from corral.charts.repositories.config import Repository

MAX_BYTES = 100 * 1024 * 1024
TIMEOUT_S = 120.0
CONNECT_TIMEOUT_S = 20.0
REDIRECTS = 10
USER_AGENT = "corral"


async def get(url: str, access: Repository | None = None, *, credentials_of: str = "", accept: str = "") -> bytes:
    """What is at `url` (http, https or file). `credentials_of` is the URL whose host may see the user and password.

    Raises ChartError.
    """
    access = access or Repository("", url)
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _file(Path(unquote(parts.path)))
    if parts.scheme not in ("http", "https"):
        raise ChartError(f"could not find protocol handler for: {parts.scheme}", "use http, https, oci or file")
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    headers = {"User-Agent": USER_AGENT} | ({"Accept": accept} if accept else {})
    try:
        connector = aiohttp.TCPConnector(ssl=tls(access))
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as session:
            return await _follow(session, url, access, credentials_of or access.url)
    except aiohttp.ClientError as error:
        raise ChartError(f'Get "{url}": {error}', "is the address right, and reachable from here?") from None
    except TimeoutError:
        raise ChartError(f'Get "{url}": no answer in time', "is the address right, and reachable from here?") from None


async def _follow(session: aiohttp.ClientSession, url: str, access: Repository, home: str) -> bytes:
    for _ in range(REDIRECTS):
        address, headers = URL(url), {}
        if _may_see(url, access, home):
            address, headers = address.with_user(None), {"Authorization": basic(access.username, access.password)}
        async with session.get(address, headers=headers, allow_redirects=False) as answer:
            if answer.status in (301, 302, 303, 307, 308) and "Location" in answer.headers:
                url = str(answer.url.join(URL(answer.headers["Location"])))
                continue
            if answer.status != 200:
                remedy = {401: "give --username and --password", 404: "look for it: corral chart search repo"}
                raise ChartError(f"failed to fetch {url} : {answer.status} {answer.reason}", remedy.get(answer.status, ""))
            return await bounded(answer, url)
    raise ChartError(f'Get "{url}": stopped after {REDIRECTS} redirects')


def basic(username: str, password: str) -> str:
    """The Authorization header of a user with a password (RFC 7617)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


async def bounded(answer: aiohttp.ClientResponse, url: str, limit_bytes: int = MAX_BYTES) -> bytes:
    """An answer's body. Raises ChartError where it is too large."""
    data = bytearray()
    async for chunk in answer.content.iter_any():
        data += chunk
        if len(data) > limit_bytes:
            raise ChartError(f"{url} is larger than {limit_bytes} bytes")
    return bytes(data)


def _may_see(url: str, access: Repository, home: str) -> bool:
    if not access.username:
        return False
    asked, own = urlsplit(url), urlsplit(home)
    return access.pass_credentials or (asked.scheme, asked.hostname, asked.port) == (own.scheme, own.hostname, own.port)


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


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ChartError(f"open {path}: {(error.strerror or str(error)).lower()}") from None
    if len(data) > MAX_BYTES:
        raise ChartError(f"{path} is larger than {MAX_BYTES} bytes")
    return data


def joined(base: str, path: str) -> str:
    """A chart's URL of a repository's: relative ones are below it, its query goes along."""
    if "://" in path:
        return path
    parts = urlsplit(base)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/{path.lstrip('/')}{query}"
