"""HorizontalPodAutoscalers."""

from corral.api.rules import Rules


class HorizontalPodAutoscalerRules(Rules):
    """Rules of autoscaling HorizontalPodAutoscaler."""

    has_status = True


RULES = {"HorizontalPodAutoscaler": HorizontalPodAutoscalerRules()}
