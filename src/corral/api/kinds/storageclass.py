"""StorageClasses."""

from corral.api.rules import Rules


class StorageClassRules(Rules):
    """Rules of storage.k8s.io StorageClass."""


RULES = {"StorageClass": StorageClassRules()}
