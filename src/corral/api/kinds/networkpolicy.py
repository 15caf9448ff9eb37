"""NetworkPolicies."""

from corral.api.rules import Rules


class NetworkPolicyRules(Rules):
    """Rules of networking.k8s.io NetworkPolicy."""

    has_generation = True


RULES = {"NetworkPolicy": NetworkPolicyRules()}
