"""APIServices: the group versions of the API, served here or by others.

https://kubernetes.io/docs/concepts/extend-kubernetes/api-extension/apiserver-aggregation/
"""

import base64

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.objects import Object
from corral.api.rules import Context, Rules
from corral.base.clock import rfc3339

MAX_GROUP_PRIORITY = 20000
MAX_VERSION_PRIORITY = 1000


class APIServiceRules(Rules):
    """Rules of apiregistration.k8s.io/v1 APIService."""

    has_status = True
    name_format = "path_segment"

    def default(self, obj: Object) -> None:
        """A Service is asked at 443."""
        service = obj.setdefault("spec", {}).get("service")
        if service is not None and service.get("port") is None:
            service["port"] = 443

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Without a Service it is served here, and available at once."""
        super().prepare_create(obj, context)
        if obj["spec"].get("service") is None:
            condition = {
                "type": "Available",
                "status": "True",
                "lastTransitionTime": rfc3339(context.now_s),
                "reason": "Local",
                "message": "Local APIServices are always available",
            }
            obj["status"] = {"conditions": [condition]}

    def validate_create(self, obj: Object) -> Errors:
        """The name that version and group make, the priorities, the Service."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        name, group, version = rows.name(obj), spec.get("group", ""), spec.get("version", "")
        wanted = f"{version}.{group}"
        if name and name != wanted and not names.path_segment(name):
            errs.invalid("metadata.name", name, f'must be `spec.version+"."+spec.group`: "{wanted}"')
        if group:
            errs.each(path.child("group"), group, names.dns_subdomain(group))
        elif version != "v1":
            errs.required(path.child("group"), "only v1 may have an empty group and it better be legacy kube")
        errs.each(path.child("version"), version, names.dns_1035_label(version))
        for field, most in (("groupPriorityMinimum", MAX_GROUP_PRIORITY), ("versionPriority", MAX_VERSION_PRIORITY)):
            priority = spec.get(field, 0)
            if not 0 < priority <= most:
                errs.invalid(path.child(field), priority, f"must be positive and less than {most}")
        _check_service(errs, spec, path)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; no condition has a status of its own making."""
        if not subresource:
            return self.validate_create(new)
        errs, path = Errors(), Path("status").child("conditions")
        for i, condition in enumerate((new.get("status") or {}).get("conditions") or ()):
            if condition.get("status") not in ("True", "False", "Unknown"):
                shown = ("True", "False", "Unknown")
                errs.unsupported(path.at(i).child("status"), condition.get("status", ""), shown)
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        service, available = obj["spec"].get("service"), rows.condition(obj, "Available") or {}
        shown = "Local" if service is None else f"{service.get('namespace', '')}/{service.get('name', '')}"
        status, reason = available.get("status", "Unknown"), available.get("reason")
        if status != "True" and reason:
            status = f"{status} ({reason})"
        return [rows.name(obj), shown, status, rows.age(obj, now_s)]


def _check_service(errs: Errors, spec: Object, path: Path) -> None:
    service, bundle, insecure = spec.get("service"), spec.get("caBundle"), bool(spec.get("insecureSkipTLSVerify"))
    if service is None:
        if bundle:
            size = f"{len(base64.b64decode(bundle))} bytes"
            errs.invalid(path.child("caBundle"), size, "local APIServices may not have a caBundle")
        if insecure:
            why = "local APIServices may not have insecureSkipTLSVerify"
            errs.invalid(path.child("insecureSkipTLSVerify"), True, why)
        return
    for field in ("namespace", "name"):
        if not service.get(field):
            errs.required(path.child("service", field))
    wrong = names.port_number(service["port"])
    if wrong:
        errs.invalid(path.child("service", "port"), service["port"], f"port is not valid: {','.join(wrong)}")
    if insecure and bundle:
        errs.invalid(path.child("insecureSkipTLSVerify"), True, "may not be true if caBundle is present")


RULES = {"APIService": APIServiceRules()}
