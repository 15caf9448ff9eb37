"""CertificateSigningRequests.

https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

import base64

from corral.api.durations import human
from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.signername import check_signer_name
from corral.api.objects import Object, copied
from corral.api.rules import Context, Rules
from corral.base.clock import rfc3339

LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
MIN_DURATION_S = 600
USAGES = (
    *("any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment"),
    *("decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel"),
    *("ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime"),
    *("server auth", "signing", "timestamping"),
)
APPROVALS = ("Approved", "Denied")
#: What cannot be taken back.
FINAL = (*APPROVALS, "Failed")
STATUSES = ("False", "True", "Unknown")


class CertificateSigningRequestRules(Rules):
    """Rules of certificates.k8s.io/v1 CertificateSigningRequest."""

    has_status = True
    name_format = "path_segment"

    def default(self, obj: Object) -> None:
        """There is a spec."""
        obj.setdefault("spec", {})

    def prepare_create(self, obj: Object, context: Context) -> None:
        """Who asks is who asks."""
        super().prepare_create(obj, context)
        spec = obj["spec"]
        asked = {"username": context.user, "uid": context.user_uid, "groups": list(context.groups), "extra": context.extra}
        for field, value in asked.items():
            if value:
                spec[field] = value
            else:
                spec.pop(field, None)

    def prepare_update(self, new: Object, old: Object, subresource: str, context: Context) -> None:
        """The request stays; an approval changes the conditions only, and only an approval approves."""
        status = copied(new.get("status") or {})
        new["spec"] = copied(old["spec"])
        new["status"] = copied(old.get("status") or {})
        if subresource == "approval":
            new["status"]["conditions"] = status.get("conditions") or []
        elif subresource == "status":
            given = [c for c in status.get("conditions") or () if c.get("type") not in APPROVALS]
            kept = [c for c in new["status"].get("conditions") or () if c.get("type") in APPROVALS]
            new["status"] = {**status, "conditions": [*kept, *given]}
        if subresource:
            _stamp(new["status"], old.get("status") or {}, rfc3339(context.now_s))

    def validate_create(self, obj: Object) -> Errors:
        """The request itself, what the certificate is for, who signs it."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        request, usages, signer = spec.get("request"), spec.get("usages") or [], spec.get("signerName", "")
        wrong = _request_fault(request or "")
        if wrong:
            errs.invalid(path.child("request"), request, wrong)
        if not usages:
            errs.required(path.child("usages"))
        for i, usage in enumerate(usages):
            if usage not in USAGES:
                errs.unsupported(path.child("usages").at(i), usage, USAGES)
        for i, usage in enumerate(usages):
            if usage in usages[:i]:
                errs.duplicate(path.child("usages").at(i), usage)
        if signer == LEGACY_SIGNER:
            why = "the legacy signerName is not allowed via this API version"
            errs.invalid(path.child("signerName"), signer, why)
        else:
            check_signer_name(errs, signer, path.child("signerName"))
        duration = spec.get("expirationSeconds")
        if duration is not None and duration < MIN_DURATION_S:
            why = "may not specify a duration less than 600 seconds (10 minutes)"
            errs.invalid(path.child("expirationSeconds"), duration, why)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The conditions of the status."""
        errs, path = Errors(), Path("status").child("conditions")
        if not subresource:
            return errs
        seen: set[str] = set()
        for i, condition in enumerate((new.get("status") or {}).get("conditions") or ()):
            _check_condition(errs, condition, seen, path.at(i))
            seen.add(condition.get("type", ""))
        for condition in (old.get("status") or {}).get("conditions") or ():
            if condition.get("type") in FINAL and condition.get("type") not in seen:
                errs.forbidden(path, f'updates may not remove a condition of type "{condition.get("type")}"')
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec, status = obj["spec"], obj.get("status") or {}
        types = {condition.get("type") for condition in status.get("conditions") or ()}
        state = "Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"
        if "Failed" in types:
            state += ",Failed"
        if status.get("certificate"):
            state += ",Issued"
        duration = spec.get("expirationSeconds")
        return [
            rows.name(obj),
            rows.age(obj, now_s),
            spec.get("signerName") or "<none>",
            spec.get("username", ""),
            "<none>" if duration is None else human(duration),
            state,
        ]

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """Who signs."""
        return {"spec.signerName": obj["spec"].get("signerName", "")}


def _stamp(status: Object, before: Object, now: str) -> None:
    """Conditions that say no times are from now, or from when their status was last another."""
    known = {(c.get("type"), c.get("status")): c for c in before.get("conditions") or ()}
    for condition in status.get("conditions") or ():
        if condition.get("lastUpdateTime") is None:
            condition["lastUpdateTime"] = now
        if condition.get("lastTransitionTime") is None:
            same = known.get((condition.get("type"), condition.get("status"))) or {}
            condition["lastTransitionTime"] = same.get("lastTransitionTime") or now


def _check_condition(errs: Errors, condition: Object, seen: set[str], path: Path) -> None:
    kind, status = condition.get("type", ""), condition.get("status", "")
    if not kind:
        errs.required(path.child("type"))
    if not status:
        errs.required(path.child("status"))
    elif kind in FINAL:
        if status != "True":
            errs.unsupported(path.child("status"), status, ("True",))
    elif status not in STATUSES:
        errs.unsupported(path.child("status"), status, STATUSES)
    if kind in seen:
        errs.duplicate(path.child("type"), kind)
    if kind in APPROVALS and seen & (set(APPROVALS) - {kind}):
        errs.invalid(path.child("type"), kind, "Approved and Denied conditions are mutually exclusive")


def _request_fault(request: str) -> str:
    """What is wrong with a PKCS#10 request in PEM in base64."""
    from cryptography import x509

    pem = base64.b64decode(request)
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in pem:
        return "PEM block type must be CERTIFICATE REQUEST"
    try:
        x509.load_pem_x509_csr(pem)
    except ValueError as error:
        return f"asn1: {error}"
    return ""


RULES = {"CertificateSigningRequest": CertificateSigningRequestRules()}
