"""Image names such as `nginx:1.27` or `registry.example.com/team/app@sha256:…`, taken apart.

The grammar is that of the distribution project (https://github.com/distribution/reference).
"""

import re
from typing import NamedTuple

NAME_MAX_BYTES = 255
_DOMAIN_COMPONENT = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
_PATH_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_TAG = r"[\w][\w.-]{0,127}"
_DIGEST = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}"
_REFERENCE = re.compile(rf"((?:{_DOMAIN}/)?{_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*)(?::({_TAG}))?(?:@({_DIGEST}))?", re.ASCII)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")


class ImageName(NamedTuple):
    """The parts of an image's name; `tag` is `latest` where neither tag nor digest is given."""

    repository: str
    tag: str
    digest: str


def parse(image: str) -> ImageName | None:
    """The parts of `image` with the registry filled in (`nginx` is `docker.io/library/nginx`); None if it is malformed."""
    if _IDENTIFIER.fullmatch(image):
        return None
    first, slash, _ = image.partition("/")
    is_domain = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    if not is_domain:
        image = f"docker.io/{image}" if slash else f"docker.io/library/{image}"
    elif first == "index.docker.io":
        image = "docker.io" + image[len(first) :]
    match = _REFERENCE.fullmatch(image)
    if match is None or len(match[1]) > NAME_MAX_BYTES:
        return None
    tag, digest = match[2] or "", match[3] or ""
    return ImageName(match[1], tag if tag or digest else "latest", digest)


def default_pull_policy(image: str) -> str:
    """`Always` for the tag `latest`, `IfNotPresent` for every other image."""
    parsed = parse(image)
    return "Always" if parsed is not None and parsed.tag == "latest" else "IfNotPresent"
