"""IPAddresses."""

from corral.api.rules import Rules


class IPAddressRules(Rules):
    """Rules of networking.k8s.io IPAddress."""


RULES = {"IPAddress": IPAddressRules()}
