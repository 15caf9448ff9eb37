"""CSIDrivers."""

from corral.api.fields import Errors, Path
from corral.api.kinds import rows
from corral.api.kinds.workload import IMMUTABLE, check_immutable, default_fields
from corral.api.objects import Object
from corral.api.rules import Rules

GROUP_POLICIES = ("File", "None", "ReadWriteOnceWithFSType")
LIFECYCLE_MODES = ("Persistent", "Ephemeral")
TOKEN_MIN_S = 600
TOKEN_MAX_S = 1 << 32
UPDATE_MIN_S = 10


class CSIDriverRules(Rules):
    """Rules of storage.k8s.io/v1 CSIDriver."""

    def default(self, obj: Object) -> None:
        """Volumes are attached and persistent; the driver is told nothing of pods."""
        spec = obj.setdefault("spec", {})
        default_fields(spec, attachRequired=True, podInfoOnMount=False, storageCapacity=False, requiresRepublish=False)
        default_fields(spec, fsGroupPolicy="ReadWriteOnceWithFSType", seLinuxMount=False)
        if not spec.get("volumeLifecycleModes"):
            spec["volumeLifecycleModes"] = ["Persistent"]

    def validate_create(self, obj: Object) -> Errors:
        """The policy, the tokens, the modes."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        policy, period = spec.get("fsGroupPolicy"), spec.get("nodeAllocatableUpdatePeriodSeconds")
        if policy not in GROUP_POLICIES:
            errs.unsupported(path.child("fsGroupPolicy"), policy, GROUP_POLICIES)
        _check_tokens(errs, spec.get("tokenRequests") or [], path.child("tokenRequests"))
        for mode in spec.get("volumeLifecycleModes") or ():
            if mode not in LIFECYCLE_MODES:
                errs.unsupported(path.child("volumeLifecycleModes"), mode, LIFECYCLE_MODES)
        if period is not None and period < UPDATE_MIN_S:
            at = path.child("nodeAllocatableUpdatePeriodSeconds")
            errs.invalid(at, period, f"must be greater than or equal to {UPDATE_MIN_S} seconds")
        in_secrets = spec.get("serviceAccountTokenInSecrets")
        if in_secrets is not None and not spec.get("tokenRequests"):
            why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
            errs.invalid(path.child("serviceAccountTokenInSecrets"), in_secrets, why)
        return errs

    def validate_update(self, new: Object, old: Object, subresource: str) -> Errors:
        """The same; how volumes are attached stays."""
        errs = self.validate_create(new)
        after, before = new["spec"], old["spec"]
        if after.get("attachRequired") != before.get("attachRequired"):
            errs.invalid("spec.attachedRequired", after.get("attachRequired"), IMMUTABLE)
        check_immutable(errs, after, before, "volumeLifecycleModes", Path("spec"))
        return errs

    def cells(self, obj: Object, now_s: float) -> list[object]:
        """The row."""
        spec = obj["spec"]
        attach = spec.get("attachRequired")
        return [
            rows.name(obj),
            True if attach is None else attach,
            bool(spec.get("podInfoOnMount")),
            bool(spec.get("storageCapacity")),
            ",".join(token.get("audience", "") for token in spec.get("tokenRequests") or ()) or "<unset>",
            bool(spec.get("requiresRepublish")),
            ",".join(spec.get("volumeLifecycleModes") or ()) or "<none>",
            rows.age(obj, now_s),
        ]


def _check_tokens(errs: Errors, tokens: list[Object], path: Path) -> None:
    seen: set[str] = set()
    for i, token in enumerate(tokens):
        audience, seconds, at = token.get("audience", ""), token.get("expirationSeconds"), path.at(i)
        if audience in seen:
            errs.duplicate(at.child("audience"), audience)
            continue
        seen.add(audience)
        if seconds is not None and seconds < TOKEN_MIN_S:
            errs.invalid(at.child("expirationSeconds"), seconds, "may not specify a duration less than 10 minutes")
        if seconds is not None and seconds > TOKEN_MAX_S:
            errs.invalid(at.child("expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds")


RULES = {"CSIDriver": CSIDriverRules()}
