"""DeviceClasses (KEP-4381)."""

from corral.api.fields import Errors, Path
from corral.api.kinds.computeresources import is_extended
from corral.api.kinds.devices import MAX_ITEMS, check_config, check_selectors, check_size
from corral.api.objects import Object
from corral.api.rules import Rules


class DeviceClassRules(Rules):
    """Rules of resource.k8s.io/v1 DeviceClass."""

    has_generation = True

    def default(self, obj: Object) -> None:
        """There is a spec."""
        obj.setdefault("spec", {})

    def validate_create(self, obj: Object) -> Errors:
        """Which devices are meant, and how they are set up."""
        errs, spec, path = Errors(), obj["spec"], Path("spec")
        check_selectors(errs, spec.get("selectors") or [], path.child("selectors"))
        configs, extended = spec.get("config") or [], spec.get("extendedResourceName")
        at = path.child("config")
        for i, config in enumerate(configs if check_size(errs, configs, at, MAX_ITEMS) else ()):
            check_config(errs, config, at.at(i))
        if extended is not None and not is_extended(extended):
            errs.invalid(path.child("extendedResourceName"), extended, "must be a valid extended resource name")
        return errs


RULES = {"DeviceClass": DeviceClassRules()}
