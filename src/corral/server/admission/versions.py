"""Objects of a write in the version that a webhook or policy speaks, and what it made of them back in the write's own.

Subresources with a kind of their own (Scale, Binding, Eviction, ...) have one version only.
"""

from typing import TYPE_CHECKING, Any

from corral.api.errors import internal
from corral.api.golang import DecodeError, read
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.request import Admission

if TYPE_CHECKING:
    from corral.server.core import Core


class Versions:
    """The objects of writes in other versions."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    def equivalents(self, resource: Resource) -> tuple[Resource, ...]:
        """The other served versions of a resource (KEP-906)."""
        return self._core.equivalents(resource)

    @property
    def catalog_version(self) -> int:
        """Changes whenever `equivalents` may."""
        return self._core.catalog_version

    async def shown(self, obj: Object | None, target: Resource) -> Object | None:
        """`obj` in the version of `target`: not to be changed. Raises ApiError (500) where it cannot be converted."""
        if obj is None or obj.get("kind") != target.kind or obj.get("apiVersion") == target.api_version:
            return obj
        return await self._core.converted(obj, target)

    def typed(self, value: Any, like: Object, target: Resource, *, strict: bool = False) -> Object:
        """What a change made of `like`, with the types of its version; `strict` refuses unknown fields. Raises ApiError."""
        if not isinstance(value, dict):
            raise internal("json: cannot unmarshal the patched object into Go value of type map[string]interface {}")
        kind, api_version = like.get("kind", ""), like.get("apiVersion", "")
        if (value.get("kind"), value.get("apiVersion")) != (kind, api_version):
            said = f"{value.get('apiVersion')}, Kind={value.get('kind')}"
            raise internal(f'the patched object says it is a "{said}", and not a "{api_version}, Kind={kind}"')
        try:
            made, wrong = read(value, self._core.schema_of(target, api_version, kind))
        except DecodeError as error:
            raise internal(str(error)) from None
        if strict and wrong:
            raise internal(f"strict decoding error: {', '.join(wrong)}")
        made["kind"], made["apiVersion"] = kind, api_version
        made.setdefault("metadata", {})
        return dict(made)

    async def take(self, admission: Admission, made: Object) -> None:
        """Make `made` (in any version) the object of the write, with its defaults."""
        own, resource = admission.object, admission.resource
        assert own is not None
        is_whole = made.get("kind") == resource.kind
        if made.get("apiVersion") != own.get("apiVersion"):
            made = await self._core.converted(made, resource)
        if is_whole:
            self._core.rules(resource).default(made)
        own.clear()
        own.update(made)
