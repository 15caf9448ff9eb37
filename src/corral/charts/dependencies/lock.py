"""Chart.lock: which versions a chart's dependencies were resolved to, and the digest that ties it to Chart.yaml.

https://helm.sh/docs/helm/helm_dependency_build/
"""

import hashlib
import json
from typing import Any

from corral.charts.chart.errors import ChartError

_FIELDS = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")
_ALWAYS = ("name", "repository")


def digest(wanted: list[dict[str, Any]], locked: list[dict[str, Any]]) -> str:
    """The digest of what Chart.yaml names and what it was resolved to, over the JSON that Go writes of both."""
    both = [[_ordered(one) for one in wanted], [_ordered(one) for one in locked]]
    text = json.dumps(both, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _ordered(one: dict[str, Any]) -> dict[str, Any]:
    return {key: one.get(key, "") for key in _FIELDS if one.get(key) or key in _ALWAYS}


def locked(one: dict[str, Any], version: str) -> dict[str, Any]:
    """An entry of the lock file."""
    return {"name": one.get("name", ""), "repository": one.get("repository", ""), "version": version}


def check(wanted: list[dict[str, Any]], lock: dict[str, Any]) -> None:
    """Raise ChartError where the lock file is of another Chart.yaml."""
    if lock.get("digest") != digest(wanted, lock.get("dependencies") or []):
        raise ChartError(
            "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies",
            "corral chart dependency update",
        )
