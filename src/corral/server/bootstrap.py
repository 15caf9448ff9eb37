"""What a new cluster holds, and what every start puts right again.

Namespaces, the default roles and bindings, priority classes, flow schemas and levels, API services, the Services `kubernetes`
and `kube-dns`. The roles are in `data/roles.txt` and `data/rolebindings.txt`, the rest in `data/defaults.json`. Missing objects
are added; default roles and bindings get back what they lack, unless annotated
`rbac.authorization.kubernetes.io/autoupdate: "false"`. See
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from importlib.resources import files
from typing import NamedTuple

import orjson

from corral.api.kinds.servicecidr import FINALIZER
from corral.api.objects import Object
from corral.api.serialize import serialize
from corral.base.addresses import bracketed
from corral.base.clock import rfc3339
from corral.server.aggregation.identity import EXTRA, GROUP, UID, USERNAME
from corral.server.authorization import aggregation, rules
from corral.server.config import ServerConfig
from corral.server.encryption import Sealer
from corral.server.pki import FRONT_PROXY_CLIENT, Authorities, base64_of
from corral.server.rolefiles import read_bindings, read_roles
from corral.store.contract import Entry, KeyExists, Mismatch, Store

RBAC = "rbac.authorization.k8s.io"
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
FLOW_AUTOUPDATE = "apf.kubernetes.io/autoupdate-spec"
NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
SERVICE_PORT = 443


class Wanted(NamedTuple):
    """An object that must be there; `repair` makes of the present one what it should be, or returns None if it is."""

    resource: str
    object: Object
    repair: Callable[[Object, Object], Object | None]

    @property
    def key(self) -> str:
        """Its key in the store."""
        meta = self.object["metadata"]
        return f"{self.resource}/{meta.get('namespace', '')}/{meta['name']}"


async def bootstrap(
    store: Store,
    config: ServerConfig,
    now_s: float,
    *,
    sealer: Sealer | None = None,
    port: int = 0,
    authorities: Authorities | None = None,
) -> int:
    """Write what is missing, all at once (one group commit); the number of objects written.

    Call before the cache is loaded. `port` is where the API listens, `authorities` are whose client
    certificates it and extension servers take.
    Where another server is faster, its write stands.
    """
    classes = storage_classes() if config.node_disks else ()
    wanted = [*cluster_objects(now_s), *classes, *address_objects(config, port or config.port, authorities)]
    present = await _present(store, {w.resource for w in wanted})
    writes: list[Awaitable[object]] = []
    for want in wanted:
        entry = present.get(want.key)
        if entry is None:
            raw = serialize(_stamped(want.object, now_s))
            writes.append(store.create(want.key, sealer.seal(want.key, raw) if sealer else raw))
            continue
        old = orjson.loads(sealer.open(want.key, entry.value) if sealer else entry.value)
        new = want.repair(old, want.object)
        if new is not None:
            raw = serialize(new)
            writes.append(store.update(want.key, sealer.seal(want.key, raw) if sealer else raw, entry.revision))
    for outcome in await asyncio.gather(*writes, return_exceptions=True):
        if isinstance(outcome, BaseException) and not isinstance(outcome, (KeyExists, Mismatch)):
            raise outcome
    return len(writes)


def cluster_objects(now_s: float) -> Iterable[Wanted]:
    """What every cluster holds, whatever its addresses."""
    for name in NAMESPACES:
        meta: Object = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
        body: Object = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        yield Wanted("namespaces", {"kind": "Namespace", "apiVersion": "v1", "metadata": meta, **body}, _keep)
    roles = read_roles()
    for role in aggregation.aggregated(roles):
        resource = "roles" if role["kind"] == "Role" else "clusterroles"
        yield Wanted(f"{resource}.{RBAC}", role, repaired_role)
    for binding in read_bindings():
        resource = "rolebindings" if binding["kind"] == "RoleBinding" else "clusterrolebindings"
        yield Wanted(f"{resource}.{RBAC}", binding, repaired_binding)
    yield from _defaults(now_s)


def _defaults(now_s: float) -> Iterable[Wanted]:
    data = _read_defaults()
    for name, body in data["priorityClasses"].items():
        about: Object = {"kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1"}
        yield Wanted("priorityclasses.scheduling.k8s.io", {**about, "metadata": {"name": name, "generation": 1}, **body}, _keep)
    yield from flow_objects(now_s)
    for group_version, (group_priority, version_priority) in data["apiServices"].items():
        yield Wanted(
            "apiservices.apiregistration.k8s.io", _api_service(group_version, group_priority, version_priority, now_s), _keep
        )


def storage_classes() -> Iterable[Wanted]:
    """The class of claims that name none: volumes on the disks of nodes. What users make of it stays."""
    for name, body in _read_defaults()["storageClasses"].items():
        meta = {"name": name, **body["metadata"]}
        about: Object = {"kind": "StorageClass", "apiVersion": "storage.k8s.io/v1"}
        yield Wanted("storageclasses.storage.k8s.io", {**about, **body, "metadata": meta}, _keep)


def flow_objects(now_s: float) -> Iterable[Wanted]:
    """The flow schemas and priority levels of priority and fairness."""
    data = _read_defaults()
    version = "flowcontrol.apiserver.k8s.io/v1"
    for name, spec in data["priorityLevels"].items():
        meta: Object = {"name": name, "generation": 1, "annotations": {FLOW_AUTOUPDATE: "true"}}
        about: Object = {"kind": "PriorityLevelConfiguration", "apiVersion": version, "metadata": meta}
        level = {**about, "spec": spec, "status": {}}
        yield Wanted("prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", level, _respecified)
    for name, spec in data["flowSchemas"].items():
        meta = {"name": name, "generation": 1, "annotations": {FLOW_AUTOUPDATE: "true"}}
        about = {"kind": "FlowSchema", "apiVersion": version, "metadata": meta}
        condition = dangling(spec["priorityLevelConfiguration"]["name"], found=True, now_s=now_s)
        schema = {**about, "spec": spec, "status": {"conditions": [condition]}}
        yield Wanted("flowschemas.flowcontrol.apiserver.k8s.io", schema, _respecified)


def dangling(level: str, *, found: bool, now_s: float) -> Object:
    """The condition Dangling of a flow schema whose level is there, or is not."""
    reference = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    if found:
        return _condition("Dangling", "False", "Found", f"{reference} and it exists", now_s)
    return _condition("Dangling", "True", "NotFound", f"{reference} but there is no such object", now_s)


def _read_defaults() -> Object:
    found: Object = orjson.loads((files("corral.server") / "data" / "defaults.json").read_bytes())
    return found


def address_objects(config: ServerConfig, port: int, authorities: Authorities | None) -> Iterable[Wanted]:
    """What depends on the cluster's addresses: it follows them when they change."""
    ready = _condition("Ready", "True", "", "Kubernetes default Service CIDR is ready", 0)
    about: Object = {"kind": "ServiceCIDR", "apiVersion": "networking.k8s.io/v1"}
    meta: Object = {"name": "kubernetes", "finalizers": [FINALIZER]}
    cidr = {**about, "metadata": meta, "spec": {"cidrs": [config.service_cidr]}, "status": {"conditions": [ready]}}
    yield Wanted("servicecidrs.networking.k8s.io", cidr, _keep)
    labels = {"component": "apiserver", "provider": "kubernetes"}
    https = {"name": "https", "protocol": "TCP", "port": SERVICE_PORT, "targetPort": port}
    meta = {"name": "kubernetes", "namespace": "default", "labels": labels}
    yield Wanted("services", _service(meta, config.api_service_ip, [https], {}), _keep_service)
    where = {"name": "kubernetes", "namespace": "default"}
    listening = [{"name": "https", "port": port, "protocol": "TCP"}]
    meta = {**where, "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"}}
    subsets = [{"addresses": [{"ip": config.advertised}], "ports": listening}]
    yield Wanted("endpoints", {"kind": "Endpoints", "apiVersion": "v1", "metadata": meta, "subsets": subsets}, _follow)
    meta = {**where, "labels": {"kubernetes.io/service-name": "kubernetes"}}
    about = {"kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "metadata": meta}
    endpoints = [{"addresses": [config.advertised], "conditions": {"ready": True}}]
    family = "IPv6" if ":" in config.advertised else "IPv4"
    slice_ = {**about, "addressType": family, "endpoints": endpoints, "ports": listening}
    yield Wanted("endpointslices.discovery.k8s.io", slice_, _follow)
    labels = {"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
    meta = {"name": "kube-dns", "namespace": "kube-system", "labels": labels}
    ports = [
        {"name": "dns", "protocol": "UDP", "port": 53, "targetPort": 53},
        {"name": "dns-tcp", "protocol": "TCP", "port": 53, "targetPort": 53},
    ]
    yield Wanted("services", _service(meta, config.dns_service_ip, ports, {}), _keep_service)
    if authorities is not None:
        meta = {"name": "extension-apiserver-authentication", "namespace": "kube-system"}
        data = authentication(authorities)
        yield Wanted("configmaps", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": data}, _follow)
        meta = {"name": "cluster-info", "namespace": "kube-public"}
        data = {"kubeconfig": cluster_info(config, port, authorities)}
        yield Wanted("configmaps", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": data}, _follow_data)


def cluster_info(config: ServerConfig, port: int, authorities: Authorities) -> str:
    """A kubeconfig of nobody: where the cluster is, and whom to trust. Controllers sign it with bootstrap tokens."""
    host = bracketed(config.advertised)
    ca = base64_of(authorities.clients.encode())
    return (
        f"apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {ca}\n    server: https://{host}:{port}\n"
        '  name: ""\ncontexts: null\ncurrent-context: ""\nkind: Config\nusers: null\n'
    )


def authentication(authorities: Authorities) -> dict[str, str]:
    """How extension servers know clients, and the API server as the front proxy that tells who asks.

    https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/#kubernetes-apiserver-client-authentication
    """

    def listed(*words: str) -> str:
        return orjson.dumps(words).decode()

    return {
        "client-ca-file": authorities.clients,
        "requestheader-allowed-names": listed(FRONT_PROXY_CLIENT),
        "requestheader-client-ca-file": authorities.front_proxy,
        "requestheader-extra-headers-prefix": listed(EXTRA),
        "requestheader-group-headers": listed(GROUP),
        "requestheader-uid-headers": listed(UID),
        "requestheader-username-headers": listed(USERNAME),
    }


def repaired_role(old: Object, want: Object) -> Object | None:
    """The present role with the rules, selectors, labels and annotations that it lacks; None where it lacks nothing."""
    if not _autoupdated(old):
        return None
    new = _with_metadata(old, want)
    if want.get("aggregationRule"):
        selectors = (old.get("aggregationRule") or {}).get("clusterRoleSelectors") or []
        lacking = [s for s in want["aggregationRule"]["clusterRoleSelectors"] if s not in selectors]
        if lacking or not old.get("aggregationRule"):
            new = {**(new or old), "aggregationRule": {"clusterRoleSelectors": [*selectors, *lacking]}}
        return new
    missing = rules.uncovered(old.get("rules") or [], want.get("rules") or [])
    if missing:
        new = {**(new or old), "rules": [*(old.get("rules") or []), *rules.compact(missing)]}
    return new


def repaired_binding(old: Object, want: Object) -> Object | None:
    """The present binding with the subjects, labels and annotations that it lacks, and the right role."""
    if not _autoupdated(old):
        return None
    new = _with_metadata(old, want)
    subjects = old.get("subjects") or []
    missing = [subject for subject in want.get("subjects") or () if subject not in subjects]
    if missing:
        new = {**(new or old), "subjects": [*subjects, *missing]}
    if old["roleRef"] != want["roleRef"]:
        new = {**(new or old), "roleRef": want["roleRef"]}
    return new


def _keep(old: Object, want: Object) -> Object | None:
    return None


def _respecified(old: Object, want: Object) -> Object | None:
    """Flow schemas and levels follow the defaults while their annotation says so."""
    if (old["metadata"].get("annotations") or {}).get(FLOW_AUTOUPDATE) != "true" or old.get("spec") == want["spec"]:
        return None
    generation = old["metadata"].get("generation", 1) + 1
    return {**old, "metadata": {**old["metadata"], "generation": generation}, "spec": want["spec"]}


def _keep_service(old: Object, want: Object) -> Object | None:
    """A Service keeps its address; where the API listens may have changed."""
    if old["spec"].get("ports") == want["spec"]["ports"]:
        return None
    return {**old, "spec": {**old["spec"], "ports": want["spec"]["ports"]}}


def _follow(old: Object, want: Object) -> Object | None:
    """Everything but metadata is as wanted."""
    body = {key: value for key, value in want.items() if key != "metadata"}
    return None if body.items() <= old.items() else {**old, **body}


def _follow_data(old: Object, want: Object) -> Object | None:
    """The wanted entries are as wanted; others, such as signatures, stay."""
    data = {**(old.get("data") or {}), **want["data"]}
    return None if data == old.get("data") else {**old, "data": data}


def _autoupdated(obj: Object) -> bool:
    return bool((obj["metadata"].get("annotations") or {}).get(AUTOUPDATE) != "false")


def _with_metadata(old: Object, want: Object) -> Object | None:
    meta = dict(old["metadata"])
    for field in ("labels", "annotations"):
        meta[field] = {**(want["metadata"].get(field) or {}), **(meta.get(field) or {})}
    return None if meta == old["metadata"] else {**old, "metadata": meta}


def _stamped(obj: Object, now_s: float) -> Object:
    meta = {**obj["metadata"], "uid": str(uuid.uuid4()), "creationTimestamp": rfc3339(now_s)}
    return {**obj, "metadata": meta}


def _service(meta: Object, address: str, ports: list[Object], selector: Object) -> Object:
    family = "IPv6" if ":" in address else "IPv4"
    spec: Object = {
        "ports": ports,
        "clusterIP": address,
        "clusterIPs": [address],
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilies": [family],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
    }
    if selector:
        spec["selector"] = selector
    return {"kind": "Service", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {"loadBalancer": {}}}


def _api_service(group_version: str, group_priority: int, version_priority: int, now_s: float) -> Object:
    group, _, version = group_version.rpartition("/")
    meta: Object = {"name": f"{version}.{group}", "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}}
    spec: Object = {"group": group} if group else {}
    spec |= {"version": version, "groupPriorityMinimum": group_priority, "versionPriority": version_priority}
    available = _condition("Available", "True", "Local", "Local APIServices are always available", now_s)
    about = {"kind": "APIService", "apiVersion": "apiregistration.k8s.io/v1"}
    return {**about, "metadata": meta, "spec": spec, "status": {"conditions": [available]}}


def _condition(type: str, status: str, reason: str, message: str, now_s: float) -> Object:
    return {"type": type, "status": status, "lastTransitionTime": rfc3339(now_s), "reason": reason, "message": message}


async def _present(store: Store, resources: set[str]) -> dict[str, Entry]:
    listings = await asyncio.gather(*(store.list(f"{resource}/") for resource in sorted(resources)))
    return {entry.key: entry for entries, _ in listings for entry in entries}
