"""RuntimeClasses."""

from corral.api.rules import Rules


class RuntimeClassRules(Rules):
    """Rules of node.k8s.io RuntimeClass."""


RULES = {"RuntimeClass": RuntimeClassRules()}
