"""Warnings about pods and pod templates: what is deprecated, ignored or probably a mistake."""

from collections.abc import Iterator

from corral.api import names
from corral.api.fields import Path
from corral.api.kinds.podannotations import APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD
from corral.api.objects import Object
from corral.api.podcontainers import containers_at
from corral.api.quantity import parse

_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}
_VOLUMES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}


def pod_warnings(template: Object, path: Path) -> list[str]:
    """The warnings for a pod, or for a template at `path`."""
    spec, metadata = template.get("spec") or {}, template.get("metadata") or {}
    at = path.child("spec")
    return [
        *_labels(spec, at),
        *_annotations(metadata.get("annotations") or {}, path.child("metadata", "annotations")),
        *_volumes(spec, at.child("volumes")),
        *_references(spec, at),
        *_containers(spec, at),
        *_duplicates(spec, at),
    ]


def name_warnings(obj: Object, used_in: str = "Pod names and hostnames") -> list[str]:
    """A name that makes no good host name."""
    wrong = names.dns_label(obj["metadata"].get("name", ""))
    if not wrong:
        return []
    text = f"this is used in {used_in}, which can result in surprising behavior; a DNS label is recommended"
    return [f"metadata.name: {text}: [{' '.join(wrong)}]"]


def _labels(spec: Object, path: Path) -> Iterator[str]:
    for label in sorted(spec.get("nodeSelector") or ()):
        if label in _LABELS:
            yield f"{path.child('nodeSelector').key(label)}: {_LABELS[label]}"
    for i, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        at = path.child("topologySpreadConstraints").at(i)
        key = constraint.get("topologyKey", "")
        if key in _LABELS:
            yield f"{at.child('topologyKey')}: {key} is {_LABELS[key]}"
        if constraint.get("labelSelector") is None:
            yield f"{at.child('labelSelector')}: a null labelSelector results in matching no pod"


def _annotations(annotations: dict[str, str], path: Path) -> Iterator[str]:
    for key in sorted(annotations):
        if key in _ANNOTATIONS:
            yield f"{path.key(key)}: {_ANNOTATIONS[key]}"
        elif key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            yield f'{path.key(key)}: non-functional in v1.27+; use the "seccompProfile" field instead'
        elif key.startswith(APP_ARMOR):
            yield f'{path.key(key)}: deprecated since v1.30; use the "appArmorProfile" field instead'


def _volumes(spec: Object, path: Path) -> Iterator[str]:
    for i, volume in enumerate(spec.get("volumes") or ()):
        for kind, text in _VOLUMES.items():
            if volume.get(kind) is not None:
                yield f"{path.at(i).child(kind)}: {text}"
        claim = ((volume.get("ephemeral") or {}).get("volumeClaimTemplate") or {}).get("spec") or {}
        requested = ((claim.get("resources") or {}).get("requests") or {}).get("storage")
        if requested is not None and parse(requested).milli() % 1000:
            at = path.at(i).child("ephemeral", "volumeClaimTemplate", "spec", "resources", "requests").key("storage")
            yield f'{at}: fractional byte value "{requested}" is invalid, must be an integer'


def _references(spec: Object, path: Path) -> Iterator[str]:
    secrets = spec.get("imagePullSecrets") or []
    for i, secret in enumerate(secrets):
        at, name = path.child("imagePullSecrets").at(i), secret.get("name", "")
        if not name:
            yield f'{at}: invalid empty name ""'
        elif secret in secrets[:i]:
            yield f'{at}: duplicate name "{name}"'
    for i, alias in enumerate(spec.get("hostAliases") or ()):
        if any(a.get("ip") == alias.get("ip") for a in (spec.get("hostAliases") or ())[:i]):
            yield f'{path.child("hostAliases").at(i).child("ip")}: duplicate ip "{alias.get("ip", "")}"'
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        shown = "must be >= 0; negative values are invalid and will be treated as 1"
        yield f"{path.child('terminationGracePeriodSeconds')}: {shown}"


def _containers(spec: Object, path: Path) -> Iterator[str]:
    for at, container in containers_at(spec, path):
        for part in ("limits", "requests"):
            amounts = (container.get("resources") or {}).get(part) or {}
            for name in ("memory", "ephemeral-storage"):
                if name in amounts and parse(amounts[name]).milli() % 1000:
                    where = at.child("resources", part).key(name)
                    yield f'{where}: fractional byte value "{amounts[name]}" is invalid, must be an integer'
        variables = [e.get("name") for e in container.get("env") or ()]
        for j, name in enumerate(variables):
            if name in variables[:j]:
                where = at.child("env").at(j)
                yield f'{where}: hides previous definition of "{name}", which may be dropped when using apply'


def _duplicates(spec: Object, path: Path) -> Iterator[str]:
    for kind in ("containers", "initContainers"):
        for i, container in enumerate(spec.get(kind) or ()):
            seen: dict[tuple[str, int], int] = {}
            for j, port in enumerate(container.get("ports") or ()):
                key = (port.get("protocol", ""), port.get("containerPort", 0))
                if key in seen and not port.get("hostPort"):
                    at = path.child(kind).at(i).child("ports")
                    yield f"{at.at(j)}: duplicate port definition with {at.at(seen[key])}"
                seen.setdefault(key, j)
