"""CSINodes."""

from corral.api.rules import Rules


class CSINodeRules(Rules):
    """Rules of storage.k8s.io CSINode."""


RULES = {"CSINode": CSINodeRules()}
