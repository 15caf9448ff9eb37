"""Selectors: by labels, as objects (`matchLabels`, `matchExpressions`) and queries (`a=b,c in (d)`) have them, and by fields.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors and
https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/. Grammar and messages of the texts are those
of apimachinery's `labels.Parse` and `fields.ParseSelector`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from corral.api import names
from corral.api.errors import bad_request
from corral.api.fields import show
from corral.api.objects import Object

KEPT_SELECTORS = 1024
_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+)")
_SYMBOLS = frozenset(("==", "!=", "=", "!", "(", ")", ",", "<", ">"))
_OPERATORS = {"=": "=", "==": "=", "!=": "!=", "in": "in", "notin": "notin", ">": ">", "<": "<"}
_OPERATOR_NAMES = "in, notin, =, ==, !=, gt, lt"
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_TERM_OPERATORS = re.compile("!=|==|=")


def matches(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector matches `labels`. None matches nothing, an empty one everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(matches_expression(expression, labels) for expression in selector.get("matchExpressions") or ())


def matches_expression(expression: Object, labels: Mapping[str, str]) -> bool:
    """Whether one requirement holds: {key, operator, values}; In, NotIn, Exists, DoesNotExist, and nodes' Gt and Lt."""
    value = labels.get(expression["key"])
    values: list[str] = expression.get("values") or []
    match expression["operator"]:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            try:
                have, bound = int(value or ""), int(values[0])
            except (ValueError, IndexError):
                return False
            return have > bound if operator == "Gt" else have < bound
    return False


def text_of(selector: Object) -> str:
    """A LabelSelector as the text of a query, sorted by key: `app=web,tier in (a,b),!old`; '' where it selects all."""
    parts = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        key, values = expression["key"], ",".join(sorted(expression.get("values") or ()))
        shown = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}
        parts.append((key, shown.get(expression.get("operator", ""), key)))
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0]))


class Requirement(NamedTuple):
    """One term of a label selector's text. `operator` is =, !=, in, notin, exists, !, > or <; `values` are sorted."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` fulfil it."""
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
        if not _INTEGER.fullmatch(value or ""):
            return False
        have, bound = int(value or ""), int(self.values[0])
        return have > bound if self.operator == ">" else have < bound

    def __str__(self) -> str:
        match self.operator:
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case "in" | "notin":
                return f"{self.key} {self.operator} ({','.join(self.values)})"
        return f"{self.key}{self.operator}{self.values[0]}"


class FieldTerm(NamedTuple):
    """One term of a field selector."""

    field: str
    equal: bool
    value: str


@lru_cache(KEPT_SELECTORS)
def parse_labels(text: str) -> tuple[Requirement, ...]:
    """The requirements of a label selector, all of which must hold. Raises ApiError (400)."""
    return tuple(_Parser(text).parse())


@lru_cache(KEPT_SELECTORS)
def parse_fields(text: str) -> tuple[FieldTerm, ...]:
    """The terms of a field selector, all of which must hold. Raises ApiError (400)."""
    terms = []
    for part in sorted(re.findall(r"(?:\\.|[^,\\]|\\$)+", text, re.DOTALL)):
        match = _TERM_OPERATORS.search(part)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        terms.append(FieldTerm(part[: match.start()], match.group() != "!=", _unescape(part[match.end() :])))
    return tuple(terms)


def _unescape(value: str) -> str:
    made, chars = "", iter(value)
    for char in chars:
        if char == "\\":
            escaped = next(chars, "")
            if escaped not in ("\\", ",", "="):
                raise bad_request(f"invalid field selector: invalid escape sequence: \\{escaped}")
            made += escaped
        elif char in ",=":
            raise bad_request(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            made += char
    return made


class _TextError(Exception):
    """What is wrong with one requirement."""


class _Parser:
    """`in` and `notin` are words like others, except after a key."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text.partition("\0")[0])
        self._next = 0

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        while token := self._peek():
            if not _begins_requirement(token):
                raise bad_request(f"found '{token}', expected: !, identifier, or 'end of string'")
            try:
                requirements.append(self._requirement())
            except _TextError as error:
                raise bad_request(f"unable to parse requirement: {error}") from None
            self._comma()
        return requirements

    def _comma(self) -> None:
        token = self._take()
        if token not in ("", ","):
            raise bad_request(f"found '{token}', expected: ',' or 'end of string'")
        if token and not _begins_requirement(self._peek()):
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
        if not key or key in _SYMBOLS:
            raise _TextError(f"found '{key}', expected: identifier")
        _raise(_faults("<nil>", key, names.qualified_name(key)))
        if absent:
            return Requirement(key, "!")
        if self._peek() in ("", ","):
            return Requirement(key, "exists")
        token = self._take()
        operator = _OPERATORS.get(token)
        if operator is None:
            raise _TextError(f"found '{token}', expected: {_OPERATOR_NAMES}")
        values = self._values() if operator in ("in", "notin") else [self._exact_value()]
        faults = []
        if operator in ("<", ">") and not _INTEGER.fullmatch(values[0]):
            faults = _faults("values[0]", values[0], ["for 'Gt', 'Lt' operators, the value must be an integer"])
        for i, value in enumerate(values):
            faults += _faults(f"values[{i}][{key}]", value, names.label_value(value))
        _raise(faults)
        return Requirement(key, operator, tuple(values))

    def _exact_value(self) -> str:
        if self._peek() in ("", ","):
            return ""
        token = self._take()
        if token in _SYMBOLS:
            raise _TextError(f"found '{token}', expected: identifier")
        return token

    def _values(self) -> list[str]:
        token = self._take()
        if token != "(":
            raise _TextError(f"found '{token}' expected: '('")
        first = self._peek()
        if first == ")":
            self._take()
            return [""]
        if not first or (first in _SYMBOLS and first != ","):
            raise _TextError(f"found '{first}', expected: ',', ')' or identifier")
        values: set[str] = set()
        while True:
            token = self._take()
            if token == ",":
                if not values or self._peek() in (",", ")"):
                    values.add("")
            elif not token or token in _SYMBOLS:
                raise _TextError(f"found '{token}', expected: ',', or identifier")
            else:
                values.add(token)
                if self._peek() not in (",", ")"):
                    raise _TextError(f"found '{self._peek()}', expected: ',' or ')'")
            if self._peek() == ")":
                self._take()
                return sorted(values)


def _begins_requirement(token: str) -> bool:
    return token == "!" or (bool(token) and token not in _SYMBOLS)


def _faults(path: str, value: str, details: list[str]) -> list[str]:
    return [f"{path}: Invalid value: {show(value)}: {'; '.join(details)}"] if details else []


def _raise(faults: list[str]) -> None:
    if faults:
        raise _TextError(faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")


def matches_node(spec: Object, node: Object) -> bool:
    """Whether `nodeSelector` and the required node affinity of a pod's `spec` let it onto the node.

    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
    """
    labels, name = node["metadata"].get("labels") or {}, node["metadata"]["name"]
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or any(matches_node_term(term, labels, name) for term in required.get("nodeSelectorTerms") or ())


def matches_node_term(term: Object, labels: Mapping[str, str], name: str) -> bool:
    """Whether all requirements of a NodeSelectorTerm hold for a node of these labels and name; an empty one holds nowhere."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    named = {"metadata.name": name}
    return all(matches_expression(e, labels) for e in expressions) and all(matches_expression(f, named) for f in fields)
