"""CSIStorageCapacities."""

from corral.api.rules import Rules


class CSIStorageCapacityRules(Rules):
    """Rules of storage.k8s.io CSIStorageCapacity."""


RULES = {"CSIStorageCapacity": CSIStorageCapacityRules()}
