"""Remembers which webhooks or policies a kind of request concerns: rules name operations and resources, few are asked about."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from corral.api.resources import Resource
from corral.server.admission.versions import Versions
from corral.server.request import Admission

Found = TypeVar("Found")


class Concerned(Generic[Found]):
    """What `find` gives for an operation, a resource as it is asked for and a subresource, until something changes."""

    def __init__(self, versions: Versions, find: Callable[[str, Resource, str], Iterable[Found]]) -> None:
        self._versions = versions
        self._find = find
        self._catalog_seen = -1
        self._known: dict[tuple[str, Resource, str], tuple[Found, ...]] = {}

    def forget(self) -> None:
        """Rules have changed."""
        self._known.clear()

    def by(self, admission: Admission) -> tuple[Found, ...]:
        """Those that a request concerns."""
        if self._catalog_seen != self._versions.catalog_version:
            self._catalog_seen = self._versions.catalog_version
            self._known.clear()
        key = (admission.operation, admission.asked or admission.resource, admission.subresource)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = tuple(self._find(*key))
        return found
