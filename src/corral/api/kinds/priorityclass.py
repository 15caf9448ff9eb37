"""PriorityClasses."""

from corral.api.rules import Rules


class PriorityClassRules(Rules):
    """Rules of scheduling.k8s.io PriorityClass."""

    has_generation = True


RULES = {"PriorityClass": PriorityClassRules()}
