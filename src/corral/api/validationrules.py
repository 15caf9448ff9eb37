"""The validation rules of custom resources (x-kubernetes-validations): compiled from a schema, and held against objects. Pure.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules (KEP-2876);
faults that were there before are warnings (KEP-4008).
"""

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from corral.api import cel
from corral.api.cel import schemas
from corral.api.cel.estimate import estimate
from corral.api.cel.sizes import Sizes
from corral.api.fields import NO_PATH, Errors, Path
from corral.api.objects import Object

KEYWORD = "x-kubernetes-validations"
#: What the rules of one object may cost together: the reference's RuntimeCELCostBudget, about a second.
PER_OBJECT_LIMIT = 10_000_000
MESSAGE_MAX_BYTES = 5 * 1024
_SPENT = "validation failed due to running out of cost budget, no further validation rules will be run"
_MESSAGE_SPENT = (
    "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run"
)
_NO_OVERLOAD = "call arguments did not match a supported operator, function or macro signature for rule"


class Rule:
    """One rule, compiled. `fault` and `message_fault` say why it, or its messageExpression, could not be."""

    def __init__(self, given: Object, schema: Object, type_: cel.Type) -> None:
        self.given, self._schema = given, schema
        self.text = (given.get("message") or given.get("rule", "")).strip()
        self.optional_old = bool(given.get("optionalOldSelf"))
        self.program: cel.Program | None = None
        self.message_program: cel.Program | None = None
        self.fault = self.message_fault = ""
        old = cel.optional_of(type_) if self.optional_old else type_
        environment = cel.Environment({"self": type_, "oldSelf": old})
        if given.get("rule", "").strip():
            self._compile(environment, given)

    def _compile(self, environment: cel.Environment, given: Object) -> None:
        try:
            self.program = environment.compile(given["rule"])
        except cel.CompileError as error:
            self.fault = f"compilation failed: {error}"
            return
        if self.program.type != cel.BOOL:
            self.program, self.fault = None, "cel expression must evaluate to a bool"
            return
        if given.get("messageExpression"):
            try:
                self.message_program = environment.compile(given["messageExpression"])
            except cel.CompileError as error:
                self.message_fault = f"messageExpression compilation failed: {error}"
                return
            if self.message_program.type != cel.STRING:
                self.message_program, self.message_fault = None, "messageExpression must evaluate to a string"

    def costs(self, sizes: Sizes) -> tuple[int, int]:
        """What the rule and its messageExpression can cost at most, for values of these sizes; 0 where there is none."""
        variables = {"self": sizes, "oldSelf": sizes}
        programs = (self.program, self.message_program)
        rule, message = (0 if one is None else estimate(one.root, one.checked, variables).most for one in programs)
        return rule, message

    @property
    def uses_old(self) -> bool:
        """Whether it is about a change."""
        return self.program is not None and "oldSelf" in self.program.variables

    def message(self, values: Object, budget: cel.Budget) -> str:
        """What to say of a value that it does not hold for. Raises BudgetError or CostError."""
        if self.message_program is not None:
            try:
                made = self.message_program.evaluate(values, budget).strip()
            except cel.CostError:
                raise
            except cel.EvaluationError:
                made = ""
            if made and "\n" not in made and len(made.encode()) <= MESSAGE_MAX_BYTES:
                return str(made)
        message = self.given.get("message")
        return message.strip() if message else f"failed rule: {self.text}"

    def place(self, path: Path) -> str:
        """The field that faults name: the value's, or the one below it that the rule tells."""
        below = self.given.get("fieldPath")
        if not below:
            return path or NO_PATH
        for name, is_key in resolved(below, self._schema):
            path = path.key(name) if is_key else path.child(name)
        return path


class _Change:
    """A value beside the one that it had before; `known` is False where it can not be told which that was."""

    __slots__ = ("_same", "known", "new", "old", "parent")

    def __init__(self, new: Any, old: Any, parent: "_Change | None", *, known: bool) -> None:
        self.new, self.old, self.parent, self.known = new, old, parent, known
        self._same: bool | None = None

    def is_none(self) -> bool:
        """Whether nothing changed: here, or in the closest value around it whose change is known."""
        if not self.known:
            return self.parent is not None and self.parent.is_none()
        if self._same is None:
            self._same = self.new == self.old
        return self._same

    def below(self, new: Any, old: Any, *, known: bool) -> "_Change":
        return _Change(new, old, self, known=known and self.known)


class _Run:
    """The rules of one object, held against it once."""

    def __init__(self, budget: cel.Budget) -> None:
        self.errors, self.warnings = Errors(), Errors()
        self.budget = budget
        self.is_over = False

    def stop(self, place: str, why: str) -> None:
        """Tell why no more rules are looked at."""
        self.errors.invalid_here(place, why)
        self.is_over = True


class Validations:
    """The rules of a schema and of all below it; what has none is not in the tree."""

    def __init__(self, schema: Object, *, is_root: bool = False) -> None:
        self._schema, self._is_root = schema, is_root
        self.properties: dict[str, Validations] = {}
        for name, inner in (schema.get("properties") or {}).items():
            below = validations_of(inner)
            if below is not None:
                self.properties[name] = below
        items, others = schema.get("items"), schema.get("additionalProperties")
        self.items = validations_of(items) if isinstance(items, dict) else None
        self.values = validations_of(others) if isinstance(others, dict) else None
        self.keys: tuple[str, ...] = ()
        if schema.get("x-kubernetes-list-type") == "map":
            self.keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())

    @cached_property
    def rules(self) -> list[Rule]:
        """The rules of the schema itself, compiled when they are first needed."""
        return compiled(self._schema, is_root=self._is_root)

    @cached_property
    def _convert(self) -> schemas.Convert | None:
        return schemas.converter(self._schema)

    def check(
        self, value: Object, old: Object | None = None, make_budget: Callable[[float], cel.Budget] = cel.Budget
    ) -> tuple[Errors, Errors]:
        """The faults of an object, and those of values that no write changed. `old`: the object before.

        What the budget raises when it is exhausted ends the check, unless it is an error of CEL.
        """
        run = _Run(make_budget(PER_OBJECT_LIMIT))
        self._check(run, Path(), value, old, _Change(value, old, None, known=old is not None))
        return run.errors, run.warnings

    def _check(self, run: _Run, path: Path, value: Any, old: Any, change: _Change) -> None:
        if value is None or run.is_over:
            return
        if self._schema.get(KEYWORD):
            self._check_rules(run, path, value, old, change)
        if isinstance(value, list) and self.items is not None:
            before = _by_key(old, self.keys) if self.keys and isinstance(old, list) else {}
            for i, item in enumerate(value):
                known = _key(item, self.keys)
                then = before.get(known)
                self.items._check(run, path.at(i), item, then, change.below(item, then, known=bool(self.keys)))
        elif isinstance(value, dict):
            then = old if isinstance(old, dict) else {}
            for key, at, below in self._fields(path, value):
                correlated = bool(path) or key not in ("apiVersion", "kind")
                below._check(run, at, value[key], then.get(key), change.below(value[key], then.get(key), known=correlated))

    def _fields(self, path: Path, value: Object) -> Iterator[tuple[str, Path, "Validations"]]:
        if self.values is not None:
            for key in value:
                yield key, path.key(key), self.values
        for key, below in self.properties.items():
            if key in value:
                yield key, path.child(key), below

    def _check_rules(self, run: _Run, path: Path, value: Any, old: Any, change: _Change) -> None:
        convert = self._convert or (lambda given: given)
        now = convert(value)
        before = None if old is None else convert(old)
        for rule in self.rules:
            if run.is_over:
                return
            if rule.fault:
                run.errors.invalid_here(path or NO_PATH, f"rule compile error: {rule.fault}")
            if rule.program is None or (rule.uses_old and old is None and not rule.optional_old):
                continue
            values: Object = {"self": now}
            if rule.optional_old:
                values["oldSelf"] = cel.NONE if old is None else cel.Optional(before)
            elif old is not None:
                values["oldSelf"] = before
            _check_rule(run, rule, path, values, change)


def _check_rule(run: _Run, rule: Rule, path: Path, values: Object, change: _Change) -> None:
    place = path or NO_PATH
    try:
        if rule.program is None or rule.program.evaluate(values, run.budget) is True:
            return
    except cel.BudgetError:
        run.stop(place, _SPENT)
        return
    except cel.CostError as error:
        run.stop(
            place, f"'{error}': no further validation rules will be run due to call cost exceeds limit for rule: {rule.text}"
        )
        return
    except cel.EvaluationError as error:
        is_overload = str(error).startswith("no such overload")
        why = f"'{error}': {_NO_OVERLOAD}: {rule.text}" if is_overload else f"{error} evaluating rule: {rule.text}"
        run.errors.invalid_here(place, why)
        return
    try:
        message = rule.message(values, run.budget)
    except cel.BudgetError:
        run.stop(rule.place(path), _MESSAGE_SPENT)
        return
    except cel.CostError:
        shown = rule.given["messageExpression"]
        why = f'no further validation rules will be run due to call cost exceeds limit for messageExpression: "{shown}"'
        run.stop(rule.place(path), why)
        return
    faults = run.warnings if not rule.uses_old and change.is_none() else run.errors
    _add(faults, rule.place(path), message, rule.given.get("reason"))


def _add(faults: Errors, place: str, message: str, reason: str | None) -> None:
    match reason:
        case "FieldValueForbidden":
            faults.forbidden(place, message)
        case "FieldValueRequired":
            faults.required(place, message)
        case "FieldValueDuplicate":
            faults.duplicate_here(place)
        case _:
            faults.invalid_here(place, message)


def _key(item: Any, keys: tuple[str, ...]) -> Any:
    return tuple(repr(item.get(key)) for key in keys) if isinstance(item, dict) else None


def _by_key(items: list[Any], keys: tuple[str, ...]) -> dict[Any, Any]:
    return {_key(item, keys): item for item in items}


def validations_of(schema: Object, *, is_root: bool = False) -> Validations | None:
    """The rules of a schema; None if there is none in it or below."""
    made = Validations(schema, is_root=is_root)
    has_any = schema.get(KEYWORD) or made.properties or made.items is not None or made.values is not None
    return made if has_any else None


def compiled(schema: Object, *, is_root: bool = False) -> list[Rule]:
    """The rules of one schema, without those below. Raises ValueError where its values are nothing rules can speak of."""
    type_ = schemas.type_of(schema, "self", is_root=is_root)
    if type_ is None:
        open_ = "true" if schema.get("x-kubernetes-preserve-unknown-fields") else "false"
        raise ValueError(
            "rule declared on schema that does not support validation rules type: "
            f"'{schema.get('type', '')}' x-kubernetes-preserve-unknown-fields: '{open_}'"
        )
    return [Rule(rule, schema, type_) for rule in schema.get(KEYWORD) or ()]


_TOKEN = re.compile(r"'(?:\\.|[^'\\])*'|[.\[\]]|[^.\[\]]+", re.DOTALL)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def resolved(path: str, schema: Object) -> list[tuple[str, bool]]:
    """The names of a `fieldPath` (`.spec['a.b'].c`), and whether each is a key of a map, as the schema has it.

    Raises ValueError for what is no path, or leads to no field.
    """
    found, current = [], schema
    for name in _names(_TOKEN.findall(path)):
        properties, others = current.get("properties"), current.get("additionalProperties")
        is_key = properties is None and isinstance(others, dict)
        inner = others if is_key else (properties or {}).get(name)
        if inner is None:
            raise ValueError("does not refer to a valid field")
        found.append((name, is_key))
        current = inner
    return found


def _names(tokens: list[str]) -> Iterator[str]:
    rest = iter(tokens)
    for token in rest:
        if token not in (".", "["):
            raise ValueError(f"expected [ or . but got: {token}")
        name = _next(rest)
        if token == "[":
            if len(name) < 2 or name[0] != "'" or name[-1] != "'":
                raise ValueError(f"expected single quoted string but got {name}")
            name = re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), name[1:-1])
        yield name
        if token == "[":
            closing = _next(rest)
            if closing != "]":
                raise ValueError(f"expected ] but got {closing}")


def _next(tokens: Iterator[str]) -> str:
    found = next(tokens, None)
    if found is None:
        raise ValueError("unexpected end of JSON path")
    return found
