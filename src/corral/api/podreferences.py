"""What a pod refers to: the Secrets, ConfigMaps and claims that its node fetches, and that the node authorizer lets it read."""

from collections.abc import Iterator
from typing import Any

from corral.api.objects import Object
from corral.api.podcontainers import containers


def secrets(spec: Object) -> set[str]:
    """The names of the Secrets that a pod spec mentions."""
    names = {ref.get("name", "") for ref in spec.get("imagePullSecrets") or ()}
    for container in containers(spec):
        names.update(_environment(container, "secretKeyRef", "secretRef"))
    for volume in spec.get("volumes") or ():
        names.update(_volume_secrets(volume))
    return names - {""}


def config_maps(spec: Object) -> set[str]:
    """The names of the ConfigMaps that a pod spec mentions."""
    names: set[str] = set()
    for container in containers(spec):
        names.update(_environment(container, "configMapKeyRef", "configMapRef"))
    for volume in spec.get("volumes") or ():
        names.add((volume.get("configMap") or {}).get("name", ""))
        for source in (volume.get("projected") or {}).get("sources") or ():
            names.add((source.get("configMap") or {}).get("name", ""))
    return names - {""}


def claim_of(pod: Object, volume: Object) -> str:
    """The name of the PersistentVolumeClaim of one of a pod's volumes; '' where it has none.

    That of an ephemeral volume is made for the pod, and named after both (KEP-1698).
    """
    if claim := volume.get("persistentVolumeClaim"):
        return str(claim.get("claimName", ""))
    return f"{pod['metadata']['name']}-{volume['name']}" if volume.get("ephemeral") is not None else ""


def claims(pod: Object) -> set[str]:
    """The names of the PersistentVolumeClaims of a pod, those of its ephemeral volumes included."""
    return {claim_of(pod, volume) for volume in pod["spec"].get("volumes") or ()} - {""}


def resource_claims(pod: Object) -> set[str]:
    """The names of the ResourceClaims of a pod, those made from templates included."""
    names = {claim.get("resourceClaimName", "") for claim in pod["spec"].get("resourceClaims") or ()}
    for status in (pod.get("status") or {}).get("resourceClaimStatuses") or ():
        names.add(status.get("resourceClaimName", ""))
    return names - {""}


def volume_secrets(volume: Object) -> set[tuple[str, str]]:
    """Namespace and name of the Secrets with which a node mounts a PersistentVolume; not those for controllers."""
    spec = volume.get("spec") or {}
    here = (spec.get("claimRef") or {}).get("namespace", "")
    found = set()
    for source in spec.values():
        if not isinstance(source, dict):
            continue
        for key, ref in source.items():
            if key.startswith("controller"):
                continue
            if key == "secretName":  # azureFile
                found.add((source.get("secretNamespace") or here, str(ref)))
            elif key.lower().endswith("secretref") and isinstance(ref, dict):
                found.add((ref.get("namespace") or here, ref.get("name", "")))
    return {(namespace, name) for namespace, name in found if namespace and name}


def _environment(container: Object, key: str, source: str) -> Iterator[str]:
    for variable in container.get("env") or ():
        yield ((variable.get("valueFrom") or {}).get(key) or {}).get("name", "")
    for origin in container.get("envFrom") or ():
        yield (origin.get(source) or {}).get("name", "")


def _volume_secrets(volume: Any) -> Iterator[str]:
    """Every `secretRef`, `...SecretRef`, `secretName` and projected `secret` below a volume."""
    if isinstance(volume, list):
        for item in volume:
            yield from _volume_secrets(item)
    elif isinstance(volume, dict):
        for key, value in volume.items():
            if key == "secretName":
                yield str(value)
            elif isinstance(value, dict) and (key == "secret" or key.lower().endswith("secretref")) and "name" in value:
                yield value["name"]
            else:
                yield from _volume_secrets(value)
