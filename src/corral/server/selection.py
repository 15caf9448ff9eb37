"""Which objects a list, watch or deletecollection wants: the selectors of its query, over cached objects.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#list-and-watch-filtering.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from corral.api.errors import bad_request
from corral.api.objects import Object
from corral.api.rules import Rules
from corral.api.selectors import FieldTerm, Requirement, parse_fields, parse_labels
from corral.server.changes import Cached
from corral.server.paths import object_namespace
from corral.server.request import Request

_BLANK: Object = {"metadata": {}, "spec": {}, "status": {}}
KEPT_STATES = 256
_METADATA_FIELDS = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class Selection:
    """Objects of one namespace ('' for all) that fulfil every term."""

    namespace: str
    labels: tuple[Requirement, ...] = ()
    fields: tuple[FieldTerm, ...] = ()
    rules: Rules | None = None
    #: Texts that the bytes of an object must hold to match: most objects are seen not to without a look inside.
    needles: tuple[bytes, ...] = ()

    @property
    def name(self) -> str:
        """The name of the only object that can match; "" where there may be others."""
        return next((term.value for term in self.fields if term.field == "metadata.name" and term.equal), "")

    def matches(self, item: Cached) -> bool:
        """Whether it wants `item`."""
        if self.namespace and item.namespace != self.namespace:
            return False
        if self.labels:
            labels = item.labels
            for requirement in self.labels:
                if not requirement.matches(labels):
                    return False
        return not self.fields or self._fields_match(item)

    def _fields_match(self, item: Cached) -> bool:
        for needle in self.needles:
            if needle not in item.raw:
                return False
        others: Mapping[str, str] | None = None
        for term in self.fields:
            if term.field == "metadata.name":
                have = item.name
            elif term.field == "metadata.namespace":
                have = item.namespace
            else:
                if others is None:
                    assert self.rules is not None
                    others = _selectable(self.rules, item)
                have = others.get(term.field, "")
            if (have == term.value) is not term.equal:
                return False
        return True


def selection_of(request: Request, rules: Rules, *, by_namespace: bool = True) -> Selection | None:
    """What a request selects, None for everything there is. Raises ApiError (400).

    Without `by_namespace` the objects are known to be of the right one.
    """
    namespace = object_namespace(request) if by_namespace else ""
    labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
    terms = parse_fields(fields) if fields else ()
    if request.name and not fields:
        # A legacy watch of one object: /api/v1/watch/namespaces/NS/pods/NAME.
        terms = (FieldTerm("metadata.name", True, request.name),)
    if not namespace and not labels and not terms:
        return None
    _check_fields(terms, rules)
    return Selection(namespace, parse_labels(labels) if labels else (), terms, rules, tuple(_needles(terms)))


@lru_cache(KEPT_STATES)
def _selectable(rules: Rules, item: Cached) -> Mapping[str, str]:
    """What field selectors see of an object's state: many watchers ask it of each change."""
    return rules.selectable_fields(item.object)


def _needles(terms: Iterable[FieldTerm]) -> Iterator[bytes]:
    """The values that stand in an object as they stand in the selector; zero values need not stand there at all."""
    for field, equal, value in terms:
        if field in _METADATA_FIELDS or not equal or not value or value in ("true", "false") or value.isdigit():
            continue
        if value.isprintable() and '"' not in value and "\\" not in value:
            yield value.encode()


def _check_fields(terms: tuple[FieldTerm, ...], rules: Rules) -> None:
    wanted = [term.field for term in terms if term.field not in _METADATA_FIELDS]
    if not wanted:
        return
    known = rules.selectable_fields(_BLANK)
    for field in wanted:
        if field in known:
            continue
        if known:
            raise bad_request(f"field label not supported: {field}")
        raise bad_request(f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"')
