"""What the client wants its answer as: media type, and table or metadata-only views.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#alternate-representations-of-resources.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from corral.api.errors import ApiError

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
OFFERED = (JSON, YAML, PROTOBUF)

META_GROUP = "meta.k8s.io"
KEPT_HEADERS = 512

As = Literal["", "Table", "PartialObjectMetadata", "PartialObjectMetadataList"]
Media = Literal["json", "yaml", "protobuf"]

#: The watches that are offered: YAML has no frames.
_STREAMS = (f"{JSON};stream=watch", f"{PROTOBUF};stream=watch")


class Wanted(Struct, frozen=True):
    """How an answer is wanted. `version` is that of the meta group for tables and metadata (v1, v1beta1)."""

    media: Media = "json"
    view: As = ""
    version: str = "v1"
    #: Indented, as the parameter `pretty` of a media type asks.
    pretty: bool = False

    @property
    def content_type(self) -> str:
        """The Content-Type of the answer."""
        return _CONTENT_TYPES[self.media]


_CONTENT_TYPES = {"json": JSON, "yaml": YAML, "protobuf": PROTOBUF}
AS_JSON = Wanted()


class _Clause(Struct, frozen=True):
    media: str
    parameters: Mapping[str, str]
    quality: float


@lru_cache(KEPT_HEADERS)
def _clauses(accept: str) -> list[_Clause]:
    clauses = []
    for text in accept.split(","):
        media, *rest = [part.strip() for part in text.split(";")]
        parameters = {}
        quality = 1.0
        for part in rest:
            name, _, value = part.partition("=")
            if name == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 1.0
            else:
                parameters[name] = value
        if media:
            clauses.append(_Clause(media.lower(), parameters, quality))
    return sorted(clauses, key=lambda clause: -clause.quality)


@lru_cache(KEPT_HEADERS)
def wanted(accept: str, *, streams: bool = False, watching: bool = False, views: bool = True, custom: bool = False) -> Wanted:
    """What the `Accept` header asks for. Raises ApiError (406).

    `streams`: the path can also be watched; `watching`: it is. `custom`: the objects are of a custom resource and have no
    protobuf form (their metadata has).
    """
    clauses = _clauses(accept)
    if not clauses:
        return AS_JSON
    known = False
    for clause in clauses:
        media = _media(clause.media)
        if media is None:
            continue
        known = True
        if watching and media == "yaml":
            continue
        found = _view(media, clause.parameters, views, custom)
        if found is not None:
            return found
    if known:
        raise no_such_view(_STREAMS if watching else OFFERED)
    raise not_acceptable(*OFFERED, *(_STREAMS if streams else ()))


#: The forms of discovery that are offered (KEP-3352): all groups in one document.
_AGGREGATED = {"g": "apidiscovery.k8s.io", "v": "v2", "as": "APIGroupDiscoveryList"}


@lru_cache(KEPT_HEADERS)
def wanted_discovery(accept: str) -> tuple[Wanted, bool]:
    """How `/api` or `/apis` is wanted, and whether aggregated. Raises ApiError (406)."""
    for clause in _clauses(accept):
        media = _media(clause.media)
        if media is not None and {name: clause.parameters.get(name) for name in _AGGREGATED} == _AGGREGATED:
            return Wanted(media), True
        if media is not None and "as" not in clause.parameters:
            break
    plain = ",".join(clause.media for clause in _clauses(accept) if "as" not in clause.parameters)
    return wanted(plain, views=False), False


def no_such_view(accepted: tuple[str, ...]) -> ApiError:
    """406 of what cannot be shown so."""
    return ApiError(406, "NotAcceptable", f"only the following media types are accepted: {', '.join(accepted)}")


def not_acceptable(*offered: str) -> ApiError:
    """406 of a path that has none of the media types asked for."""
    message = f"406: Not Acceptable\n\nAvailable representations: {', '.join(offered)}"
    return ApiError(406, "NotAcceptable", message, {})


def accepts(accept: str, media: str) -> bool:
    """Whether the header lets the answer be `media`."""
    kind = media.split("/", maxsplit=1)[0]
    return not accept or any(clause.media in (media, "*/*", f"{kind}/*") for clause in _clauses(accept))


def _media(media: str) -> Media | None:
    if media in (JSON, "*/*", "application/*"):
        return "json"
    if media == YAML:
        return "yaml"
    return "protobuf" if media == PROTOBUF else None


def _view(media: Media, parameters: Mapping[str, str], views: bool, custom: bool) -> Wanted | None:
    if parameters.get("stream", "watch") != "watch":
        return None
    pretty = parameters.get("pretty") == "1"
    view = parameters.get("as", "")
    if not view:
        if custom and media == "protobuf":
            return None
        return AS_JSON if media == "json" and not pretty else Wanted(media, pretty=pretty)
    if not views or parameters.get("g") != META_GROUP or parameters.get("v") not in ("v1", "v1beta1"):
        return None
    if view == "Table":
        return None if media == "protobuf" else Wanted(media, "Table", parameters["v"], pretty)
    if view == "PartialObjectMetadata":
        return Wanted(media, "PartialObjectMetadata", parameters["v"], pretty)
    if view == "PartialObjectMetadataList":
        return Wanted(media, "PartialObjectMetadataList", parameters["v"], pretty)
    return None
