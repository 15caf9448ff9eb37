"""Which objects a list, watch or deletecollection wants: the selectors of its query, over cached objects.

The grammar and the messages are those of apimachinery's `labels.Parse` and `fields.ParseSelector`; see
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#list-and-watch-filtering.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from corral.api import names
from corral.api.errors import bad_request
from corral.api.fields import Errors
from corral.api.objects import Object
from corral.api.rules import Rules
from corral.server.cache import Cached
from corral.server.paths import object_namespace
from corral.server.request import Request

_TOKEN = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_OPERATORS = {"=": "=", "==": "=", "!=": "!=", "in": "in", "notin": "notin", ">": ">", "<": "<"}
_OPERATOR_NAMES = "in, notin, =, ==, !=, gt, lt"
_SPECIAL = frozenset("=!(),<>") | {"==", "!="}
_BLANK: Object = {"metadata": {}, "spec": {}, "status": {}}
_METADATA_FIELDS = ("metadata.name", "metadata.namespace")
KEPT_SELECTORS = 1024


class Requirement(NamedTuple):
    """One term of a label selector. `operator` is =, !=, in, notin, exists, !, > or <."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether labels fulfil it."""
        value = labels.get(self.key)
        match self.operator:
            case "=" | "in":
                return value is not None and value in self.values
            case "!=" | "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        try:
            have, bound = int(value or ""), int(self.values[0])
        except ValueError:
            return False
        return have > bound if self.operator == ">" else have < bound


class FieldTerm(NamedTuple):
    """One term of a field selector."""

    field: str
    equal: bool
    value: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Objects of one namespace ('' for all) that fulfil every term."""

    namespace: str
    labels: tuple[Requirement, ...] = ()
    fields: tuple[FieldTerm, ...] = ()
    rules: Rules | None = None

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
        others: Mapping[str, str] | None = None
        for term in self.fields:
            if term.field == "metadata.name":
                have = item.name
            elif term.field == "metadata.namespace":
                have = item.namespace
            else:
                if others is None:
                    assert self.rules is not None
                    others = self.rules.selectable_fields(item.object)
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
    return Selection(namespace, parse_labels(labels) if labels else (), terms, rules)


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


@lru_cache(KEPT_SELECTORS)
def parse_fields(text: str) -> tuple[FieldTerm, ...]:
    """The terms of a field selector. Raises ApiError (400)."""
    terms = []
    for part in re.split(r"(?<!\\),", text):
        if not part:
            continue
        for operator in ("!=", "==", "="):
            field, found, value = part.partition(operator)
            if found:
                terms.append(FieldTerm(field, operator != "!=", re.sub(r"\\([\\,=])", r"\1", value)))
                break
        else:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
    return tuple(terms)


@lru_cache(KEPT_SELECTORS)
def parse_labels(text: str) -> tuple[Requirement, ...]:
    """The requirements of a label selector. Raises ApiError (400)."""
    return tuple(_Parser(text).parse())


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        self._next = 0

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        if not self._tokens:
            return requirements
        if self._peek() in _SPECIAL - {"!"}:
            raise bad_request(f"found '{self._peek()}', expected: !, identifier, or 'end of string'")
        while True:
            try:
                requirements.append(self._requirement())
            except _SyntaxError as error:
                raise bad_request(f"unable to parse requirement: {error}") from None
            token = self._take()
            if not token:
                return requirements
            if token != ",":
                raise bad_request(f"found '{token}', expected: ',' or 'end of string'")
            if not self._peek() or self._peek() in _SPECIAL - {"!"}:
                raise bad_request(f"found '{self._peek()}', expected: identifier after ','")

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def _requirement(self) -> Requirement:
        key = self._take()
        absent = key == "!"
        if absent:
            key = self._take()
        if not key or key in _SPECIAL:
            raise _SyntaxError(f"found '{key}', expected: identifier")
        _check("key", key, names.qualified_name(key))
        if absent:
            return Requirement(key, "!")
        if self._peek() in ("", ","):
            return Requirement(key, "exists")
        token = self._take()
        operator = _OPERATORS.get(token)
        if operator is None:
            raise _SyntaxError(f"found '{token}', expected: {_OPERATOR_NAMES}")
        values = self._values() if operator in ("in", "notin") else (self._exact_value(),)
        if operator in ("<", ">") and not re.fullmatch(r"[+-]?\d+", values[0]):
            errors = Errors()
            errors.invalid("values[0]", values[0], "for 'Gt', 'Lt' operators, the value must be an integer")
            raise _SyntaxError(str(errors.items[0]))
        for i, value in enumerate(values):
            _check(f"values[{i}][{key}]", value, names.label_value(value))
        return Requirement(key, operator, values)

    def _exact_value(self) -> str:
        if self._peek() in ("", ","):
            return ""
        token = self._take()
        if token in _SPECIAL:
            raise _SyntaxError(f"found '{token}', expected: identifier")
        return token

    def _values(self) -> tuple[str, ...]:
        token = self._take()
        if token != "(":
            raise _SyntaxError(f"found '{token}' expected: '('")
        values = []
        if self._peek() == ")":
            self._take()
            return ("",)
        while True:
            values.append("" if self._peek() in (",", ")") else self._take())
            token = self._take()
            if token == ")":
                return tuple(sorted(set(values)))
            if token != ",":
                raise _SyntaxError(f"found '{token}', expected: ',', or ')'")


class _SyntaxError(Exception):
    pass


def _check(path: str, value: str, faults: list[str]) -> None:
    if faults:
        errors = Errors()
        errors.invalid(path, value, "; ".join(faults))
        raise _SyntaxError(str(errors.items[0]))
