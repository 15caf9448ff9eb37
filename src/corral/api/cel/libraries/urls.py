"""URLs: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-url-library. Parsed as Go's url.ParseRequestURI does."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from corral.api.cel.costs import traversed
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.types import OPAQUE
from corral.api.cel.values import Opaque

LIBRARY = Library()
_overload = LIBRARY.overload
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(.*)", re.DOTALL)
_HOST = re.compile(r"(?:(?P<user>[^@/]*)@)?(?P<host>\[[0-9a-fA-F:.%]+\]|[^:/@\[\]\s]*)(?::(?P<port>[0-9]*))?", re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
_KEPT = "$&+,/:;=@!'()*~-._"


@dataclass(frozen=True, slots=True)
class URL(Opaque):
    """A parsed URL; `path` is unescaped where `raw_path` says how it was written."""

    cel_type = OPAQUE["URL"]
    text: str
    scheme: str
    host: str
    raw_path: str
    query: str


def parse(text: str) -> URL:
    """The URL. Raises EvaluationError."""
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
        raise _fault(text, "net/url: invalid control character in URL")
    if not text:
        raise _fault(text, "empty url")
    scheme, rest = "", text
    match = _SCHEME.fullmatch(text)
    if match:
        scheme, rest = match[1].lower(), match[2]
    elif text.split("/", maxsplit=1)[0].startswith(":"):
        raise _fault(text, "missing protocol scheme")
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        raise _fault(text, "invalid URI for request")
    host = ""
    if scheme and rest.startswith("//") and not rest.startswith("///"):
        host, slash, path = rest[2:].partition("/")
        rest = slash + path
        _check_host(text, host)
        host = host.rpartition("@")[2]
    bad = _BAD_ESCAPE.search(rest)
    if bad:
        raise _fault(text, f'invalid URL escape "{rest[bad.start() : bad.start() + 3]}"')
    return URL(text, scheme, host, rest, query)


def _check_host(text: str, host: str) -> None:
    if " " in host:
        raise _fault(text, 'invalid character " " in host name')
    if _HOST.fullmatch(host) is None:
        name, colon, port = host.rpartition(":")
        if colon and not port.isdigit() and "]" not in port:
            raise _fault(text, f'invalid port ":{port}" after host')
        raise _fault(text, f"invalid host {name}")


def _fault(text: str, why: str) -> EvaluationError:
    return EvaluationError(f'URL parse error during conversion from string: parse "{text}": {why}')


@_overload("url(string) -> URL", cost=traversed)
def url(text: str) -> URL:
    """The URL that a text is."""
    return parse(text)


@_overload("isURL(string) -> bool", cost=traversed)
def is_url(text: str) -> bool:
    """Whether it is one."""
    try:
        parse(text)
    except EvaluationError:
        return False
    return True


@_overload("URL.getScheme() -> string")
def _scheme(value: URL) -> str:
    return value.scheme


@_overload("URL.getHost() -> string")
def _host(value: URL) -> str:
    return value.host


@_overload("URL.getHostname() -> string")
def _hostname(value: URL) -> str:
    match = _HOST.fullmatch(value.host)
    return match["host"].strip("[]") if match else ""


@_overload("URL.getPort() -> string")
def _port(value: URL) -> str:
    match = _HOST.fullmatch(value.host)
    return match["port"] or "" if match else ""


@_overload("URL.getEscapedPath() -> string")
def _path(value: URL) -> str:
    if re.fullmatch(r"(?:[a-zA-Z0-9$&+,/:;=@!'()*~._\[\]-]|%[0-9a-fA-F]{2})*", value.raw_path):
        return value.raw_path
    return quote(unquote_to_bytes(value.raw_path), safe=_KEPT)


@_overload("URL.getQuery() -> map(string, list(string))")
def _query(value: URL) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for pair in value.query.split("&"):
        if not pair or ";" in pair or _BAD_ESCAPE.search(pair):
            continue
        name, _, text = pair.partition("=")
        name, text = (unquote_to_bytes(part.replace("+", " ")).decode(errors="replace") for part in (name, text))
        found.setdefault(name, []).append(text)
    return found
