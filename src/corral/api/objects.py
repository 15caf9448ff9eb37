"""JSON-shaped objects: the type, keys, and parsing on demand.

An object is a plain dict as the API shows it. Objects that come from a cache are shared: they are read, never changed.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import orjson

Object = dict[str, Any]

#: How many parsed objects a process keeps, unless `keep_parsed` says otherwise; some 15 kB each.
PARSED_OBJECTS_KEPT = 256


class Key(NamedTuple):
    """Namespace ('' for cluster-scoped objects) and name."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def key_of(obj: Object) -> Key:
    """The key of an object that has a name."""
    meta = obj["metadata"]
    return Key(meta.get("namespace", ""), meta["name"])


_kept = lru_cache(maxsize=PARSED_OBJECTS_KEPT)(orjson.loads)


def parse(raw: bytes) -> Object:
    """The object of these bytes, shared by all who ask: never change it (but a `copied` one)."""
    obj: Object = _kept(raw)
    return obj


def keep_parsed(count: int) -> None:
    """Keep only `count` parsed objects in this process: one that looks at few objects has better use for its memory."""
    global _kept  # noqa: PLW0603 - one cache a process
    _kept = lru_cache(maxsize=count)(orjson.loads)


def copied(value: Any) -> Any:
    """A JSON value of one's own, to change. Several times faster than copy.deepcopy, which expects more than trees."""
    if isinstance(value, dict):
        return {key: copied(item) if isinstance(item, dict | list) else item for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) if isinstance(item, dict | list) else item for item in value]
    return value


def controller_of(obj: Object) -> Object | None:
    """The owner reference with `controller: true`, if there is one."""
    for owner in obj["metadata"].get("ownerReferences", ()):
        if owner.get("controller"):
            return dict(owner)
    return None
