"""What the client wants its answer as: media type, and table or metadata-only views.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from corral.api.errors import ApiError

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
OFFERED = (JSON, YAML, PROTOBUF)

META_GROUP = "meta.k8s.io"
KEPT_HEADERS = 512

As = Literal["", "Table", "PartialObjectMetadata", "PartialObjectMetadataList"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How an answer is wanted. `version` is that of the meta group for tables and metadata (v1, v1beta1)."""

    media: Literal["json", "yaml"] = "json"
    view: As = ""
    version: str = "v1"


AS_JSON = Wanted()


@dataclass(frozen=True, slots=True)
class _Clause:
    media: str
    parameters: tuple[tuple[str, str], ...]
    quality: float


@lru_cache(KEPT_HEADERS)
def _clauses(accept: str) -> list[_Clause]:
    clauses = []
    for text in accept.split(","):
        media, *rest = [part.strip() for part in text.split(";")]
        parameters = []
        quality = 1.0
        for part in rest:
            name, _, value = part.partition("=")
            if name == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 1.0
            else:
                parameters.append((name, value))
        if media:
            clauses.append(_Clause(media.lower(), tuple(parameters), quality))
    return sorted(clauses, key=lambda clause: -clause.quality)


@lru_cache(KEPT_HEADERS)
def wanted(accept: str, *, streams: bool = False, views: bool = True) -> Wanted:
    """What the `Accept` header asks for. `streams`: the path can also be watched. Raises ApiError (406)."""
    clauses = _clauses(accept)
    if not clauses:
        return AS_JSON
    known = False
    for clause in clauses:
        media = _media(clause.media)
        if media is None:
            continue
        known = True
        found = _view(media, dict(clause.parameters), views)
        if found is not None:
            return found
    if known:
        raise ApiError(406, "NotAcceptable", f"only the following media types are accepted: {', '.join(OFFERED)}")
    raise not_acceptable(*OFFERED, *(f"{media};stream=watch" for media in (JSON, PROTOBUF) if streams))


def not_acceptable(*offered: str) -> ApiError:
    """406 of a path that has none of the media types asked for."""
    message = f"406: Not Acceptable\n\nAvailable representations: {', '.join(offered)}"
    return ApiError(406, "NotAcceptable", message, {})


def accepts(accept: str, media: str) -> bool:
    """Whether the header lets the answer be `media`."""
    kind = media.split("/", maxsplit=1)[0]
    return not accept or any(clause.media in (media, "*/*", f"{kind}/*") for clause in _clauses(accept))


def _media(media: str) -> Literal["json", "yaml"] | None:
    if media in (JSON, "*/*", "application/*"):
        return "json"
    return "yaml" if media == YAML else None


def _view(media: Literal["json", "yaml"], parameters: dict[str, str], views: bool) -> Wanted | None:
    view = parameters.get("as", "")
    if not view:
        return AS_JSON if media == "json" else Wanted("yaml")
    if not views or parameters.get("g") != META_GROUP or parameters.get("v") not in ("v1", "v1beta1"):
        return None
    if view == "Table":
        return Wanted(media, "Table", parameters["v"])
    if view == "PartialObjectMetadata":
        return Wanted(media, "PartialObjectMetadata", parameters["v"])
    if view == "PartialObjectMetadataList":
        return Wanted(media, "PartialObjectMetadataList", parameters["v"])
    return None
