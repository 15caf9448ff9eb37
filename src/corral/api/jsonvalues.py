"""Values of JSON and YAML texts that carry more than Python's own, and how deep such values may nest."""

from typing import Any

#: Of free-form values. Go's limit is 10,000; no real object comes near this one, and Python's own stack ends before Go's.
MAX_DEPTH = 200
TOO_DEEP = "exceeded max depth"


class Repeated(dict[str, Any]):
    """A JSON object in which keys occurred more than once; the last ones count."""

    repeated: tuple[str, ...] = ()


class Decimal(float):
    """A number with a point or an exponent, and the text it had."""

    text: str = ""
