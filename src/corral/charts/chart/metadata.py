"""Chart.yaml: reading it into Helm's types, and what it must say.

https://helm.sh/docs/topics/charts/#the-chartyaml-file
"""

from corral.base.annotations import Any, Callable
from corral.base.patterns import pattern
from corral.charts.chart.errors import ChartError, ValidationError

_ALIAS = pattern(r"[a-zA-Z0-9_-]+")
_VERSION = pattern(r"v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?")


def _text(value: Any, where: str) -> str:
    """A string; YAML's booleans and numbers are written out where a string is wanted."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    raise _mismatch(value, where, "string")


def _number(value: float) -> str:
    from corral.charts.render.strconv import format_float

    return format_float(value) if isinstance(value, float) else str(value)


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise _mismatch(value, where, "bool")
    return value


def _texts(value: Any, where: str) -> list[str]:
    if not isinstance(value, list):
        raise _mismatch(value, where, "[]string")
    return [_text(item, where) if item is not None else "" for item in value]


def _text_map(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _mismatch(value, where, "map[string]string")
    return {key: _text(item, where) if item is not None else "" for key, item in value.items()}


def _any(value: Any, where: str) -> Any:
    return value


def _anything_list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _mismatch(value, where, "[]interface {}")
    return value


Reader = Callable[[Any, str], Any]


def _record(name: str, fields: dict[str, Reader], go: str, always: tuple[str, ...] = ()) -> Reader:
    """A reader of a struct; what is empty is left out, but for those that Go writes always."""

    def read(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _mismatch(value, where, go)
        # Go matches the names of fields without regard to case.
        by_name = {key.lower(): item for key, item in value.items()}
        read_fields = {}
        for key, reader in fields.items():
            item = value.get(key, by_name.get(key.lower()))
            if item is not None and (made := reader(item, f"{name}.{key}")) not in ("", False, [], {}):
                read_fields[key] = made
            elif key in always:
                read_fields[key] = ""
        return read_fields

    return read


def _list_of(reader: Reader, go: str) -> Reader:
    def read(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise _mismatch(value, where, go)
        return [reader(item, where) for item in value if item is not None]

    return read


_dependency = _record(
    "Dependency",
    {
        "name": _text,
        "version": _text,
        "repository": _text,
        "condition": _text,
        "tags": _texts,
        "enabled": _truth,
        "import-values": _anything_list,
        "alias": _text,
    },
    "chart.Dependency",
    always=("name", "repository"),
)
_maintainer = _record("Maintainer", {"name": _text, "email": _text, "url": _text}, "chart.Maintainer")
_dependencies = _list_of(_dependency, "[]*chart.Dependency")
#: In the order in which Helm writes them as JSON.
_metadata = _record(
    "Metadata",
    {
        "name": _text,
        "home": _text,
        "sources": _texts,
        "version": _text,
        "description": _text,
        "keywords": _texts,
        "maintainers": _list_of(_maintainer, "[]*chart.Maintainer"),
        "icon": _text,
        "apiVersion": _text,
        "condition": _text,
        "tags": _text,
        "appVersion": _text,
        "deprecated": _truth,
        "annotations": _text_map,
        "kubeVersion": _text,
        "dependencies": _dependencies,
        "type": _text,
    },
    "chart.Metadata",
)
_lock = _record("Lock", {"generated": _text, "digest": _text, "dependencies": _dependencies}, "chart.Lock")


def metadata_of(content: Any, file: str = "Chart.yaml") -> dict[str, Any]:
    """The fields that Helm knows, in its types. Raises ChartError where one has another type."""
    return _read(_metadata, content, file)


def lock_of(content: Any, file: str = "Chart.lock") -> dict[str, Any]:
    """The fields of a lock file."""
    return _read(_lock, content, file)


def check(metadata: dict[str, Any]) -> None:
    """Raise ValidationError for what Helm does not accept."""
    for field in ("apiVersion", "name", "version"):
        if not metadata.get(field):
            raise ValidationError(f"chart.metadata.{field} is required")
        if field == "name" and ("/" in metadata["name"] or metadata["name"] in (".", "..")):
            raise ValidationError(f'chart.metadata.name "{metadata["name"]}" is invalid')
    if not _is_version(metadata["version"]):
        raise ValidationError(f'chart.metadata.version "{metadata["version"]}" is invalid', "versions are as in 1.2.3")
    if metadata.get("type", "") not in ("", "application", "library"):
        raise ValidationError("chart.metadata.type must be application or library")
    for dependency in metadata.get("dependencies", ()):
        name, alias = dependency.get("name", ""), dependency.get("alias", "")
        if alias and not _ALIAS.fullmatch(alias):
            raise ValidationError(f'dependency "{name}" has disallowed characters in the alias')


def _read(reader: Reader, content: Any, file: str) -> dict[str, Any]:
    try:
        read: dict[str, Any] = reader(content if content is not None else {}, "")
    except _MismatchError as error:
        raise ChartError(f"cannot load {file}: {error}", f"correct {file}") from None
    return read


class _MismatchError(Exception):
    pass


def _mismatch(value: Any, where: str, wanted: str) -> _MismatchError:
    from corral.api.jsonvalues import json_kind

    got = json_kind(value)
    of = f"Go struct field {where}" if where else "Go value"
    return _MismatchError(
        f"error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {got} into {of} of type {wanted}"
    )


def _is_version(text: str) -> bool:
    parts = text.split(".")
    if len(parts) == 3 and text.isascii() and all(map(str.isdigit, parts)):
        return True  # as nearly all are, and no expression is compiled for them
    return _VERSION.fullmatch(text) is not None
