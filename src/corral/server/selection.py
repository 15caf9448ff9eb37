"""Which objects a list, watch or deletecollection wants: the selectors of its query, over cached objects.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#list-and-watch-filtering.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from corral.api.errors import ApiError, bad_request
from corral.api.objects import Object
from corral.api.resources import Resource
from corral.api.rules import Rules
from corral.api.selectors import FieldTerm, Requirement, parse_fields, parse_labels
from corral.server.changes import Cached
from corral.server.core import Core
from corral.server.paths import object_namespace
from corral.server.request import Request

_BLANK: Object = {"metadata": {}, "spec": {}, "status": {}}
KEPT_STATES = 256
METADATA_FIELDS = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class Selection:
    """Objects of one namespace ('' for all) that fulfil every term."""

    namespace: str
    labels: tuple[Requirement, ...] = ()
    fields: tuple[FieldTerm, ...] = ()
    rules: Rules | None = None
    #: Texts that the bytes of an object must hold to match: most objects are seen not to without a look inside.
    needles: tuple[bytes, ...] = ()
    #: Whose objects are looked at in the version that the request speaks of: a custom resource.
    resource: Resource | None = None
    core: Core | None = field(default=None, compare=False)

    @property
    def is_versioned(self) -> bool:
        """Whether objects must be prepared in the version of the request (`Core.prepare`) to be looked at."""
        return self.resource is not None

    @property
    def name(self) -> str:
        """The name of the only object that can match; "" where there may be others."""
        return next((term.value for term in self.fields if term.field == "metadata.name" and term.equal), "")

    @property
    def trigger(self) -> tuple[str, str] | None:
        """See `changes.Filter`."""
        for term in self.fields:
            if term.equal and (self.resource is None or term.field in METADATA_FIELDS):
                return term.field, term.value
        return ("metadata.namespace", self.namespace) if self.namespace else None

    def value_of(self, field: str, item: Cached) -> str:
        """See `changes.Filter`."""
        if field == "metadata.name":
            return item.name
        if field == "metadata.namespace":
            return item.namespace
        return self._selectable(item).get(field, "")

    def matches(self, item: Cached) -> bool:
        """Whether it wants `item`."""
        if self.namespace and item.namespace != self.namespace:
            return False
        if self.labels:
            labels = (item if self.core is None or self.resource is None else self.core.form(self.resource, item)).labels
            for requirement in self.labels:
                if not requirement.matches(labels):
                    return False
        return not self.fields or self._fields_match(item)

    def _fields_match(self, item: Cached) -> bool:
        for needle in self.needles:
            if needle not in item.raw:
                return False
        return all((self.value_of(term.field, item) == term.value) is term.equal for term in self.fields)

    def _selectable(self, item: Cached) -> Mapping[str, str]:
        assert self.rules is not None
        if self.core is None or self.resource is None:
            return _selectable(self.rules, item)
        return self.rules.selectable_fields(self.core.parsed(self.resource, item))


def selection_of(core: Core, request: Request, *, by_namespace: bool = True) -> Selection | None:
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
    resource = request.resource
    assert resource is not None
    rules = core.rules(resource)
    inner = [term for term in terms if term.field not in METADATA_FIELDS]
    _check_fields(inner, rules, resource.api_version)
    chosen = parse_labels(labels) if labels else ()
    if (inner and resource.storage_version) or (chosen and core.is_webhook_converted(resource)):
        return Selection(namespace, chosen, terms, rules, resource=resource, core=core)
    return Selection(namespace, chosen, terms, rules, tuple(_needles(inner)))


@lru_cache(KEPT_STATES)
def _selectable(rules: Rules, item: Cached) -> Mapping[str, str]:
    """What field selectors see of an object's state: many watchers ask it of each change."""
    return rules.selectable_fields(item.object)


def _needles(terms: Iterable[FieldTerm]) -> Iterator[bytes]:
    """The values that stand in an object as they stand in the selector; zero values need not stand there at all."""
    for _, equal, value in terms:
        if not equal or not value or value in ("true", "false") or value.isdigit():
            continue
        if value.isprintable() and '"' not in value and "\\" not in value:
            yield b'"%b"' % value.encode()


def _check_fields(terms: Iterable[FieldTerm], rules: Rules, api_version: str) -> None:
    known = rules.selectable_fields(_BLANK) if terms else {}
    for term in terms:
        if term.field in known:
            continue
        if known:
            raise bad_request(rules.unselectable(term.field, api_version))
        raise unselectable(term)


def unselectable(term: FieldTerm) -> ApiError:
    """400 of a field that nobody can select by, where the two of the metadata are all there are."""
    return bad_request(f'"{term.field}" is not a known field selector: only "metadata.name", "metadata.namespace"')
