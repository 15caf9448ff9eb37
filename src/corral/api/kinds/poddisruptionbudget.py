"""PodDisruptionBudgets."""

from corral.api.rules import Rules


class PodDisruptionBudgetRules(Rules):
    """Rules of policy PodDisruptionBudget."""

    has_generation = True
    has_status = True


RULES = {"PodDisruptionBudget": PodDisruptionBudgetRules()}
