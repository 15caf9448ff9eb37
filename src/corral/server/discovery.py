"""Discovery: which groups, versions and resources there are, plain and aggregated (KEP-3352).

See https://kubernetes.io/docs/reference/using-api/api-concepts/ and .../concepts/overview/kubernetes-api/#discovery-api.
"""

import base64
import hashlib
from collections.abc import Iterable

from corral.api.objects import Object
from corral.api.resources import Catalog, Resource
from corral.server.aggregation import Backends
from corral.server.aggregation.documents import Documents, aggregated_entry

#: What follows the media type of the aggregated document.
AGGREGATED = ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

NONE = Backends()

#: Kinds whose storage version is not the one that is served first; it shows in the hash only.
_STORED_AS = {
    "CustomResourceDefinition": "apiextensions.k8s.io/v1beta1",
    "MutatingAdmissionPolicy": "admissionregistration.k8s.io/v1beta1",
    "MutatingAdmissionPolicyBinding": "admissionregistration.k8s.io/v1beta1",
    "Event": "/v1",
}


def versions(catalog: Catalog, address: str) -> Object:
    """`/api`."""
    return {
        "kind": "APIVersions",
        "versions": list(_groups(catalog, core=True).get("", {})),
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
    }


def group_list(catalog: Catalog, backends: Backends = NONE) -> Object:
    """`/apis`."""
    groups = [_group(name, found) for name, found in _with_others(_groups(catalog), backends).items()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(catalog: Catalog, name: str, backends: Backends = NONE) -> Object | None:
    """`/apis/GROUP`; None where there is no such group."""
    found = _with_others(_groups(catalog), backends).get(name)
    return None if found is None else {"kind": "APIGroup", "apiVersion": "v1", **_group(name, found)}


def resource_list(catalog: Catalog, group: str, version: str) -> Object | None:
    """`/api/v1` and `/apis/GROUP/VERSION`; None where there is no such version."""
    resources = _groups(catalog, core=not group).get(group, {}).get(version)
    if resources is None:
        return None
    entries: list[Object] = []
    for resource in resources:
        entries.append(_resource(catalog, resource))
        entries += _subresources(resource)
    head: Object = {"kind": "APIResourceList"}
    if group:
        head["apiVersion"] = "v1"
    return {**head, "groupVersion": f"{group}/{version}" if group else version, "resources": entries}


def aggregated(catalog: Catalog, *, core: bool, backends: Backends = NONE, others: Documents | None = None) -> Object:
    """All of `/api` or of `/apis` in one document. `others` knows the resources of `backends`; they may be out of date."""
    items = []
    groups = _groups(catalog, core=core)
    for name, found in (groups if core else _with_others(groups, backends)).items():
        shown = []
        for version, resources in found.items():
            entry = {"version": version, "resources": [_aggregated_resource(r) for r in resources], "freshness": "Current"}
            if others is not None and backends.serves(name, version):
                entry["resources"] = aggregated_entry(others.resources(name, version), name, version)
                entry["freshness"] = "Current" if others.is_current(name, version) else "Stale"
            shown.append(entry)
        items.append({"metadata": {"name": name} if name else {}, "versions": shown})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def storage_version_hash(api_version: str, kind: str) -> str:
    """A short hash of the version that objects are stored in: it changes when they are to be migrated."""
    digest = hashlib.sha256(f"{api_version}/{kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def _groups(catalog: Catalog, *, core: bool = False) -> dict[str, dict[str, list[Resource]]]:
    groups: dict[str, dict[str, list[Resource]]] = {}
    for resource in catalog:
        if (resource.group == "") is core:
            groups.setdefault(resource.group, {}).setdefault(resource.version, []).append(resource)
    # Built-in groups have priorities of their own; those of custom resources follow by name.
    custom = sorted(name for name, found in groups.items() if next(iter(found.values()))[0].storage_version)
    return groups | {name: groups.pop(name) for name in custom}


def _with_others(groups: dict[str, dict[str, list[Resource]]], backends: Backends) -> dict[str, dict[str, list[Resource]]]:
    """With the group versions that are served from elsewhere, in the order of the APIServices' priorities."""
    others = [(group, version) for group, version in backends.versions() if group]
    if not others:
        return groups
    merged = {name: dict(found) for name, found in groups.items()}
    for name, version in others:
        merged.setdefault(name, {})[version] = []
    for name in {name for name, _ in others}:
        versions = sorted(merged[name], key=lambda version: backends.version_order(name, version))
        merged[name] = {version: merged[name][version] for version in versions}
    return {name: merged[name] for name in sorted(merged, key=backends.group_order)}


def _group(name: str, found: Iterable[str]) -> Object:
    shown = [{"groupVersion": f"{name}/{version}", "version": version} for version in found]
    return {"name": name, "versions": shown, "preferredVersion": shown[0]}


def _resource(catalog: Catalog, resource: Resource) -> Object:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    _names(entry, resource)
    if "get" in resource.verbs and resource.plural != "componentstatuses":
        stored = catalog.named(resource.group_resource)
        version = _STORED_AS.get(resource.kind) or f"{stored.group}/{stored.version}"
        if resource.storage_version:
            version = f"{resource.group}/{resource.storage_version}"
        entry["storageVersionHash"] = storage_version_hash(version, resource.kind)
    return entry


def _names(entry: Object, resource: Resource) -> None:
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)


def _subresources(resource: Resource) -> Iterable[Object]:
    for name, verbs, group, version, kind in resource.subresources:
        entry: Object = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
        if group:
            entry["group"] = group
        if version and (group or kind not in _CONNECT_KINDS):
            entry["version"] = version
        yield {**entry, "kind": kind, "verbs": list(verbs)}


#: Options of connections: the plain document names them without a version.
_CONNECT_KINDS = frozenset(
    {
        "Binding",
        "NodeProxyOptions",
        "PodAttachOptions",
        "PodExecOptions",
        "PodPortForwardOptions",
        "PodProxyOptions",
        "ServiceProxyOptions",
    }
)


def _aggregated_resource(resource: Resource) -> Object:
    is_custom = bool(resource.storage_version)
    own = {"group": resource.group if is_custom else "", "version": resource.version if is_custom else ""}
    entry: Object = {
        "resource": resource.plural,
        "responseKind": {**own, "kind": resource.kind},
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    _names(entry, resource)
    shown = []
    for name, verbs, group, version, kind in resource.subresources:
        of = {"group": group, "version": version if group else "", "kind": kind}
        if is_custom and not group:
            of |= own
        shown.append({"subresource": name, "responseKind": of, "verbs": list(verbs)})
    if shown:
        entry["subresources"] = shown
    return entry
