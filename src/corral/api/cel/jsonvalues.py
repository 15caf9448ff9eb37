"""Values of CEL as JSON has them: what mutations of admission policies put into objects.

https://github.com/google/cel-spec/blob/master/doc/langdef.md#json-data-conversion
"""

import base64
from typing import Any

from corral.api.cel.errors import EvaluationError
from corral.api.cel.times import timestamp_text
from corral.api.cel.values import SECOND_NS, Duration, Timestamp, kind

#: A value that is held many times in itself (`[x, x]`, again and again) is small here and huge as JSON.
_MAX_PARTS = 1_000_000


def as_json(value: Any) -> Any:
    """The JSON of a value, a copy. Raises EvaluationError for what has no form there (a type, an address) or is too large."""
    return _copied(value, [_MAX_PARTS])


def _copied(value: Any, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise EvaluationError(f"a value of more than {_MAX_PARTS} parts can not be JSON")
    if value is None or isinstance(value, bool | str | float):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, list):
        return [_copied(item, left) for item in value]
    if isinstance(value, dict):
        return {_key(key): _copied(item, left) for key, item in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Timestamp):
        return timestamp_text(value)
    if isinstance(value, Duration):
        return f"{value.ns / SECOND_NS:.9f}".rstrip("0").rstrip(".") + "s"
    raise EvaluationError(f"unsupported conversion to JSON from {kind(value)}")


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return str(key)
