"""PodCertificateRequests (KEP-4317)."""

from corral.api import names
from corral.api.fields import Errors, Path
from corral.api.kinds.signername import check_signer_name
from corral.api.kinds.workload import IMMUTABLE
from corral.api.objects import Object
from corral.api.rules import Rules

_NAMES = ("podName", "serviceAccountName", "nodeName")
_UIDS = ("podUID", "serviceAccountUID", "nodeUID")
MIN_AGE_S = 3600
MAX_AGE_S = 91 * 24 * 3600
DEFAULT_AGE_S = 24 * 3600


class PodCertificateRequestRules(Rules):
    """Rules of certificates.k8s.io PodCertificateRequest."""

    has_status = True

    def default(self, obj: Object) -> None:
        """A certificate for a day."""
        spec = obj.setdefault("spec", {})
        if spec.get("maxExpirationSeconds") is None:
            spec["maxExpirationSeconds"] = DEFAULT_AGE_S

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """Who signs for which pod on which node."""
        spec = obj["spec"]
        return {f"spec.{name}": spec.get(name, "") for name in ("signerName", "podName", "nodeName")}

    def validate_create(self, obj: Object) -> Errors:
        """Who signs for which pod, and for how long."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        check_signer_name(errs, spec.get("signerName", ""), path.child("signerName"))
        for field in _NAMES:
            errs.each(path.child(field), spec.get(field, ""), names.dns_subdomain(spec.get(field, "")))
        for field in _UIDS:
            if not spec.get(field):
                errs.required(path.child(field), "must not be empty")
        age, at = spec["maxExpirationSeconds"], path.child("maxExpirationSeconds")
        if not MIN_AGE_S <= age <= MAX_AGE_S:
            errs.invalid(at, age, f"must be in the range [{MIN_AGE_S}, {MAX_AGE_S}]")
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The spec stays."""
        errs = Errors()
        if new["spec"] != old["spec"]:
            errs.invalid("spec", new["spec"], IMMUTABLE)
        return errs


RULES = {"PodCertificateRequest": PodCertificateRequestRules()}
