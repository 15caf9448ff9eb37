"""Validation errors that name a field: `spec.containers[0].image: Required value`.

The vocabulary is apimachinery's `util/validation/field`. Rules append to an `Errors`; the server turns a non-empty one into
a 422 Status with one cause per error.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from corral.api.errors import ApiError, invalid

#: The path of a whole object, as Go prints it.
NO_PATH = "<nil>"


class Path(str):
    """Where a field is. `Path("spec").child("containers").at(0)` prints as `spec.containers[0]`."""

    __slots__ = ()

    def child(self, *names: str) -> "Path":
        """The field below."""
        parts = names[0] if len(names) == 1 else ".".join(names)
        return Path(self + "." + parts if self else parts)

    def at(self, i: int) -> "Path":
        """The item at position `i`."""
        return Path(f"{self}[{i}]")

    def key(self, key: str) -> "Path":
        """The entry of a map."""
        return Path(f"{self}[{key}]")


class FieldError(Struct, frozen=True):
    """One fault: `reason` is the cause's reason (`FieldValueInvalid`), `body` what follows the field in the message."""

    reason: str
    field: str
    body: str
    #: The field whose value the body shows, where that is another one.
    value_of: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.body}"


def show(value: Any) -> str:
    """A value as the reference prints it in a message: JSON for everything but strings that are quoted alike."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Errors(Struct):
    """A growing list of faults of one object."""

    items: list[FieldError] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.items)

    def extend(self, other: "Errors") -> None:
        """Append all faults of `other`."""
        self.items.extend(other.items)

    def required(self, path: str, detail: str = "") -> None:
        """A field that must be there is not."""
        self._add("FieldValueRequired", path, "Required value" + (f": {detail}" if detail else ""))

    def invalid(self, path: str, value: Any, detail: str, *, value_of: str = "") -> None:
        """A value that is not acceptable; `value_of` is the field it is of, where that is not `path`."""
        self.items.append(FieldError("FieldValueInvalid", str(path), f"Invalid value: {show(value)}: {detail}", value_of))

    def each(self, path: str, value: Any, details: Iterable[str]) -> None:
        """A value that is not acceptable for each of the reasons (as `api.names` gives them)."""
        for detail in details:
            self.invalid(path, value, detail)

    def invalid_here(self, path: str, detail: str) -> None:
        """A value that is not acceptable and not worth showing."""
        self._add("FieldValueInvalid", path, f"Invalid value: {detail}")

    def unsupported(self, path: str, value: Any, supported: Iterable[str]) -> None:
        """A value outside an enumeration. The reference sorts most enumerations; pass them in the order wanted."""
        listed = ", ".join(show(s) for s in supported)
        self._add("FieldValueNotSupported", path, f"Unsupported value: {show(value)}: supported values: {listed}")

    def duplicate(self, path: str, value: Any, detail: str = "") -> None:
        """A value that may occur once occurs again."""
        self._add("FieldValueDuplicate", path, f"Duplicate value: {show(value)}" + (f": {detail}" if detail else ""))

    def duplicate_here(self, path: str) -> None:
        """A value that may occur once occurs again, and is not worth showing."""
        self._add("FieldValueDuplicate", path, "Duplicate value")

    def forbidden(self, path: str, detail: str) -> None:
        """A field that must not be set, or not here."""
        self._add("FieldValueForbidden", path, f"Forbidden: {detail}")

    def not_found(self, path: str, value: Any, detail: str = "") -> None:
        """A reference to what is not there."""
        self._add("FieldValueNotFound", path, f"Not found: {show(value)}" + (f": {detail}" if detail else ""))

    def too_long(self, path: str, max_bytes: int, *, unit: str = "bytes") -> None:
        """A text longer than allowed."""
        self._add("FieldValueTooLong", path, f"Too long: may not be more than {max_bytes} {unit}")

    def too_many(self, path: str, count: int, most: int) -> None:
        """A list with more items than allowed."""
        self._add("FieldValueTooMany", path, f"Too many: {count}: must have at most {most} items")

    def type_invalid(self, path: str, value: Any, detail: str) -> None:
        """A value of the wrong type."""
        self._add("FieldValueTypeInvalid", path, f"Invalid value: {show(value)}: {detail}")

    def internal(self, path: str, detail: str) -> None:
        """The check itself failed."""
        self._add("InternalError", path, f"Internal error: {detail}")

    def _add(self, reason: str, path: str, body: str) -> None:
        self.items.append(FieldError(reason, str(path), body))

    def shown_as_given(self, given: Any) -> "Errors":
        """These faults; an absent value is shown as the empty list or object that `given` has in its place.

        Go tells none from empty until an object is stored; here an empty one is none as soon as it is read.
        """
        return Errors([_as_given(error, given) for error in self.items])

    def to_error(self, kind: str, group: str, name: str) -> ApiError:
        """The 422 of these faults."""
        texts = dedupe([str(e) for e in self.items])
        summary = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
        causes = [{"reason": e.reason, "message": e.body, "field": e.field} for e in self.items]
        return invalid(kind, group, name, causes, summary)


def _as_given(error: FieldError, given: Any) -> FieldError:
    match = re.match("(Invalid|Unsupported) value: null", error.body)
    if match is None:
        return error
    for step in re.findall(r"\[([^]]*)\]|([^.\[\]]+)", error.value_of or error.field):
        key = step[0] or step[1]
        if isinstance(given, list) and key.isdecimal() and int(key) < len(given):
            given = given[int(key)]
        else:
            given = given.get(key) if isinstance(given, dict) else None
    if given not in ([], {}):
        return error
    return replace(error, body=f"{match[1]} value: {show(given)}{error.body[match.end() :]}")


def dedupe(texts: Sequence[str]) -> list[str]:
    """The texts in order, each once (apimachinery's aggregate prints repeated messages once)."""
    return list(dict.fromkeys(texts))
