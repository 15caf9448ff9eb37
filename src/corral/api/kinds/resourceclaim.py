"""ResourceClaims and their templates."""

from corral.api.rules import Rules


class ResourceClaimRules(Rules):
    """Rules of resource.k8s.io ResourceClaim."""

    has_status = True


class ResourceClaimTemplateRules(Rules):
    """Rules of resource.k8s.io ResourceClaimTemplate."""


RULES = {"ResourceClaim": ResourceClaimRules(), "ResourceClaimTemplate": ResourceClaimTemplateRules()}
