"""ClusterTrustBundles (KEP-3257)."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.signername import check_signer_name
from corral.api.objects import Object
from corral.api.rules import Rules


class ClusterTrustBundleRules(Rules):
    """Rules of certificates.k8s.io ClusterTrustBundle."""

    name_format = "path_segment"

    def default(self, obj: Object) -> None:
        """There is a spec."""
        obj.setdefault("spec", {})

    def validate_create(self, obj: Object) -> Errors:
        """The name that the signer's makes, and the bundle."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        signer, name = spec.get("signerName", ""), rows.name(obj)
        if signer:
            check_signer_name(errs, signer, path.child("signerName"))
            prefix = signer.replace("/", ":") + ":"
            if name and not name.startswith(prefix):
                why = f"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}"
                errs.invalid("metadata.name", name, why)
        elif ":" in name:
            errs.invalid("metadata.name", name, 'ClusterTrustBundle without signer name must not have ":" in its name')
        bundle = spec.get("trustBundle", "")
        if "-----BEGIN CERTIFICATE-----" not in bundle:
            errs.invalid(path.child("trustBundle"), "<value omitted>", "at least one trust anchor must be provided")
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; the signer stays."""
        errs = self.validate_create(new)
        signer = new["spec"].get("signerName", "")
        if signer != old["spec"].get("signerName", ""):
            errs.invalid("spec.signerName", signer, "field is immutable")
        return errs

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        """Whose anchors they are."""
        return {"spec.signerName": obj["spec"].get("signerName", "")}


RULES = {"ClusterTrustBundle": ClusterTrustBundleRules()}
