"""IngressClasses."""

from corral.api.rules import Rules


class IngressClassRules(Rules):
    """Rules of networking.k8s.io IngressClass."""

    has_generation = True


RULES = {"IngressClass": IngressClassRules()}
