"""CustomResourceDefinitions."""

from corral.api.rules import Rules


class CustomResourceDefinitionRules(Rules):
    """Rules of apiextensions.k8s.io CustomResourceDefinition."""

    has_generation = True
    has_status = True


RULES = {"CustomResourceDefinition": CustomResourceDefinitionRules()}
