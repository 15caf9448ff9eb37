"""PriorityLevelConfigurations."""

from corral.api.rules import Rules


class PriorityLevelConfigurationRules(Rules):
    """Rules of flowcontrol.apiserver.k8s.io PriorityLevelConfiguration."""

    has_generation = True
    has_status = True


RULES = {"PriorityLevelConfiguration": PriorityLevelConfigurationRules()}
