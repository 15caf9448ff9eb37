"""Ingresses."""

from corral.api.rules import Rules


class IngressRules(Rules):
    """Rules of networking.k8s.io Ingress."""

    has_generation = True
    has_status = True


RULES = {"Ingress": IngressRules()}
