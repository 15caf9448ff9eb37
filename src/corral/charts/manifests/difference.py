"""What differs between two manifests, object by object, as a person reads it. Pure.

Secrets are told as changed and not shown, unless that is asked for.
"""

import difflib
import hashlib
from typing import Any, NamedTuple

import yaml

from corral.api.jsontext import TextError
from corral.api.yamltext import parse
from corral.charts.manifests.split import documents

RED, GREEN, CYAN, BOLD, PLAIN = "\033[31m", "\033[32m", "\033[36m", "\033[1m", "\033[0m"


class Change(NamedTuple):
    """One object that differs: added, removed or changed; its text before and after."""

    title: str
    kind: str
    before: str
    after: str


def changes(before: str, after: str, *, show_secrets: bool = False) -> list[Change]:
    """The objects that differ, in the order of the new manifest, then those that go."""
    old, new = _objects(before), _objects(after)
    found = []
    for title in [*new, *(title for title in old if title not in new)]:
        was, will = old.get(title), new.get(title)
        if was == will:
            continue
        kind = "added" if was is None else "removed" if will is None else "changed"
        found.append(Change(title, kind, _shown(was, show_secrets), _shown(will, show_secrets)))
    return found


def _objects(manifest: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for document in documents(manifest):
        try:
            obj, _ = parse(document.encode())
        except TextError:
            continue
        if isinstance(obj, dict):
            meta = obj.get("metadata") or {}
            namespace = f"{meta['namespace']}/" if meta.get("namespace") else ""
            found[f"{obj.get('kind', '')} {namespace}{meta.get('name', '')} ({obj.get('apiVersion', '')})"] = obj
    return found


def _shown(obj: Any, show_secrets: bool) -> str:
    if obj is None:
        return ""
    if obj.get("kind") == "Secret" and not show_secrets:
        hidden = {
            part: {key: _hidden(value) for key, value in (obj.get(part) or {}).items()}
            for part in ("data", "stringData")
            if obj.get(part)
        }
        obj = {**obj, **hidden}
    text: str = yaml.safe_dump(obj, sort_keys=False, width=1000, allow_unicode=True)
    return text


def _hidden(value: Any) -> str:
    """What stands for a secret value: its size and a few digits, so that a change shows and the value does not."""
    text = str(value)
    return f"REDACTED ({len(text)} characters, {hashlib.sha256(text.encode()).hexdigest()[:8]})"


def text_of(found: list[Change], context: int, *, colour: bool) -> str:
    """The changes as a unified diff with `context` lines around each (-1: all)."""
    lines: list[str] = []
    for change in found:
        lines.append(
            _painted(f"{change.title} {'has changed' if change.kind == 'changed' else 'is ' + change.kind}:", BOLD, colour)
        )
        before, after = change.before.splitlines(), change.after.splitlines()
        around = len(before) + len(after) if context < 0 else context
        for line in list(difflib.unified_diff(before, after, lineterm="", n=around))[2:]:
            paint = {"+": GREEN, "-": RED, "@": CYAN}.get(line[:1], "")
            lines.append(_painted(line, paint, colour))
    return "\n".join(lines) + "\n" if lines else ""


def _painted(text: str, paint: str, colour: bool) -> str:
    return f"{paint}{text}{PLAIN}" if colour and paint else text
