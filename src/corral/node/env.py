"""The environment of a container: Services, envFrom, env, valueFrom and $(VAR). Pure.

https://kubernetes.io/docs/tasks/inject-data-application/ and https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from corral.api.objects import Object
from corral.base.addresses import bracketed
from corral.node.envfile import value_in
from corral.node.facts import ConfigError, NodeFacts, field_value, resource_value
from corral.node.references import Reference

Lookup = Callable[[Reference], Object | None]
ReadFile = Callable[[str, str], str]
_EXPANSION = re.compile(r"\$(\$|\((?P<name>[^()]*)\))")
_MASTER = ("default", "kubernetes")


def _no_files(volume: str, path: str) -> str:
    raise FileNotFoundError(path)


def environment(
    pod: Object,
    container: Object,
    lookup: Lookup,
    services: Iterable[Object],
    node: NodeFacts,
    pod_ips: Sequence[str],
    read: ReadFile = _no_files,
) -> dict[str, str]:
    """Name → value; `read(volume, path)` is the text of a file in one of the pod's volumes, and raises OSError.

    Raises ConfigError where something it needs is missing.
    """
    links = service_links(pod, services)
    made: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        made |= _from_source(pod, source, lookup)
    for variable in container.get("env") or ():
        name = variable["name"]
        if variable.get("valueFrom"):
            value = _value_from(pod, container, variable["valueFrom"], lookup, node, pod_ips, read)
        else:
            value = expand(str(variable.get("value") or ""), {**links, **made})
        if value is not None:
            made[name] = value
    return made | {name: value for name, value in links.items() if name not in made}


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` becomes the variable's value where there is one; `$$` becomes `$`."""

    def replace(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return "$"
        return variables.get(name, match[0])

    return _EXPANSION.sub(replace, text)


def service_links(pod: Object, services: Iterable[Object]) -> dict[str, str]:
    """The variables that tell of Services: those of the pod's namespace unless it declines, and always the API's."""
    namespace = pod["metadata"].get("namespace", "")
    wanted = pod["spec"].get("enableServiceLinks", True)
    made: dict[str, str] = {}
    for service in services:
        meta = service["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        if key == _MASTER or (wanted and key[0] == namespace):
            own = _of_service(service)
            made = own | made if key == _MASTER and namespace != _MASTER[0] else made | own
    return made


def _of_service(service: Object) -> dict[str, str]:
    spec = service["spec"]
    ip, ports = spec.get("clusterIP"), spec.get("ports") or ()
    if not ip or ip == "None" or not ports:
        return {}
    prefix = service["metadata"]["name"].upper().replace("-", "_")
    host = bracketed(ip)
    made = {f"{prefix}_SERVICE_HOST": ip, f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            made[f"{prefix}_SERVICE_PORT_{port['name'].upper().replace('-', '_')}"] = str(port["port"])
    for i, port in enumerate(ports):
        protocol = (port.get("protocol") or "TCP").upper()
        url = f"{protocol.lower()}://{host}:{port['port']}"
        if i == 0:
            made[f"{prefix}_PORT"] = url
        one = f"{prefix}_PORT_{port['port']}_{protocol}"
        made |= {one: url, f"{one}_PROTO": protocol.lower(), f"{one}_PORT": str(port["port"]), f"{one}_ADDR": ip}
    return made


def _from_source(pod: Object, source: Object, lookup: Lookup) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    for field, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
        reference = source.get(field)
        if reference is None:
            continue
        found = _find(pod, resource, reference, lookup)
        if found is None:
            return {}
        return {prefix + key: value for key, value in texts(resource, found).items()}
    return {}


def _find(pod: Object, resource: str, reference: Object, lookup: Lookup) -> Object | None:
    name = reference.get("name") or ""
    found = lookup(Reference(resource, pod["metadata"].get("namespace", ""), name))
    if found is None and not reference.get("optional"):
        raise ConfigError(f'{resource.removesuffix("s")} "{name}" not found')
    return found


def texts(resource: str, found: Object) -> dict[str, str]:
    """The values of a ConfigMap or Secret as text."""
    if resource == "configmaps":
        return dict(found.get("data") or {})
    return {k: base64.b64decode(v).decode("utf-8", "surrogateescape") for k, v in (found.get("data") or {}).items()}


def _value_from(
    pod: Object, container: Object, source: Object, lookup: Lookup, node: NodeFacts, pod_ips: Sequence[str], read: ReadFile
) -> str | None:
    if reference := source.get("fieldRef"):
        return field_value(pod, reference["fieldPath"], node, pod_ips)
    if reference := source.get("resourceFieldRef"):
        return resource_value(pod, reference, container["name"], node)
    if reference := source.get("fileKeyRef"):
        return _from_file(reference, read)
    for field, resource, kind in (("configMapKeyRef", "configmaps", "ConfigMap"), ("secretKeyRef", "secrets", "Secret")):
        reference = source.get(field)
        if reference is None:
            continue
        found = _find(pod, resource, reference, lookup)
        values = {} if found is None else texts(resource, found)
        if reference["key"] in values:
            return values[reference["key"]]
        if reference.get("optional"):
            return None
        where = f"{pod['metadata'].get('namespace', '')}/{reference['name']}"
        raise ConfigError(f"couldn't find key {reference['key']} in {kind} {where}")
    return None


def _from_file(reference: Object, read: ReadFile) -> str | None:
    path, key = reference["path"], reference["key"]
    try:
        value = value_in(read(reference["volumeName"], path), key)
    except FileNotFoundError:
        if reference.get("optional"):
            return None
        raise ConfigError(f"environment variable file {path} not found in volume {reference['volumeName']}") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"couldn't parse env file {path}: {error}") from None
    if value is None and not reference.get("optional"):
        raise ConfigError(f'environment variable key "{key}" not found in file "{path}"')
    return value
