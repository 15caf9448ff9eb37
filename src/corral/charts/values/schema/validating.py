"""Values against a schema.

Of schemas of which one has to hold (`anyOf`, `oneOf`, `contains`), those faults are told which the values come closest to:
what holds gives a point, what does not takes one.
"""

from math import isfinite

from corral.base.annotations import TYPE_CHECKING, Any, Callable, Iterable
from corral.charts.render import gojson
from corral.charts.render.gotypes import encoded
from corral.charts.render.strconv import format_float
from corral.charts.values.schema.reading import Document

if TYPE_CHECKING:
    from fractions import Fraction

ROOT = "(root)"


class Outcome:
    """The faults found so far, as (place, text), and how near the values came."""

    __slots__ = ("faults", "score")

    def __init__(self) -> None:
        self.faults: list[tuple[str, str]] = []
        self.score = 0

    def add(self, where: str, text: str) -> None:
        """A fault."""
        self.faults.append((where, text))
        self.score -= 2

    def merge(self, other: "Outcome") -> None:
        """All that was found elsewhere."""
        self.faults += other.faults
        self.score += other.score


def validate(document: Document, values: Any, outcome: Outcome) -> None:
    """Look at values."""
    _Validator(document).look(document.root, values, ROOT, outcome)


class _Validator:
    def __init__(self, document: Document) -> None:
        self.document = document

    def look(self, schema: Any, value: Any, where: str, outcome: Outcome) -> None:
        """One value against one schema."""
        schema = self.document.followed(schema)
        if isinstance(schema, bool):
            if not schema:
                outcome.add(where, "False always fails validation")
            return
        wanted = schema.get("type")
        given = _type(value)
        if wanted:
            names = [wanted] if isinstance(wanted, str) else wanted
            if given not in names and not (given == "integer" and "number" in names):
                expected = wanted if isinstance(wanted, str) else wanted[0] if len(wanted) == 1 else f"[{','.join(wanted)}]"
                outcome.add(where, f"Invalid type. Expected: {expected}, given: {given}")
                return
        self._combined(schema, value, where, outcome)
        if isinstance(value, dict):
            self._table(schema, value, where, outcome)
        elif isinstance(value, list):
            self._list(schema, value, where, outcome)
        elif given in ("integer", "number"):
            _number(self.document, schema, value, where, outcome)
        self._common(schema, value, where, outcome)
        if isinstance(value, str):
            _string(schema, value, where, outcome)
        elif isinstance(value, dict):
            for name in sorted(schema.get("properties", {}).keys() & value.keys()):
                self.look(schema["properties"][name], value[name], _in(where, name), outcome)
        outcome.score += 1

    def apart(self, schema: Any, value: Any, where: str) -> Outcome:
        """The outcome of one value against one schema."""
        outcome = Outcome()
        self.look(schema, value, where, outcome)
        return outcome

    def _combined(self, schema: dict[str, Any], value: Any, where: str, outcome: Outcome) -> None:
        self._any_of(schema.get("anyOf"), value, where, outcome)
        self._one_of(schema.get("oneOf"), value, where, outcome)
        if parts := schema.get("allOf"):
            broken = [one for one in (self.apart(part, value, where) for part in parts) if one.faults]
            for one in broken:
                outcome.merge(one)
            if broken:
                outcome.add(where, "Must validate all the schemas (allOf)")
        if "not" in schema and not self.apart(schema["not"], value, where).faults:
            outcome.add(where, "Must not validate the schema (not)")
        if isinstance(value, dict):
            self._dependencies(schema.get("dependencies", {}), value, where, outcome)
        if "if" in schema and self.document.has(7):
            holds = not self.apart(schema["if"], value, where).faults
            name, was = ("then", "valid") if holds else ("else", "not valid")
            if name in schema and (then := self.apart(schema[name], value, where)).faults:
                outcome.add(where, f'Must validate "{name}" as "if" was {was}')
                outcome.merge(then)
        outcome.score += 1

    def _any_of(self, parts: list[Any] | None, value: Any, where: str, outcome: Outcome) -> None:
        found = []
        for part in parts or ():
            found.append(self.apart(part, value, where))
            if not found[-1].faults:
                return
        if found:
            outcome.add(where, "Must validate at least one schema (anyOf)")
            outcome.merge(_nearest(found))

    def _one_of(self, parts: list[Any] | None, value: Any, where: str, outcome: Outcome) -> None:
        found = [self.apart(part, value, where) for part in parts or ()]
        holding = sum(not one.faults for one in found)
        if found and holding != 1:
            outcome.add(where, "Must validate one and only one schema (oneOf)")
            if not holding:
                outcome.merge(_nearest(found))

    def _dependencies(self, wanted: dict[str, Any], value: dict[str, Any], where: str, outcome: Outcome) -> None:
        for name in sorted(wanted.keys() & value.keys()):
            if not isinstance(wanted[name], list):
                self.look(wanted[name], value, where, outcome)
                continue
            for needed in wanted[name]:
                if needed not in value:
                    outcome.add(where, f"Has a dependency on {needed}")

    def _common(self, schema: dict[str, Any], value: Any, where: str, outcome: Outcome) -> None:
        if "const" in schema and self.document.has(6) and _text(value) != (const := _text(schema["const"])):
            outcome.add(where, f"{where} does not match: {const}")
        if (allowed := [_text(one) for one in schema.get("enum", ())]) and _text(value) not in allowed:
            outcome.add(where, f"{where} must be one of the following: {', '.join(allowed)}")
        outcome.score += 1

    def _list(self, schema: dict[str, Any], value: list[Any], where: str, outcome: Outcome) -> None:
        items = schema.get("items")
        if isinstance(items, list):
            for at, (part, one) in enumerate(zip(items, value, strict=False)):
                outcome.merge(self.apart(part, one, _in(where, at)))
            self._additional(schema.get("additionalItems", True), value, len(items), where, outcome)
        elif items is not None:
            for at, one in enumerate(value):
                outcome.merge(self.apart(items, one, _in(where, at)))
        if len(value) < (least := schema.get("minItems", 0)):
            outcome.add(where, f"Array must have at least {least} items")
        if len(value) > (most := schema.get("maxItems", len(value))):
            outcome.add(where, f"Array must have at most {most} items")
        if schema.get("uniqueItems"):
            _unique(value, where, outcome)
        if "contains" in schema and self.document.has(6):
            self._contains(schema["contains"], value, where, outcome)
        outcome.score += 1

    def _additional(self, schema: Any, value: list[Any], known: int, where: str, outcome: Outcome) -> None:
        if known and known < len(value):
            if schema is False:
                outcome.add(where, "No additional items allowed on array")
            for at in range(known, len(value) if isinstance(schema, dict) else 0):
                outcome.merge(self.apart(schema, value[at], _in(where, at)))

    def _contains(self, schema: Any, value: list[Any], where: str, outcome: Outcome) -> None:
        found = []
        for at, one in enumerate(value):
            found.append(self.apart(schema, one, _in(where, at)))
            if not found[-1].faults:
                return
        outcome.add(where, "At least one of the items must match")
        if found:
            outcome.merge(_nearest(found))

    def _table(self, schema: dict[str, Any], value: dict[str, Any], where: str, outcome: Outcome) -> None:
        if len(value) < (least := schema.get("minProperties", 0)):
            outcome.add(where, f"Must have at least {least} properties")
        if len(value) > (most := schema.get("maxProperties", len(value))):
            outcome.add(where, f"Must have at most {most} properties")
        for name in schema.get("required", ()):
            if name in value:
                outcome.score += 1
            else:
                outcome.add(where, f"{name} is required")
        self._others(schema, value, where, outcome)
        if "propertyNames" in schema and self.document.has(6):
            for name in sorted(value):
                if (found := self.apart(schema["propertyNames"], name, where)).faults:
                    outcome.add(where, f'Property name of "{name}" does not match')
                    outcome.merge(found)
        outcome.score += 1

    def _others(self, schema: dict[str, Any], value: dict[str, Any], where: str, outcome: Outcome) -> None:
        """The properties that have a pattern, and those that have no schema of their own."""
        known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        others = schema.get("additionalProperties", True)
        if not patterns and others is True:
            return
        for name in sorted(value):
            fitting = [part for pattern, part in sorted(patterns.items()) if _fits(pattern, name)]
            for part in fitting:
                outcome.merge(self.apart(part, value[name], _in(where, name)))
            if fitting:
                outcome.score += 1
            elif name in known:
                continue
            elif others is False:
                outcome.add(where, f"Additional property {name} is not allowed")
            elif others is not True:
                outcome.merge(self.apart(others, value[name], _in(where, name)))


def _in(where: str, name: object) -> str:
    return str(name) if where == ROOT else f"{where}.{name}"


def _nearest(found: list[Outcome]) -> Outcome:
    return max(found, key=lambda one: one.score)


def _text(value: Any) -> str:
    """A value as JSON, for which 1 and 1.0 are the same."""
    return gojson.dumps(value)


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    names = {str: "string", float: "number", list: "array", dict: "object"}
    return next((name for cls, name in names.items() if isinstance(value, cls)), "null")


def _unique(value: Iterable[Any], where: str, outcome: Outcome) -> None:
    seen: dict[str, int] = {}
    for at, one in enumerate(value):
        text = _text(one)
        if text in seen:
            outcome.add(where, f"array items[{seen[text]},{at}] must be unique")
        seen[text] = at


def _string(schema: dict[str, Any], value: str, where: str, outcome: Outcome) -> None:
    if len(value) < (least := schema.get("minLength", 0)):
        outcome.add(where, f"String length must be greater than or equal to {least}")
    if len(value) > (most := schema.get("maxLength", len(value))):
        outcome.add(where, f"String length must be less than or equal to {most}")
    if "pattern" in schema and not _fits(schema["pattern"], value):
        outcome.add(where, f"Does not match pattern '{schema['pattern']}'")
    _format(schema, value, where, outcome)
    outcome.score += 1


def _format(schema: dict[str, Any], value: Any, where: str, outcome: Outcome) -> None:
    if (name := schema.get("format")) and not _is_of_format(name, value):
        outcome.add(where, f"Does not match format '{name}'")


def _fits(pattern: str, text: str) -> bool:
    from corral.charts.render.regexes import compiled

    return compiled(pattern).matches(encoded(text))


def _is_of_format(name: str, value: Any) -> bool:
    from corral.charts.values.schema import formats

    return formats.matches(name, value)


#: Below it, a whole float is written as the number that it is.
_ALL_WHOLE = 2.0**53


def _exact(value: float) -> "int | Fraction":
    if isinstance(value, int) or (value.is_integer() and abs(value) < _ALL_WHOLE):
        return int(value)  # most are, and fractions take longer to load than the whole schema to be read
    from fractions import Fraction

    return Fraction(repr(value))


#: The bounds of a number: what is beyond them, and how that is told.
_BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "maximum": (lambda number, bound: number > bound, "Must be less than or equal to"),
    "exclusiveMaximum": (lambda number, bound: number >= bound, "Must be less than"),
    "minimum": (lambda number, bound: number < bound, "Must be greater than or equal to"),
    "exclusiveMinimum": (lambda number, bound: number <= bound, "Must be greater than"),
}


def _bounds(document: Document, schema: dict[str, Any]) -> dict[str, Any]:
    """The bounds that a schema has; draft 4 has those that do not count themselves as a flag beside the others."""
    found = {name: schema[name] for name in _BOUNDS if name in schema}
    for name, beside in (("exclusiveMaximum", "maximum"), ("exclusiveMinimum", "minimum")):
        flag = found.get(name)
        if isinstance(flag, bool):
            del found[name]
            if flag and beside in found:
                found[name] = found.pop(beside)
        elif flag is not None and document.draft == 4:
            del found[name]
    return found


def _number(document: Document, schema: dict[str, Any], value: float, where: str, outcome: Outcome) -> None:
    if not isfinite(value):
        return
    number = _exact(value)
    if (step := schema.get("multipleOf")) and number % _exact(step):
        outcome.add(where, f"Must be a multiple of {format_float(float(step))}")
    bounds = _bounds(document, schema)
    for name, (beyond, words) in _BOUNDS.items():
        if name in bounds and beyond(number, _exact(bounds[name])):
            outcome.add(where, f"{words} {format_float(float(bounds[name]))}")
    _format(schema, value, where, outcome)
    outcome.score += 1
