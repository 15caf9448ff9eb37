"""DeviceClasses."""

from corral.api.rules import Rules


class DeviceClassRules(Rules):
    """Rules of resource.k8s.io DeviceClass."""

    has_generation = True


RULES = {"DeviceClass": DeviceClassRules()}
