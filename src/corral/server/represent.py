"""How objects are shown: as they are, as rows of a table, or their metadata only; as JSON, YAML or protobuf.

See https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from msgspec import Struct
from msgspec.structs import replace

from corral.api.errors import ApiError, bad_request
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.api.rules import Rules
from corral.server.core import Core
from corral.server.negotiate import META_GROUP, OFFERED, Wanted, no_such_view, wanted
from corral.server.request import Request, Response

INCLUDES = ("", "None", "Metadata", "Object")


def wanted_by(request: Request, *, streams: bool = False, watching: bool = False) -> Wanted:
    """What the request's client accepts. Raises ApiError (406)."""
    resource = request.resource
    # The scale of a custom resource is a built-in kind.
    custom = resource is not None and bool(resource.storage_version) and request.subresource != "scale"
    want = wanted(request.headers.get("Accept", ""), streams=streams, watching=watching, custom=custom)
    if want.view == "Table" and resource is not None and "list" not in resource.verbs:
        raise no_such_view(OFFERED)  # reviews are answers, not objects in a collection: they have no rows
    return want


def partial(obj: Object, version: str) -> Object:
    """The object's metadata only."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"{META_GROUP}/{version}", "metadata": obj["metadata"]}


class Table(Struct, frozen=True):
    """Makes tables of one resource's objects. `include` is None, Metadata or Object."""

    resource: Resource
    rules: Rules
    version: str
    include: str
    now_s: float

    def of(self, objects: Sequence[Object], metadata: Object, *, with_columns: bool = True) -> Object:
        """The table of these objects."""
        return {
            "kind": "Table",
            "apiVersion": f"{META_GROUP}/{self.version}",
            "metadata": metadata,
            "columnDefinitions": self.rules.columns(self.resource) if with_columns else None,
            "rows": [self.row(obj) for obj in objects],
        }

    def at(self, now_s: float) -> "Table":
        """The same at another time: rows tell ages."""
        return replace(self, now_s=now_s)

    def row(self, obj: Object) -> Object:
        """The row of one object."""
        if self.include == "Object":
            shown: Object | None = obj
        elif self.include == "None":
            shown = None
        else:
            shown = partial(obj, self.version)
        return {"cells": self.rules.cells(obj, self.now_s), "object": shown}


def table(core: Core, request: Request, resource: Resource, want: Wanted) -> Table:
    """The maker of tables that the request asks for. Raises ApiError (400) where `includeObject` is none that is known."""
    include = request.query.get("includeObject", "")
    if include not in INCLUDES:
        raise bad_request(f'unrecognized includeObject value: "{include}"')
    return Table(resource, core.rules(resource), want.version, include, core.clock.now())


def single(core: Core, request: Request, resource: Resource, want: Wanted, obj: Object) -> Object:
    """One object in the view wanted."""
    if want.view == "Table":
        return table(core, request, resource, want).of([obj], {"resourceVersion": obj["metadata"].get("resourceVersion", "")})
    if want.view == "PartialObjectMetadata":
        return partial(obj, want.version)
    if want.view:
        raise ApiError(
            406, "NotAcceptable", f"you requested {want.view}, but the requested object is not a list ({resource.kind})"
        )
    return obj


def respond(request: Request, obj: Any, want: Wanted, status: int = 200) -> Response:
    """An answer that holds `obj`, serialized as wanted."""
    return Response(status, body(request, obj, want), want.content_type, warnings=request.warnings)


def respond_raw(request: Request, raw: bytes, want: Wanted, status: int = 200) -> Response:
    """An answer that holds the object of these JSON bytes."""
    if not is_plain(request, want):
        raw = body(request, orjson.loads(raw), want)
    return Response(status, raw, want.content_type, warnings=request.warnings)


def is_plain(request: Request, want: Wanted) -> bool:
    """Whether JSON bytes can go out as they are."""
    return want.media == "json" and not _is_pretty(request, want)


def _is_pretty(request: Request, want: Wanted) -> bool:
    """Whether JSON is indented: asked for, or for people's eyes."""
    pretty = request.query.get("pretty")
    if pretty is not None:
        return pretty not in ("false", "0")
    return want.pretty or request.headers.get("User-Agent", "").startswith(_EYES)


#: What people look at answers with (the reference's list).
_EYES = ("curl", "Wget", "Mozilla/5.0")


def body(request: Request, obj: Any, want: Wanted) -> bytes:
    """The bytes of an object."""
    if want.media == "yaml":
        return to_yaml(obj)
    if want.media == "protobuf":
        from corral.api.protobuf import encode_object

        return encode_object(obj)
    if _is_pretty(request, want):
        return orjson.dumps(obj, option=orjson.OPT_INDENT_2) + b"\n"
    return orjson.dumps(obj) + b"\n"


def to_yaml(obj: Any) -> bytes:
    """YAML as Go's sigs.k8s.io/yaml writes it: keys sorted, block style, lists not indented, texts of several lines literal."""
    import yaml

    text: str = yaml.dump(obj, Dumper=_dumper(), default_flow_style=False, sort_keys=True, allow_unicode=True, width=2**31 - 1)
    return text.encode()


@cache
def _dumper() -> Any:
    import yaml

    base = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

    class Dumper(base):  # type: ignore[misc, valid-type]
        """Quotes what would read as something else than a text as Go does: with double quotes."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def represent(dumper: Any, text: str) -> Any:
        tag = "tag:yaml.org,2002:str"
        if "\n" in text:
            return dumper.represent_scalar(tag, text, style="|")
        plain = dumper.resolve(yaml.ScalarNode, text, (True, False)) == tag
        return dumper.represent_scalar(tag, text, style=None if plain else '"')

    Dumper.add_representer(str, represent)
    return Dumper
