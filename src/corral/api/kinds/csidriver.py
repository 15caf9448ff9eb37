"""CSIDrivers."""

from corral.api.rules import Rules


class CSIDriverRules(Rules):
    """Rules of storage.k8s.io CSIDriver."""


RULES = {"CSIDriver": CSIDriverRules()}
