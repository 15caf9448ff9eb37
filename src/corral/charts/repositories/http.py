"""Fetching over HTTP(S) and from files, with credentials that go to their own host only."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from corral.charts.chart.errors import ChartError
from corral.charts.repositories.config import Repository
from corral.charts.repositories.web import MAX_BYTES, Web
from corral.client.connection import basic

#: What is packed already.
_PACKED = (".tgz", ".gz", ".zip")


def get(url: str, access: Repository | None = None, *, credentials_of: str = "") -> bytes:
    """What is at `url` (http, https or file). `credentials_of` is the URL whose host may see the user and password.

    Raises ChartError.
    """
    access = access or Repository("", url)
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _file(Path(unquote(parts.path)))
    if parts.scheme not in ("http", "https"):
        raise ChartError(f"could not find protocol handler for: {parts.scheme}", "use http, https, oci or file")
    encoding = {"Accept-Encoding": "identity" if parts.path.endswith(_PACKED) else "gzip"}

    def headers(where: str) -> dict[str, str]:
        if not _may_see(where, access, credentials_of or access.url):
            return encoding
        return {**encoding, "Authorization": basic(access.username, access.password)}

    try:
        with Web(access) as web:
            answer = web.ask("GET", url, headers)
    except OSError as error:
        raise ChartError(str(error), "is the address right, and reachable from here?") from None
    if answer.status != 200:
        remedy = {401: "give --username and --password", 404: "look for it: corral chart search repo"}
        raise ChartError(f"failed to fetch {answer.url} : {answer.status} {answer.reason}", remedy.get(answer.status, ""))
    return answer.body


def _may_see(url: str, access: Repository, home: str) -> bool:
    if not access.username:
        return False
    asked, own = urlsplit(url), urlsplit(home)
    return access.pass_credentials or (asked.scheme, asked.hostname, asked.port) == (own.scheme, own.hostname, own.port)


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
