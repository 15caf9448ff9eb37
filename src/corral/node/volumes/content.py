"""What the files of configMap, secret, downwardAPI and projected volumes hold. Pure: everything fetched is an argument.

https://kubernetes.io/docs/concepts/storage/volumes/ and https://kubernetes.io/docs/concepts/storage/projected-volumes/
"""

import base64
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from corral.api.objects import Object
from corral.node.facts import NodeFacts, field_value, resource_value
from corral.node.references import Reference
from corral.node.volumes.atomic import File

DEFAULT_MODE = 0o644
GROUP_READ = 0o440
OWNER_READ = 0o600


class VolumeError(Exception):
    """A volume cannot be made now; people see the text in the event FailedMount."""


class Material(Struct, frozen=True):
    """What volumes are made from: fetched objects, the node, and tokens (index of the projected source → token)."""

    lookup: Callable[[Reference], Object | None]
    node: NodeFacts
    pod_ips: Sequence[str]
    tokens: Mapping[tuple[str, int], str]


def files_of(pod: Object, volume: Object, material: Material) -> dict[str, File]:
    """Path → file of a volume of one of the four kinds. Raises VolumeError, ConfigError."""
    group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    if source := volume.get("configMap"):
        files = _of_object(pod, "configmaps", source.get("name", ""), source, material)
    elif source := volume.get("secret"):
        files = _of_object(pod, "secrets", source.get("secretName", ""), source, material)
    elif source := volume.get("downwardAPI"):
        files = _downward(pod, source, source.get("defaultMode", DEFAULT_MODE), material)
    else:
        source = volume["projected"]
        files = _projected(pod, volume["name"], source, material)
    if group is None:
        return files
    return {path: File(f.content, f.mode | GROUP_READ, f.uid, group) for path, f in files.items()}


def is_content(volume: Object) -> bool:
    """Whether the volume is of a kind that this module makes."""
    return any(kind in volume for kind in ("configMap", "secret", "downwardAPI", "projected"))


def token_sources(volume: Object) -> list[tuple[int, Object]]:
    """The service account tokens that a projected volume holds: index of the source, and its specification."""
    sources = (volume.get("projected") or {}).get("sources") or ()
    return [(i, s["serviceAccountToken"]) for i, s in enumerate(sources) if s.get("serviceAccountToken")]


def _of_object(
    pod: Object, resource: str, name: str, source: Object, material: Material, default_mode: int | None = None
) -> dict[str, File]:
    namespace = pod["metadata"].get("namespace", "")
    mode = default_mode if default_mode is not None else source.get("defaultMode", DEFAULT_MODE)
    optional = bool(source.get("optional"))
    found = material.lookup(Reference(resource, namespace, name))
    if found is None:
        if optional:
            return {}
        raise VolumeError(f'{resource.removesuffix("s")} "{name}" not found')
    values = contents(resource, found)
    if not source.get("items"):
        return {key: File(value, mode) for key, value in values.items()}
    files = {}
    for item in source["items"]:
        if item["key"] not in values:
            if optional:
                continue
            kind = "configmap" if resource == "configmaps" else "secret"
            raise VolumeError(f"{kind} references non-existent {kind.replace('map', '')} key: {item['key']}")
        files[item["path"]] = File(values[item["key"]], item.get("mode") if item.get("mode") is not None else mode)
    return files


def contents(resource: str, found: Object) -> dict[str, bytes]:
    """Key → bytes of a ConfigMap or Secret."""
    binary = found.get("data") if resource == "secrets" else found.get("binaryData")
    made = {key: base64.b64decode(value) for key, value in (binary or {}).items()}
    if resource == "configmaps":
        made |= {key: value.encode() for key, value in (found.get("data") or {}).items()}
    return made


def _downward(pod: Object, source: Object, mode: int, material: Material) -> dict[str, File]:
    files = {}
    for item in source.get("items") or ():
        if item.get("fieldRef"):
            text = field_value(pod, item["fieldRef"]["fieldPath"], material.node, material.pod_ips)
        else:
            text = resource_value(pod, item["resourceFieldRef"], "", material.node)
        files[item["path"]] = File(text.encode(), item.get("mode") if item.get("mode") is not None else mode)
    return files


def _projected(pod: Object, name: str, source: Object, material: Material) -> dict[str, File]:
    mode = source.get("defaultMode", DEFAULT_MODE)
    files: dict[str, File] = {}
    for i, part in enumerate(source.get("sources") or ()):
        if inner := part.get("configMap"):
            files |= _of_object(pod, "configmaps", inner.get("name", ""), inner, material, mode)
        elif inner := part.get("secret"):
            files |= _of_object(pod, "secrets", inner.get("name", ""), inner, material, mode)
        elif inner := part.get("downwardAPI"):
            files |= _downward(pod, inner, mode, material)
        elif inner := part.get("serviceAccountToken"):
            files[inner["path"]] = _token_file(pod, material.tokens[name, i].encode(), mode)
        elif kinds := [kind for kind in ("clusterTrustBundle", "podCertificate") if part.get(kind)]:
            raise VolumeError(f"this node cannot make what sources of the kind {kinds[0]} hold")
    return files


def _token_file(pod: Object, token: bytes, mode: int) -> File:
    """A token is readable by whom the containers run as, where that is one user; by the group with fsGroup; else as asked."""
    if (pod["spec"].get("securityContext") or {}).get("fsGroup") is not None:
        return File(token, OWNER_READ)
    users = set()
    for container in [c for n in ("initContainers", "containers") for c in pod["spec"].get(n) or ()]:
        own = (container.get("securityContext") or {}).get("runAsUser")
        users.add(own if own is not None else (pod["spec"].get("securityContext") or {}).get("runAsUser"))
    if len(users) == 1 and (user := users.pop()) is not None:
        return File(token, OWNER_READ, uid=user)
    return File(token, mode)
