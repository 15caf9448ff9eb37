"""Values of JSON and YAML texts that carry more than Python's own, what Go calls their kinds, and how deep they may nest."""

from corral.base.annotations import Any, Iterator

#: Of free-form values. Go's limit is 10,000; no real object comes near this one, and Python's own stack ends before Go's.
MAX_DEPTH = 200
TOO_DEEP = "exceeded max depth"


class Repeated(dict[str, Any]):
    """A JSON object in which keys occurred more than once; the last ones count."""

    repeated: tuple[str, ...] = ()


def repeated_keys(value: Any, path: str = "") -> Iterator[str]:
    """The paths of keys that occurred more than once (of what `jsontext.parse_exactly` made)."""
    if isinstance(value, Repeated):
        yield from (f"{path}.{key}" if path else key for key in value.repeated)
    if isinstance(value, dict):
        for key, item in value.items():
            yield from repeated_keys(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from repeated_keys(item, f"{path}[{i}]")


class Decimal(float):
    """A number with a point or an exponent, and the text it had."""

    text: str = ""


def json_kind(value: Any, number: str = "") -> str:
    """What Go's decoder calls a value that it cannot use; `number`: the text of a number, where it is to be shown."""
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
