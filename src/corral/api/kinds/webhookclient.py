"""How a webhook is reached: by a URL or as a Service."""

from urllib.parse import urlsplit

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.objects import Object

FORM = "; desired format: https://host[/path]"


def check_url(errs: Errors, url: str, path: Path) -> None:
    """An https URL of a host and a path only."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        errs.required(path, f"url must be a valid URL: {error}{FORM}")
        return
    if parts.scheme != "https":
        errs.invalid(path, parts.scheme, f"'https' is the only allowed URL scheme{FORM}")
    user, at_sign, host = parts.netloc.rpartition("@")
    if not host:
        errs.invalid(path, host, f"host must be specified{FORM}")
    if at_sign:
        errs.invalid(path, user, "user information is not permitted in the URL")
    if parts.fragment:
        errs.invalid(path, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        errs.invalid(path, parts.query, "query parameters are not permitted in the URL")


def check_service(errs: Errors, service: Object, path: Path) -> None:
    """A Service by namespace and name, its port, and the path there."""
    for field in ("name", "namespace"):
        if not service.get(field):
            errs.required(path.child(field), f"service {field} is required")
    port = service.get("port", 0)
    wrong = names.port_number(port)
    if wrong:
        errs.invalid(path.child("port"), port, f"port is not valid: {','.join(wrong)}")
    url_path, at = service.get("path") or "", path.child("path")
    if url_path in ("", "/"):
        return
    if url_path == "//":
        errs.invalid(at, url_path, "segment[0] may not be empty")
        return
    if not url_path.startswith("/"):
        errs.invalid(at, url_path, "must start with a '/'")
    for i, step in enumerate(url_path[1:].removesuffix("/").split("/")):
        if not step:
            errs.invalid(at, url_path, f"segment[{i}] may not be empty")
        else:
            errs.each(at, url_path, [f"segment[{i}]: {fault}" for fault in names.dns_subdomain(step)])
