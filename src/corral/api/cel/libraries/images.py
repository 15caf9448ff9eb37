"""References to container images: Kubernetes' image library. https://github.com/distribution/reference"""

import re
from dataclasses import dataclass

from corral.api.cel.costs import traversed
from corral.api.cel.errors import EvaluationError
from corral.api.cel.functions import Library
from corral.api.cel.types import OPAQUE
from corral.api.cel.values import Opaque

LIBRARY = Library()
_overload = LIBRARY.overload
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
#: Every repeated part is separated from the next one by a character that it can not hold, so matching stays linear.
_REFERENCE = re.compile(
    rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_PART}(?:/{_PART})*)(?::(?P<tag>[\w][\w.-]{{0,127}}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_MAX_CHARS = 1024


@dataclass(frozen=True, slots=True)
class Image(Opaque):
    """The parts of a reference, made whole: `docker.io` and `library/` where they are implied."""

    cel_type = OPAQUE["Image"]
    registry: str
    repository: str
    tag: str
    digest: str


def parse(text: str) -> Image:
    """The reference that a text is. Raises EvaluationError."""
    match = _REFERENCE.fullmatch(text) if len(text) <= _MAX_CHARS else None
    if match is None:
        raise EvaluationError("could not parse image reference: invalid reference format")
    domain, path = match["domain"] or "", match["path"]
    if domain and not re.search("[.:A-Z]", domain) and domain != "localhost":
        domain, path = "", f"{domain}/{path}"
    if not domain or domain in ("docker.io", "index.docker.io"):
        domain, path = "docker.io", path if "/" in path else f"library/{path}"
    tag, digest = match["tag"] or "", match["digest"] or ""
    return Image(domain, path, tag if tag or digest else "latest", digest)


@_overload("image(string) -> Image", cost=traversed)
def image(text: str) -> Image:
    """The reference that a text is."""
    return parse(text)


@_overload("isImage(string) -> bool", cost=traversed)
def is_image(text: str) -> bool:
    """Whether it is one."""
    try:
        parse(text)
    except EvaluationError:
        return False
    return True


@_overload("Image.registry() -> string")
def _registry(value: Image) -> str:
    return value.registry


@_overload("Image.repository() -> string")
def _repository(value: Image) -> str:
    return value.repository


@_overload("Image.identifier() -> string")
def _identifier(value: Image) -> str:
    return value.digest or value.tag


@_overload("Image.tag() -> string")
def _tag(value: Image) -> str:
    return value.tag


@_overload("Image.digest() -> string")
def _digest(value: Image) -> str:
    return value.digest


@_overload("Image.containsDigest() -> bool")
def _contains_digest(value: Image) -> bool:
    return bool(value.digest)
