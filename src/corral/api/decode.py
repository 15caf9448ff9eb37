"""A request's body → an object, or the 400 that says what is wrong with it, in the reference's words.

The way is that of apimachinery's serializers: find apiVersion and kind (missing ones are those that the path expects), read the
value as the type that they name, refuse it where that is not the type wanted, and treat unknown and repeated fields as
`fieldValidation` says: "Strict" refuses, "Warn" (the default of the API) warns, "Ignore" drops them silently.
"""

from typing import Any

from corral.api import facts, jsontext
from corral.api.errors import bad_request
from corral.api.facts import Type
from corral.api.golang import DecodeError, read
from corral.api.jsontext import TextError
from corral.api.jsonvalues import json_kind
from corral.api.objects import Object

_SHOWN_BYTES = 30
_HEAD = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
_SCHEME = "pkg/api/legacyscheme/scheme.go:30"


def decode(
    body: bytes,
    group: str,
    version: str,
    kind: str,
    *,
    type_: Type | None = None,
    yaml: bool = False,
    validation: str = "Warn",
) -> tuple[Object, list[str]]:
    """The object of `body`, wanted as this kind, and the warnings. Raises ApiError (400).

    `type_` is the type of a custom resource; built-in kinds have theirs from the facts.
    """
    value, repeated, exact = _parse(body, kind, yaml)
    given_group, given_version, given_kind = _head(value, body, kind, (group, version))
    wanted = (given_group, given_version, given_kind) == (group, version, kind)

    def refuse(message: object) -> Exception:
        return bad_request(f'{given_kind} in version "{given_version}" cannot be handled as a {kind}: {message}')

    if type_ is None or not wanted:
        if not facts.has_schema(given_group, given_version, given_kind):
            api_version = _join(given_group, given_version)
            raise refuse(f'no kind "{given_kind}" is registered for version "{api_version}" in scheme "{_SCHEME}"')
        type_ = facts.schema(given_group, given_version, given_kind)
    if not exact and validation != "Ignore" and jsontext.has_repeated_keys(body, value):
        value, exact = jsontext.parse_exactly(body), True
    try:
        obj, unknown = _read(value, type_, body, exact)
    except DecodeError as error:
        raise refuse(error) from None
    strict = repeated + unknown
    if strict and validation == "Strict":
        raise refuse("strict decoding error: " + ", ".join(strict))
    if not wanted:
        _refuse_other((given_group, given_version, given_kind), (group, version, kind), refuse)
    obj["apiVersion"] = _join(group, version)
    obj["kind"] = kind
    return obj, strict if validation == "Warn" else []


def _parse(body: bytes, kind: str, yaml: bool) -> tuple[Any, list[str], bool]:
    """The value, strict errors of the text, and whether texts of numbers and repeated keys are in the value already."""
    try:
        if yaml:
            from corral.api import yamltext  # The library takes a while to load, and few send YAML.

            value, repeated = yamltext.parse(body)
            return value, repeated, True
        return jsontext.parse(body), [], False
    except TextError as error:
        raise unrecognized(
            kind, str(error) if yaml else f"couldn't get version/kind; json parse error: {error}", body
        ) from None


def _read(value: Any, type_: Type, body: bytes, exact: bool) -> tuple[Object, list[str]]:
    try:
        obj, strict = read({} if value is None else value, type_)
    except DecodeError:
        if exact:
            raise
        obj, strict = read(jsontext.parse_exactly(body), type_)  # raises with the text that the number had
    return obj, strict


def _head(value: Any, body: bytes, kind: str, wanted: tuple[str, str]) -> tuple[str, str, str]:
    """Group, version and kind that the body names, or those wanted."""
    fault = "couldn't get version/kind; json parse error: json: cannot unmarshal"
    if value is None:
        return *wanted, kind
    if not isinstance(value, dict):
        raise unrecognized(kind, f"{fault} {json_kind(value)} into Go value of type {_HEAD}", body)
    for name in ("apiVersion", "kind"):
        if not isinstance(value.get(name), str | None):
            raise unrecognized(kind, f"{fault} {json_kind(value[name])} into Go struct field .{name} of type string", body)
    api_version = value.get("apiVersion") or ""
    if api_version.count("/") > 1:
        raise unrecognized(kind, f"unexpected GroupVersion string: {api_version}", body)
    group, _, version = api_version.rpartition("/")
    if not group and not version:
        group, version = wanted
    return group, version, value.get("kind") or kind


def _refuse_other(given: tuple[str, str, str], wanted: tuple[str, str, str], refuse: Any) -> None:
    """Refuse a body of another version (which could be converted) or another kind (which cannot)."""
    if (given[0], given[2]) == (wanted[0], wanted[2]):
        raise bad_request(
            f"the API version in the data ({_join(*given[:2])}) does not match the expected API version ({_join(*wanted[:2])})"
        )
    internal = wanted[0].split(".")[0] or "core"
    raise refuse(f"converting ({given[1]}.{given[2]}) to ({internal}.{wanted[2]}): unknown conversion")


def unrecognized(kind: str, message: str, body: bytes) -> Exception:
    """400 of a body that is no object of any kind."""
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {message} ({_summary(body)})")


def _summary(body: bytes) -> str:
    """The beginning of the body: as text where it looks like an object, else in hexadecimal digits."""
    if not body:
        return "<empty>"
    more = " ..." if len(body) > _SHOWN_BYTES else ""
    start = body[:_SHOWN_BYTES]
    return (start.decode("utf-8", "replace") if start[:1] == b"{" else start.hex()) + more


def _join(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version
