"""JSON values read by the rules of Go's decoder and written by those of its encoder, as the reference's typed objects are.

`read` checks a value against a type and gives what Go would serialize again: unknown fields are gone, nulls are zero values,
empty optional fields are left out, fields without omitempty are there (lists and maps excepted: `fill` writes their nulls),
quantities and times are in canonical form. What is wrong is told in Go's words (encoding/json's UnmarshalTypeError, the strict
errors of sigs.k8s.io/json).
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from corral.api import gotime, quantity
from corral.api.facts import Field, Type, named

MAX_STRICT_ERRORS = 100
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_ZERO = {"string": "", "bool": False, "int32": 0, "int64": 0, "float64": 0, "quantity": "0", "int-or-string": 0}
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_SCHEMA = "apiextensions.v1.JSONSchemaProps"

#: The way to a value: (struct, field) below an object, a position in a list, a key of a map.
_Step = tuple[Type, Field] | int | str


class DecodeError(Exception):
    """The value cannot be read as its type; the text is Go's."""


class Repeated(dict[str, Any]):
    """A JSON object in which keys occurred more than once; the last ones count."""

    repeated: tuple[str, ...] = ()


class Decimal(float):
    """A number with a point or an exponent, and the text it had."""

    text: str = ""


def read(value: Any, type_: Type) -> tuple[Any, list[str]]:
    """`value` as Go would show it again, and the strict errors: `unknown field "spec.bogus"`, `duplicate field "spec.a"`.

    Raises DecodeError. `value` is not changed.
    """
    reader = _Reader()
    made = reader.read(value, type_)
    if reader.error:
        raise DecodeError(reader.error)
    return made, list(reader.strict)


def zero(type_: Type) -> Any:
    """What Go writes for the zero value of a type that is not a pointer."""
    if type_.kind == "object":
        return {name: None if field.pointer else zero(field.type) for name, field in type_.always.items()}
    return _ZERO.get(type_.kind)


def fill(obj: dict[str, Any], type_: Type, levels: int = 2) -> None:
    """Add the fields that Go always writes and `obj` lacks, in place: `status: {}`, `rules: null` and the like."""
    for name, field in type_.always.items():
        if name not in obj:
            obj[name] = zero(field.type)
        elif levels > 1 and field.type.kind == "object" and isinstance(obj[name], dict):
            obj[name] = dict(obj[name])
            fill(obj[name], field.type, levels - 1)


class _Reader:
    """One pass over one value."""

    __slots__ = ("_steps", "error", "strict")

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        #: The first type error; Go reads on, so that a later fault of a value with a format of its own is told instead.
        self.error = ""
        self.strict: dict[str, None] = {}

    def read(self, value: Any, type_: Type) -> Any:
        return _READ[type_.kind](self, value, type_)

    def struct(self, value: Any, type_: Type) -> Any:
        if not isinstance(value, dict):
            return self._mismatch(value, type_)
        fields, steps = type_.fields, self._steps
        if isinstance(value, Repeated):
            for key in value.repeated:
                if key in fields:
                    self._note("duplicate field", key)
        made = {}
        for key, item in value.items():
            field = fields.get(key)
            if field is None:
                if type_.preserve_unknown:
                    made[key] = item
                else:
                    self._note("unknown field", key)
                continue
            if item is None:
                continue  # the zero value, which `always` below writes where it must be
            kind = field.type.kind
            if kind == "string" and type(item) is str:
                if item or field.pointer or field.keeps_zero:
                    made[key] = item
                continue
            steps.append((type_, field))
            got = _READ[kind](self, item, field.type)
            steps.pop()
            if got or kind in _KEPT or field.keeps_zero or (field.pointer and got is not None):
                made[key] = got
        for key, field in type_.always.items():
            if key not in made and field.type.kind not in _COLLECTIONS:
                made[key] = None if field.pointer else zero(field.type)
        return made

    def array(self, value: Any, type_: Type) -> Any:
        if not isinstance(value, list):
            return self._mismatch(value, type_)
        item_type = type_.item
        assert item_type is not None
        read, steps, made = _READ[item_type.kind], self._steps, []
        for i, item in enumerate(value):
            if item is None:
                made.append(zero(item_type))
                continue
            steps.append(i)
            made.append(read(self, item, item_type))
            steps.pop()
        return made

    def mapping(self, value: Any, type_: Type) -> Any:
        if not isinstance(value, dict):
            return self._mismatch(value, type_)
        if isinstance(value, Repeated):
            for key in value.repeated:
                self._note("duplicate field", key)
        item_type = type_.item
        assert item_type is not None
        read, steps, made = _READ[item_type.kind], self._steps, {}
        for key, item in value.items():
            if item is None:
                made[key] = zero(item_type)
                continue
            steps.append(key)
            made[key] = read(self, item, item_type)
            steps.pop()
        return made

    def text(self, value: Any, type_: Type) -> Any:
        return value if isinstance(value, str) else self._mismatch(value, type_)

    def boolean(self, value: Any, type_: Type) -> Any:
        return value if isinstance(value, bool) else self._mismatch(value, type_)

    def integer(self, value: Any, type_: Type) -> Any:
        least, most = _RANGES[type_.kind]
        if type(value) is int and least <= value <= most:
            return value
        return self._mismatch(value, type_, number=_number(value))

    def decimal(self, value: Any, type_: Type) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._mismatch(value, type_)
        return value

    def base64(self, value: Any, type_: Type) -> Any:
        if not isinstance(value, str):
            return self._mismatch(value, type_)
        data = value.encode()
        try:
            return base64.b64encode(base64.b64decode(data.translate(None, b"\r\n"), validate=True)).decode()
        except binascii.Error:
            at = _bad_base64(data)
            self.error = self.error or f"illegal base64 data at input byte {len(data) if at is None else at}"
            return None

    def quantity(self, value: Any, type_: Type) -> Any:
        text = value if isinstance(value, str) else _number(value) or "{}"
        try:
            return quantity.canonical(text.strip())
        except quantity.QuantityError as error:
            raise DecodeError(str(error)) from None

    def int_or_string(self, value: Any, type_: Type) -> Any:
        if isinstance(value, str):
            return value
        least, most = _RANGES["int32"]
        if type(value) is int and least <= value <= most:
            return value
        raise DecodeError(self._cannot(_json_kind(value, _number(value)), "int32"))

    def time(self, value: Any, type_: Type) -> Any:
        if not isinstance(value, str):
            raise DecodeError(self._cannot(_json_kind(value), "string"))
        try:
            return gotime.normal(value, micro=type_.kind == "micro-time")
        except ValueError as error:
            raise DecodeError(str(error)) from None

    def any(self, value: Any, type_: Type) -> Any:
        return value

    def schema(self, value: Any, type_: Type) -> Any:
        """A JSON schema, or what may stand in its place. Go reads it apart: unknown fields in it are dropped without a word."""
        if isinstance(value, dict):
            return _apart(value)
        if type_.kind == "schema-or-array" and isinstance(value, list):
            return [_apart(item) for item in value]
        if type_.kind == "schema-or-bool" and not isinstance(value, bool):
            raise DecodeError("boolean or JSON schema expected")
        return value

    def _mismatch(self, value: Any, type_: Type, number: str = "") -> None:
        if not self.error:
            self.error = self._cannot(_json_kind(value, number), type_.go)

    def _cannot(self, what: str, go: str) -> str:
        structs = [step for step in self._steps if isinstance(step, tuple)]
        if not structs:
            return f"json: cannot unmarshal {what} into Go value of type {go}"
        struct = structs[-1][0].go.rpartition(".")[2]
        names = (f"{field.embedded_in}.{field.name}" if field.embedded_in else field.name for _, field in structs)
        return f"json: cannot unmarshal {what} into Go struct field {struct}.{'.'.join(names)} of type {go}"

    def _note(self, what: str, key: str) -> None:
        if len(self.strict) >= MAX_STRICT_ERRORS:
            return
        path = ""
        for step in (*self._steps, key):
            if isinstance(step, int):
                path += f"[{step}]"
            else:
                name = step if isinstance(step, str) else step[1].name
                path += f".{name}" if path else name
        self.strict[f"{what} {json.dumps(path, ensure_ascii=False)}"] = None


def _apart(value: Any) -> Any:
    reader = _Reader()
    made = reader.read(value, named(_SCHEMA))
    if reader.error:
        raise DecodeError(reader.error)
    return made


def _json_kind(value: Any, number: str = "") -> str:
    match value:
        case dict():
            return "object"
        case list():
            return "array"
        case str():
            return "string"
        case bool():
            return "bool"
        case None:
            return "null"
    return f"number {number}" if number else "number"


def _number(value: Any) -> str:
    """The text of a number; "" for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return value.text if isinstance(value, Decimal) else repr(value)


def _bad_base64(data: bytes) -> int | None:
    """Where Go's decoder stops: the position of the first byte that is wrong, or of the group that is not complete."""
    at, in_group, pad = 0, 0, 0
    while at < len(data):
        byte = data[at]
        at += 1
        if byte in b"\r\n":
            continue
        if byte == ord("=") and in_group >= 2:
            pad += 1
            in_group += 1
        elif byte not in _BASE64 or pad:
            return at - 1
        else:
            in_group += 1
        if in_group == 4:
            if pad:
                rest = data[at:].lstrip(b"\r\n")
                return len(data) - len(rest) if rest else None
            in_group = 0
    return (len(data) if pad else at - in_group) if in_group else None


_COLLECTIONS = frozenset(("list", "map"))
#: Kinds whose values stay when given, however empty.
_KEPT = frozenset(
    (
        "object",
        "quantity",
        "int-or-string",
        "time",
        "micro-time",
        "any",
        "schema-or-array",
        "schema-or-bool",
        "schema-or-strings",
    )
)
_READ: dict[str, Callable[[_Reader, Any, Type], Any]] = {
    "object": _Reader.struct,
    "list": _Reader.array,
    "map": _Reader.mapping,
    "string": _Reader.text,
    "bool": _Reader.boolean,
    "int32": _Reader.integer,
    "int64": _Reader.integer,
    "float64": _Reader.decimal,
    "bytes": _Reader.base64,
    "quantity": _Reader.quantity,
    "int-or-string": _Reader.int_or_string,
    "time": _Reader.time,
    "micro-time": _Reader.time,
    "any": _Reader.any,
    "schema-or-array": _Reader.schema,
    "schema-or-bool": _Reader.schema,
    "schema-or-strings": _Reader.schema,
}
