"""The parameters of a binding: the objects of the policy's `paramKind` that it names or selects."""

from typing import TYPE_CHECKING

from corral.api import selectors
from corral.api.errors import ApiError
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.server.admission.expressions import ExpressionError

if TYPE_CHECKING:
    from corral.server.changes import Cached
    from corral.server.core import Core

NOT_FOUND = "no params found for policy binding with `Deny` parameterNotFoundAction"


class Parameters:
    """Finds parameters, in the version that policies want."""

    def __init__(self, core: "Core") -> None:
        self._core = core

    def resource(self, kind: Object) -> Resource:
        """The resource of a `paramKind`. Raises ExpressionError where the cluster has none."""
        api_version, name = kind.get("apiVersion", ""), kind.get("kind", "")
        found = self._core.catalog.of_kind(api_version, name)
        if found is None:
            group, _, version = api_version.rpartition("/")
            shown = f"{group}/{version}, Kind={name}"
            raise ExpressionError(f"failed to find resource referenced by paramKind: '{shown}'")
        return found

    async def of(self, kind: Object | None, reference: Object | None, namespace: str) -> list[Object | None]:
        """The parameters with each of which a policy is evaluated for a write in `namespace`; [None] where it has none.

        Raises ExpressionError where that is wrong.
        """
        if kind is None or reference is None:
            return [None]
        resource = self.resource(kind)
        items = self._items(resource, reference, namespace)
        if not items and reference.get("parameterNotFoundAction") == "Deny":
            raise ExpressionError(NOT_FOUND)
        try:
            await self._core.prepare(resource, items)
        except ApiError as error:
            raise ExpressionError(error.message) from None
        return [self._core.parsed(resource, item) for item in items]

    def _items(self, resource: Resource, reference: Object, namespace: str) -> "list[Cached]":
        given = reference.get("namespace") or ""
        if resource.namespaced:
            namespace = given or namespace
            if not namespace:
                raise ExpressionError("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
        elif given:
            raise ExpressionError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        else:
            namespace = ""
        collection = self._core.collection(resource)
        if reference.get("name"):
            found = collection.get(namespace, reference["name"])
            return [] if found is None else [found]
        selector = reference.get("selector")
        return [item for item in collection.list(namespace) if selectors.matches(selector, item.labels)]
