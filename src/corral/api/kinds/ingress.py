"""Ingresses."""

import ipaddress

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Rules

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
HOSTS_SHOWN = 3
NOT_AN_ADDRESS = "must be a DNS name, not an IP address"
_BAD_SEQUENCES = ("//", "/./", "/../", "%2f", "%2F")
_BAD_ENDINGS = ("/..", "/.")


class IngressRules(Rules):
    """Rules of networking.k8s.io/v1 Ingress."""

    has_generation = True
    has_status = True

    def validate_create(self, obj: Object) -> Errors:
        """Rules, backends, certificates and class."""
        errs = Errors()
        spec, annotations = obj.get("spec") or {}, obj["metadata"].get("annotations") or {}
        _check_spec(errs, spec, Path("spec"))
        chosen, noted = spec.get("ingressClassName"), annotations.get(CLASS_ANNOTATION)
        if chosen is not None and noted is not None and chosen != noted:
            at = Path("annotations").child(CLASS_ANNOTATION)
            errs.invalid(at, noted, "must match `ingressClassName` when both are specified")
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec, or the addresses in the status."""
        errs = Errors()
        if subresource != "status":
            _check_spec(errs, new.get("spec") or {}, Path("spec"))
            return errs
        ingress = ((new.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        for i, entry in enumerate(ingress):
            at = Path("status").child("loadBalancer", "ingress").at(i)
            if entry.get("ip"):
                errs.each(at.child("ip"), entry["ip"], names.ip_address(entry["ip"]))
            if entry.get("hostname"):
                errs.each(at.child("hostname"), entry["hostname"], names.dns_subdomain(entry["hostname"]))
                if _is_address(entry["hostname"]):
                    errs.invalid(at.child("hostname"), entry["hostname"], NOT_AN_ADDRESS)
        return errs

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """The class is no longer an annotation."""
        if old is None and CLASS_ANNOTATION in (obj["metadata"].get("annotations") or {}):
            return [f"annotation \"{CLASS_ANNOTATION}\" is deprecated, please use 'spec.ingressClassName' instead"]
        return []

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec = obj.get("spec") or {}
        ingress = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
        addresses = sorted({i.get("ip") or i.get("hostname") for i in ingress} - {None, ""})
        hosts = [r["host"] for r in spec.get("rules") or () if r.get("host")]
        return [
            rows.name(obj),
            spec.get("ingressClassName") or "<none>",
            rows.first_of(hosts, HOSTS_SHOWN) or "*",
            ",".join(addresses),
            "80, 443" if spec.get("tls") else "80",
            rows.age(obj, now_s),
        ]


def _check_spec(errs: Errors, spec: Object, path: Path) -> None:
    if not spec.get("rules") and spec.get("defaultBackend") is None:
        why = "either `defaultBackend` or `rules` must be specified"
        errs.invalid(path, None, why, value_of=path.child("rules"))
    if spec.get("defaultBackend") is not None:
        _check_backend(errs, spec["defaultBackend"], path.child("defaultBackend"))
    for i, rule in enumerate(spec.get("rules") or ()):
        _check_rule(errs, rule, path.child("rules").at(i))
    for i, tls in enumerate(spec.get("tls") or ()):
        at = path.child("tls").at(i)
        for j, host in enumerate(tls.get("hosts") or ()):
            _check_host(errs, host, at.child("hosts").at(j))
        secret = tls.get("secretName")
        if secret:
            errs.each(at.child("secretName"), secret, names.dns_subdomain(secret))
    chosen = spec.get("ingressClassName")
    if chosen is not None:
        errs.each(path.child("ingressClassName"), chosen, names.dns_subdomain(chosen))


def _check_host(errs: Errors, host: str, path: Path) -> None:
    check = names.wildcard_subdomain if "*" in host else names.dns_subdomain
    errs.each(path, host, check(host))


def _check_rule(errs: Errors, rule: Object, path: Path) -> None:
    host = rule.get("host", "")
    if host:
        if _is_address(host):
            errs.invalid(path.child("host"), host, NOT_AN_ADDRESS)
        _check_host(errs, host, path.child("host"))
    http = rule.get("http")
    if http is None:
        return
    if not http.get("paths"):
        errs.required(path.child("http", "paths"))
    for i, entry in enumerate(http.get("paths") or ()):
        _check_path(errs, entry, path.child("http", "paths").at(i))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _check_path(errs: Errors, entry: Object, path: Path) -> None:
    kind, value, at = entry.get("pathType"), entry.get("path", ""), path.child("path")
    if kind is None:
        errs.required(path.child("pathType"), "pathType must be specified")
        return
    if kind not in PATH_TYPES:
        errs.unsupported(path.child("pathType"), kind, PATH_TYPES)
    elif kind == "ImplementationSpecific":
        if value and not value.startswith("/"):
            errs.invalid(at, value, "must be an absolute path")
    else:
        if not value.startswith("/"):
            errs.invalid(at, value, "must be an absolute path")
        for bad in _BAD_SEQUENCES:
            if bad in value:
                errs.invalid(at, value, f"must not contain '{bad}'")
        for bad in _BAD_ENDINGS:
            if value.endswith(bad):
                errs.invalid(at, value, f"cannot end with '{bad}'")
    _check_backend(errs, entry.get("backend") or {}, path.child("backend"))


def _check_backend(errs: Errors, backend: Object, path: Path) -> None:
    resource, service = backend.get("resource"), backend.get("service")
    if resource is not None and service is not None:
        errs.invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        check_reference(errs, resource, path.child("resource"))
    elif service is not None:
        _check_service(errs, service, path)
    else:
        errs.invalid(path, "", "resource or service backend is required")


def _check_service(errs: Errors, service: Object, path: Path) -> None:
    name, port = service.get("name", ""), service.get("port") or {}
    if not name:
        errs.required(path.child("service", "name"))
    else:
        errs.each(path.child("service", "name"), name, names.dns_1035_label(name))
    if port.get("name") and port.get("number"):
        errs.invalid(path, "", "cannot set both port name & port number")
    elif port.get("name"):
        errs.each(path.child("service", "port", "name"), port["name"], names.port_name(port["name"]))
    elif port.get("number"):
        errs.each(path.child("service", "port", "number"), port["number"], names.port_number(port["number"]))
    else:
        errs.required(path, "port name or number is required")


def check_reference(errs: Errors, reference: Object, path: Path) -> None:
    """A reference to an object of any kind: group (if not the core), kind, name."""
    group = reference.get("apiGroup")
    if group is not None:
        errs.each(path.child("apiGroup"), group, names.dns_subdomain(group))
    for field in ("kind", "name"):
        value = reference.get(field, "")
        if value:
            errs.each(path.child(field), value, names.path_segment(value))
        else:
            errs.required(path.child(field))


RULES = {"Ingress": IngressRules()}
