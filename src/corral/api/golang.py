"""JSON values read by the rules of Go's decoder and written by those of its encoder, as the reference's typed objects are.

`read` checks a value against a type and gives what Go would serialize again: unknown fields are gone, nulls are zero values,
empty optional fields are left out, fields without omitempty are there (lists and maps excepted: `filled` adds their nulls),
quantities and times are in canonical form. What is wrong is told in Go's words (encoding/json's UnmarshalTypeError, the strict
errors of sigs.k8s.io/json).
"""

import base64
import binascii
import json
from collections.abc import Callable
from functools import lru_cache
from operator import is_
from typing import Any

from corral.api import gotime, quantity
from corral.api.facts import Field, Type, named
from corral.api.jsonvalues import MAX_DEPTH, TOO_DEEP, Decimal, Repeated, json_kind

MAX_STRICT_ERRORS = 100
_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
_ZERO = {"string": "", "bool": False, "int32": 0, "int64": 0, "float64": 0, "quantity": "0", "int-or-string": 0}
_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_SCHEMA = "apiextensions.v1.JSONSchemaProps"

#: The way to a value: (struct, field) below an object, a position in a list, a key of a map.
_Step = tuple[Type, Field] | int | str


class DecodeError(Exception):
    """The value cannot be read as its type; the text is Go's."""


def read(value: Any, type_: Type) -> tuple[Any, list[str]]:
    """`value` as Go would show it again, and the strict errors: `unknown field "spec.bogus"`, `duplicate field "spec.a"`.

    Raises DecodeError. `value` is not changed.
    """
    if type_.reader is not None:
        return type_.reader(value)
    reader = _Reader()
    try:
        made = reader.read(value, type_)
    except RecursionError:
        raise DecodeError(TOO_DEEP) from None
    if reader.error:
        raise DecodeError(reader.error)
    return made, list(reader.strict)


def zero(type_: Type, *, nulls: bool = True) -> Any:
    """What Go writes for the zero value of a type that is not a pointer; without `nulls`, lists and maps are left out."""
    if type_.kind != "object":
        return _ZERO.get(type_.kind)
    return {
        name: None if field.pointer else zero(field.type, nulls=nulls)
        for name, field in type_.always.items()
        if nulls or field.type.kind not in _COLLECTIONS
    }


def filled(obj: dict[str, Any], type_: Type) -> dict[str, Any]:
    """`obj` with the fields that Go always writes and `obj` lacks: `status: {}`, `rules: null` and the like. `obj` stays."""
    always, growing = _filling(type_)
    added = {}
    for name, is_collection, field_type in always:
        if name not in obj or (is_collection and not obj[name] and obj[name] is not None):
            added[name] = zero(field_type)
    if growing:
        for name, value in obj.items():
            below = growing.get(name)
            if below is not None and isinstance(value, (dict, list)):
                got = _filled(value, below)
                if got is not value:
                    added[name] = got
    return {**obj, **added} if added else obj


def _filled(value: Any, type_: Type) -> Any:
    if type_.kind == "object":
        return filled(value, type_) if isinstance(value, dict) else value
    item = type_.item
    if item is None:
        return value
    if isinstance(value, list):
        made = [_filled(one, item) for one in value]
        return value if all(map(is_, made, value)) else made
    if isinstance(value, dict):
        made_map = {key: _filled(one, item) for key, one in value.items()}
        return value if all(map(is_, made_map.values(), value.values())) else made_map
    return value


@lru_cache(4096)
def _filling(type_: Type) -> tuple[list[tuple[str, bool, Type]], dict[str, Type]]:
    """Fields of an object type: those always there, each with whether it is a list or map; those below which there are any."""
    always = [(name, field.type.kind in _COLLECTIONS, field.type) for name, field in type_.always.items()]
    return always, {name: field.type for name, field in type_.fields.items() if _grows(field.type, set())}


def _grows(type_: Type, seen: set[int]) -> bool:
    if id(type_) in seen:
        return False
    seen.add(id(type_))
    if type_.kind == "object":
        return bool(type_.always) or any(_grows(field.type, seen) for field in type_.fields.values())
    return type_.item is not None and _grows(type_.item, seen)


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
        known, always = _reading(type_)
        steps = self._steps
        if isinstance(value, Repeated):
            for key in value.repeated:
                if key in known:
                    self._note("duplicate field", key)
        made = {}
        for key, item in value.items():
            how = known.get(key)
            if how is None:
                if type_.preserve_unknown:
                    made[key] = item
                else:
                    self._note("unknown field", key)
                continue
            if item is None:
                continue  # the zero value, which `always` below writes where it must be
            plain, keeps_zero, read, field_type, step = how
            if type(item) is plain:
                if item or keeps_zero:
                    made[key] = item
                continue
            steps.append(step)
            got = read(self, item, field_type)
            steps.pop()
            if got or keeps_zero:
                made[key] = got
        for key, field in always:
            if key not in made:
                made[key] = None if field.pointer else zero(field.type, nulls=False)
        return made

    def array(self, value: Any, type_: Type) -> Any:
        if not isinstance(value, list):
            return self._mismatch(value, type_)
        item_type = type_.item
        assert item_type is not None
        read, steps, made = _READ[item_type.kind], self._steps, []
        for i, item in enumerate(value):
            if item is None:
                made.append(zero(item_type, nulls=False))
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
                made[key] = zero(item_type, nulls=False)
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
        raise DecodeError(self._cannot(json_kind(value, _number(value)), "int32"))

    def time(self, value: Any, type_: Type) -> Any:
        if not isinstance(value, str):
            raise DecodeError(self._cannot(json_kind(value), "string"))
        try:
            return gotime.normal(value, micro=type_.kind == "micro-time")
        except ValueError as error:
            raise DecodeError(str(error)) from None

    def any(self, value: Any, type_: Type) -> Any:
        if isinstance(value, dict | list) and _depth(value) > MAX_DEPTH:
            raise DecodeError(TOO_DEEP)
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
            self.error = self._cannot(json_kind(value, number), type_.go)

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


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        inners = [outer.values() if isinstance(outer, dict) else outer for outer in level]
        level = [one for inner in inners for one in inner if isinstance(one, (dict, list))]
    return depth


def _apart(value: Any) -> Any:
    reader = _Reader()
    made = reader.read(value, named(_SCHEMA))
    if reader.error:
        raise DecodeError(reader.error)
    return made


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


#: How a field is read: the type of values that are as Go shows them, whether zero values stay, how others are read as which
#: type, and the step to them.
_How = tuple[type | None, bool, Callable[[_Reader, Any, Type], Any], Type, tuple[Type, Field]]


@lru_cache(4096)
def _reading(type_: Type) -> tuple[dict[str, _How], list[tuple[str, Field]]]:
    """How the fields of an object type are read, and those without a list or map that are there whether given or not."""
    known = {}
    for name, field in type_.fields.items():
        kind = field.type.kind
        # An empty list is the same as none once the reference has stored it (`filled` sees to that for those that Go writes
        # even when empty); till then it is somebody's.
        keeps_zero = kind in _KEPT or field.keeps_zero or (field.pointer and kind not in _COLLECTIONS)
        known[name] = (_PLAIN.get(kind), keeps_zero, _READ[kind], field.type, (type_, field))
    return known, [(name, field) for name, field in type_.always.items() if field.type.kind not in _COLLECTIONS]


_PLAIN = {"string": str, "bool": bool}
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


def printed(value: Any) -> str:
    """A JSON value as Go's `%v` shows it: `map[spec:map[replicas:2]]`."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{printed(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(printed, value))}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)
