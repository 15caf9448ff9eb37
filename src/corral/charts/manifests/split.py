"""From rendered files to manifests and hooks: documents are split, partials and empty ones dropped, kinds ordered.

https://helm.sh/docs/topics/charts_hooks/
"""

import sys

from corral.base.annotations import Any, Iterator, Mapping, NamedTuple
from corral.charts.chart.errors import ChartError
from corral.charts.manifests.order import INSTALL, ordered

HOOK = "helm.sh/hook"
HOOK_WEIGHT = "helm.sh/hook-weight"
HOOK_DELETE_POLICY = "helm.sh/hook-delete-policy"
#: Of a hook's weight.
_MAX_DIGITS = 18
RESOURCE_POLICY = "helm.sh/resource-policy"
EVENTS = (
    *("pre-install", "post-install", "pre-delete", "post-delete", "pre-upgrade", "post-upgrade"),
    *("pre-rollback", "post-rollback", "test"),
)
#: Go's `\s`: no vertical tab, no Unicode.
_BLANK = " \t\n\f\r\v"


class Manifest(NamedTuple):
    """One document of a template's output."""

    path: str
    content: str
    kind: str
    name: str = ""


class Hook:
    """A manifest that is applied at an event of a release; `last_run` is how that went, as Helm stores it."""

    __slots__ = ("delete_policies", "events", "kind", "last_run", "manifest", "name", "path", "weight")

    def __init__(
        self,
        name: str,
        kind: str,
        path: str,
        manifest: str,
        events: list[str],
        weight: int = 0,
        delete_policies: list[str] | None = None,
        last_run: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.path = path
        self.manifest = manifest
        self.events = events
        self.weight = weight
        self.delete_policies = delete_policies or []
        self.last_run = last_run or {}


class Sorted(NamedTuple):
    """The manifests of a release and its hooks, each in the order of installation."""

    hooks: list[Hook]
    manifests: list[Manifest]

    def text(self) -> str:
        """The manifests as one text: what a release stores."""
        return "".join(f"---\n# Source: {m.path}\n{m.content}\n" for m in self.manifests)


def documents(text: str) -> Iterator[str]:
    """The documents of a YAML text, not parsed; empty ones are left out."""
    text = text.strip()
    rest = text.removeprefix("---")
    while rest:
        # The end of the line of a separator is not the beginning of the next one.
        part, _, rest = rest.lstrip().partition("\n---")
        if part := part.strip():
            yield part


def sort(files: Mapping[str, str]) -> Sorted:
    """Rendered files (path → text) as hooks and manifests. Raises ChartError for text that is no YAML."""
    hooks: list[Hook] = []
    manifests: list[Manifest] = []
    for path in sorted(files):
        if path.rsplit("/", 1)[-1].startswith("_") or not files[path].strip():
            continue
        for document in documents(files[path]):
            head = read_head(document, path)
            annotations = head.annotations
            if HOOK not in annotations:
                manifests.append(Manifest(path, document, head.kind, head.name))
            elif (hook := _hook(document, path, head)) is not None:
                hooks.append(hook)
    return Sorted(ordered(hooks, lambda h: h.kind, INSTALL), ordered(manifests, lambda m: m.kind, INSTALL))


class Head(NamedTuple):
    """What is read of a manifest to place it."""

    api_version: str
    kind: str
    name: str
    annotations: dict[str, str]


def read_head(document: str, path: str) -> Head:
    """Kind, name and annotations of a document. Raises ChartError where it is no YAML."""
    from corral.charts.manifests.heads import read

    try:
        return Head(*read(document))
    except ValueError as error:
        raise ChartError(
            f"YAML parse error on {path}: {error}", "see what is rendered: corral chart template --debug"
        ) from None


def _hook(document: str, path: str, head: Head) -> Hook | None:
    kinds = head.annotations[HOOK]
    events = [word.strip().lower() for word in kinds.split(",")]
    events = ["test" if event == "test-success" else event for event in events]
    if any(event not in EVENTS for event in events):
        print(f'info: skipping unknown hook: "{kinds}"', file=sys.stderr)
        return None
    policies = head.annotations.get(HOOK_DELETE_POLICY)
    return Hook(
        name=head.name,
        kind=head.kind,
        path=path,
        manifest=document,
        events=events,
        weight=_weight(head.annotations.get(HOOK_WEIGHT, "")),
        delete_policies=[word.strip().lower() for word in policies.split(",")] if policies is not None else [],
    )


def _weight(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else 0
