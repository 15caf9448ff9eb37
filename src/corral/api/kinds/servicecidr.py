"""ServiceCIDRs."""

from corral.api.rules import Rules


class ServiceCIDRRules(Rules):
    """Rules of networking.k8s.io ServiceCIDR."""

    has_status = True


RULES = {"ServiceCIDR": ServiceCIDRRules()}
