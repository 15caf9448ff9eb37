"""What templates render to: the objects, whether they can be read, and what is odd about them."""

from corral.api.jsonvalues import json_kind
from corral.api.plainyaml import value_of
from corral.base.annotations import Any, Iterator
from corral.charts.lint.deprecations import deprecation
from corral.charts.lint.messages import ERROR, WARNING, Findings
from corral.charts.names import is_subdomain

_WORKLOADS = ("Deployment", "ReplicaSet", "DaemonSet", "StatefulSet")
_DECODING = "error unmarshaling JSON: while decoding JSON: "
_STRUCT = "K8sYamlStruct"
#: So long may every name be.
_SHORT = 63
_ITEM = "struct { Metadata struct { Annotations map[string]string } }"


def examine(path: str, text: str, version: str, findings: Findings) -> None:
    """Look at each document of a file; one that cannot be read keeps none of the others from being looked at."""
    for document in _documents(text):
        if isinstance(document, _Separator):
            findings.add(ERROR, path, f"unable to parse YAML: invalid Yaml document separator: {document}")
            continue
        try:
            value = value_of(document.encode("utf-8", "surrogateescape"))
        except ValueError as error:
            findings.add(ERROR, path, f"unable to parse YAML: {error}")
            continue
        if value is None:
            continue
        head = _Head(value)
        findings.add(ERROR, path, head.fault and f"unable to parse YAML: {_DECODING}{head.fault}")
        findings.add(WARNING, path, _name(head))
        findings.add(WARNING, path, deprecation(head.api_version, head.kind, version))
        findings.add(ERROR, path, _selector(head, text))
        findings.add(ERROR, path, _list(text) if head.kind == "List" else "")


class _Separator(str):
    """What follows three dashes and may not."""

    __slots__ = ()


def _documents(text: str) -> Iterator[str]:
    """The documents as the API machinery cuts them: at lines of three dashes, behind which only a comment may be.

    A line that has more takes what is before it along.
    """
    held: list[str] = []
    for line in text.split("\n"):
        if not line.startswith("---"):
            held.append(line.removesuffix("\r"))
            continue
        more = line[3:].strip()
        if more and not more.startswith("#"):
            held = []
            yield _Separator(more)
        elif held:
            yield "\n".join(held) + "\n"
            held = []
        else:
            held = [line]
    if held:
        yield "\n".join(held)


class _Head:
    """The fields that are looked at: text, whatever scalar they are. `fault` is the first of another type, as Go tells it."""

    __slots__ = ("api_version", "fault", "kind", "name")

    def __init__(self, value: Any) -> None:
        self.fault = ""
        top = self._table(value, f"Go value of type rules.{_STRUCT}")
        self.api_version = self._text(top.get("apiVersion"), "apiVersion")
        self.kind = self._text(top.get("kind"), "Kind")
        meta = self._table(top.get("metadata"), f"Go struct field {_STRUCT}.Metadata of type rules.k8sYamlMetadata")
        self.name = self._text(meta.get("name"), "Metadata.Name")
        self._text(meta.get("namespace"), "Metadata.Namespace")

    def _mismatch(self, value: Any, wanted: str) -> None:
        self.fault = self.fault or f"json: cannot unmarshal {json_kind(value)} into {wanted}"

    def _table(self, value: Any, wanted: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if value is not None:
            self._mismatch(value, wanted)
        return {}

    def _text(self, value: Any, field: str) -> str:
        if isinstance(value, dict | list):
            self._mismatch(value, f"Go struct field {_STRUCT}.{field} of type string")
            return ""
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _name(head: _Head) -> str:
    name = head.name
    if len(name) <= _SHORT and "." not in name and is_subdomain(name) and name[0].isalpha():
        return ""  # of every kind; the rules take longer to load than to check
    from corral.charts.lint import naming

    told = [f'metadata.name: Invalid value: "{name}": {fault}' for fault in naming.faults(head.kind, name)]
    if not told:
        return ""
    together = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    return f'object name does not conform to Kubernetes naming requirements: "{head.name}": {together}'


def _selector(head: _Head, text: str) -> str:
    """As with Helm, a selector anywhere in the file will do."""
    if head.kind not in _WORKLOADS or "matchLabels" in text or "matchExpressions" in text:
        return ""
    return f'a {head.kind} must contain matchLabels or matchExpressions, and "{head.name}" does not'


def _list(text: str) -> str:
    """As with Helm, the items are those of the file's first document."""
    try:
        first = value_of(text.encode("utf-8", "surrogateescape"))
    except ValueError as error:
        return f"unable to parse YAML: {error}"
    items = first.get("items") if isinstance(first, dict) else None
    if not isinstance(items, list | None):
        return _no_items(items, f"[]{_ITEM}")
    for item in items or ():
        if not isinstance(item, dict | None):
            return _no_items(item, _ITEM)
        meta = (item or {}).get("metadata")
        annotations = meta.get("annotations") if isinstance(meta, dict) else None
        if isinstance(annotations, dict) and "helm.sh/resource-policy" in annotations:
            return "Annotation 'helm.sh/resource-policy' within List objects are ignored"
    return ""


def _no_items(value: Any, wanted: str) -> str:
    fault = f"json: cannot unmarshal {json_kind(value)} into Go struct field .Items of type {wanted}"
    return f"unable to parse YAML: {_DECODING}{fault}"
