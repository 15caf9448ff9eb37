"""The difference of two specs, as it is told to somebody who tried to change what may not change."""

import difflib
import json
from typing import Any

_NAMES = {
    "tty": "TTY",
    "hostPID": "HostPID",
    "hostIPC": "HostIPC",
    "dnsPolicy": "DNSPolicy",
    "dnsConfig": "DNSConfig",
    "os": "OS",
}


def diff(old: Any, new: Any) -> str:
    """A unified diff of both as JSON with one space of indentation and Go's field names."""
    lines = difflib.unified_diff(_lines(old), _lines(new), lineterm="")
    return "\n".join(line for i, line in enumerate(lines) if i > 1) + "\n"


def _lines(value: Any) -> list[str]:
    return json.dumps(_named(value), indent=1, ensure_ascii=False).splitlines()


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return {_NAMES.get(k, k[:1].upper() + k[1:]): _named(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_named(v) for v in value]
    return value
