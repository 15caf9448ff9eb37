"""Sprig's functions of URLs and hosts: Go's net/url."""

import re
from urllib.parse import quote, unquote

from corral.base.annotations import Any
from corral.base.patterns import pattern
from corral.charts.render.errors import FunctionError
from corral.charts.render.functions import MAP, Table
from corral.charts.render.gotypes import decoded, encoded, kind
from corral.charts.render.strconv import quote as quoted

FUNCTIONS = Table()
_SCHEME = pattern(r"[A-Za-z][A-Za-z0-9+.-]*")
_BAD_ESCAPE = pattern(r"%(?![0-9A-Fa-f]{2}).{0,2}")
_CONTROL = pattern("[\x00-\x1f\x7f]")
_PATH_SAFE = "$&+,/:;=@~"
_FRAGMENT_SAFE = "$&+,/:;=?@!()*~"
_USER_SAFE = "$&+,;=~"


def parse(text: str) -> dict[str, Any]:
    """url.Parse. Raises ValueError in Go's words."""
    if _CONTROL.search(text):
        raise ValueError(f"parse {quoted(text)}: net/url: invalid control character in URL")
    rest, _, fragment = text.partition("#")
    scheme, rest = _scheme(text, rest)
    rest, _, query = rest.partition("?")
    made = {"scheme": scheme.lower(), "host": "", "hostname": "", "path": "", "query": query, "opaque": "", "userinfo": ""}
    made["fragment"] = _unescaped(text, fragment)
    if not rest.startswith("/"):
        if scheme:
            made["opaque"] = rest
            return made
        if ":" in rest.split("/", 1)[0]:
            raise ValueError(f"parse {quoted(text)}: first path segment in URL cannot contain colon")
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        rest = slash + path
        made["userinfo"], made["host"] = _authority(text, authority)
        made["hostname"] = _hostname(made["host"])
    made["path"] = _unescaped(text, rest)
    return made


def _scheme(text: str, rest: str) -> tuple[str, str]:
    match = _SCHEME.match(rest)
    if match and rest[match.end() : match.end() + 1] == ":":
        return match[0], rest[match.end() + 1 :]
    if rest.startswith(":"):
        raise ValueError(f"parse {quoted(text)}: missing protocol scheme")
    return "", rest


def _unescaped(text: str, part: str) -> str:
    bad = _BAD_ESCAPE.search(part)
    if bad:
        raise ValueError(f"parse {quoted(text)}: invalid URL escape {quoted(decoded(encoded(part[bad.start() :])[:3]))}")
    return unquote(part, errors="surrogateescape")


def _authority(text: str, authority: str) -> tuple[str, str]:
    user, at, host = authority.rpartition("@")
    port = re.search(r":([^:\]]*)$", host)
    if port and not port[1].isdigit() and port[1] and not host.endswith("]"):
        raise ValueError(f"parse {quoted(text)}: invalid port {quoted(':' + port[1])} after host")
    if " " in host:
        raise ValueError(f'parse {quoted(text)}: invalid character " " in host name')
    if not at:
        return "", _unescaped(text, host)
    name, colon, password = user.partition(":")
    name, password = _unescaped(text, name), _unescaped(text, password)
    shown = quote(name, safe=_USER_SAFE) + (colon + quote(password, safe=_USER_SAFE) if colon else "")
    return shown, _unescaped(text, host)


def _hostname(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return re.sub(r":\d*$", "", host)


@FUNCTIONS.add("urlParse", "string")
def _url_parse(text: str) -> dict[str, Any]:
    try:
        return parse(text)
    except ValueError as error:
        raise FunctionError(f"unable to parse url: {error}") from None


def _part(values: dict[str, Any], key: str) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise FunctionError(f"unable to parse {key} key, must be of type string, but {kind(value)} found")
    return value


@FUNCTIONS.add("urlJoin", MAP)
def _url_join(values: dict[str, Any]) -> str:
    keys = ("scheme", "host", "path", "query", "opaque", "fragment", "userinfo")
    scheme, host, path, query, opaque, fragment, userinfo = (_part(values, key) for key in keys)
    if userinfo:
        try:
            userinfo = parse(f"proto://{userinfo}@host")["userinfo"]
        except ValueError as error:
            raise FunctionError(f"unable to parse userinfo in dict: {error}") from None
    made = f"{scheme}:" if scheme else ""
    if opaque:
        made += opaque
    else:
        if scheme or host or userinfo:
            if host or path or userinfo:
                made += (
                    "//" if host or userinfo or path.startswith("//") or not scheme else ("//" if path.startswith("/") else "")
                )
            made += f"{userinfo}@" if userinfo else ""
            made += quote(host, safe="!$&'()*+,;=:[]<>\"~")
        escaped = quote(path, safe=_PATH_SAFE)
        if escaped and escaped[0] != "/" and host:
            made += "/"
        made += escaped
    made += f"?{query}" if query else ""
    return made + (f"#{quote(fragment, safe=_FRAGMENT_SAFE)}" if fragment else "")


@FUNCTIONS.add("getHostByName", "string", wants_run=True)
def _get_host_by_name(run: Any, name: str) -> str:
    return str(run.options.resolve_host(name))
