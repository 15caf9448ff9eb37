"""IngressClasses."""

import re

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.ingress import check_reference
from corral.api.kinds.workload import check_immutable
from corral.api.objects import Object
from corral.api.rules import Rules

CONTROLLER_MAX_BYTES = 250
SCOPES = ("Cluster", "Namespace")
_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


class IngressClassRules(Rules):
    """Rules of networking.k8s.io/v1 IngressClass."""

    has_generation = True

    def default(self, obj: Object) -> None:
        """Parameters are those of the whole cluster."""
        parameters = obj.setdefault("spec", {}).get("parameters")
        if parameters is not None and parameters.get("scope") is None:
            parameters["scope"] = "Cluster"

    def validate_create(self, obj: Object) -> Errors:
        """The controller and its parameters."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        controller, at = spec.get("controller", ""), path.child("controller")
        if len(controller.encode()) > CONTROLLER_MAX_BYTES:
            errs.too_long(at, CONTROLLER_MAX_BYTES)
        check_domain_path(errs, controller, at)
        if spec.get("parameters") is not None:
            _check_parameters(errs, spec["parameters"], path.child("parameters"))
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; the controller stays."""
        errs = Errors()
        check_immutable(errs, new["spec"], old["spec"], "controller", Path("spec"), empty="")
        errs.extend(self.validate_create(new))
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, shown = obj["spec"], "<none>"
        parameters = spec.get("parameters")
        if parameters is not None:
            group = parameters.get("apiGroup")
            kind = parameters.get("kind", "") + (f".{group}" if group is not None else "")
            shown = f"{kind}/{parameters.get('name', '')}"
        return [rows.name(obj), spec.get("controller", ""), shown, rows.age(obj, now_s)]


def check_domain_path(errs: Errors, value: str, path: Path) -> None:
    """A path that starts with a domain: `example.com/ingress`."""
    host, _, rest = value.partition("/")
    if not value:
        errs.required(path)
    elif not host or not rest:
        errs.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
    else:
        errs.each(path, host, names.dns_subdomain(host))
        if not re.fullmatch(_PATH, rest):
            errs.invalid(path, rest, names.pattern("Invalid path", _PATH))


def _check_parameters(errs: Errors, parameters: Object, path: Path) -> None:
    check_reference(errs, parameters, path)
    scope, namespace, at = parameters.get("scope"), parameters.get("namespace"), path.child("namespace")
    if scope is None:
        errs.required(path.child("scope"))
    elif scope not in SCOPES:
        errs.unsupported(path.child("scope"), scope, SCOPES)
    elif scope == "Namespace":
        if namespace is None:
            errs.required(at, "`parameters.scope` is set to 'Namespace'")
        else:
            errs.each(at, namespace, names.dns_label(namespace))
    elif namespace is not None:
        errs.forbidden(at, "`parameters.scope` is set to 'Cluster'")


RULES = {"IngressClass": IngressClassRules()}
